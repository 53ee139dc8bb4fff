"""Features of images: the basis for comparing generated with real images.

Sets of grey images with labels have their own classifier, shipped or trained at first need
(`metrics/features/classifier.py`). So do the user's own grey
pictures with classes. Colour images and pictures without classes use a network trained on ImageNet
(`metrics/features/imagenet.py`).
A distance is always named by its features: only Inception's, with weights supplied by the user
(`metrics/features/inception.py`), make a Fréchet distance the FID.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from msd_engine.backend.device import choose_device
from msd_engine.backend.errors import BadFile, UserError
from msd_engine.data.images import ImageSet, load_images
from msd_engine.metrics.features.classifier import (
    FEATURES,
    Classifier,
    Step,
    classifier_path,
    kept_classifier,
    read_classifier,
    recipe_for,
    train_classifier,
    weights_digest,
)
from msd_engine.metrics.features.network import FeatureBatch, FeatureNetwork
from msd_engine.specs import ImagesSpec

_TITLES = {"digits": "Digits", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
# Few colour images at a time: the network is large, and a job can stop only between two batches.
_BATCH, _COLOUR_BATCH = 256, 16


def preparing(
    data_name: str,
    data_dir: Path | None = None,
    device: torch.device | None = None,
    inception: Path | None = None,
    *,
    retrain: bool = False,
    images: ImageSet | None = None,
) -> Generator[Step, None, FeatureNetwork]:
    """Get the feature network of an image set, step by step if it must be trained first.

    Args:
        data_name: Name of the set, as in `ImagesSpec`.
        data_dir: The data folder.
        device: Where to compute; None for the best one present.
        inception: The user's weights of the FID's network (`metrics/features/inception.py`), for colour images; None
            uses the network of the optional package.
        retrain: Train and cache the classifier of grey images even if one is available.
        images: The set, whole, where it is in memory; needed for the user's own pictures.

    Yields:
        Progress of the training; nothing if the network is available.

    Returns:
        The network.

    Raises:
        BadFile: The images are missing, or a cached file is damaged.
        UserError: The optional package for colour images is missing, or Inception is requested for grey ones.
    """
    device = device or choose_device()
    if inception is not None:
        if data_name in _TITLES:
            raise UserError(f"No FID of {_TITLES[data_name]}: Inception sees colours; leave its weights out.")
        from msd_engine.metrics.features.inception import inception_network

        net, digest = inception_network(inception, device)
        return _of_colour(net, device, digest, fid=True)
    own = images is not None and bool(images.digest and images.class_names) and images.train.shape[1] == 1
    if data_name not in _TITLES and not own:
        from msd_engine.metrics.features.imagenet import SHA256, imagenet_network

        return _of_colour(imagenet_network(device), device, SHA256)
    if images is None:
        images = load_images(ImagesSpec.model_validate({"name": data_name}), data_dir)
    recipe = recipe_for(data_name)
    kept = None if retrain else kept_classifier(images, recipe)
    classifier = (yield from train_classifier(images, recipe, device)) if kept is None else kept.to(device)
    digest = f"{classifier_path(images, recipe).stem}-{weights_digest(classifier)}"
    return _of_classifier(classifier, data_name, images.class_names, device, digest)


def feature_network(
    data_name: str,
    data_dir: Path | None = None,
    device: torch.device | None = None,
    inception: Path | None = None,
) -> FeatureNetwork:
    """Get the feature network of an image set; the first call may train it for a minute. See `preparing`.

    Args:
        data_name: Name of the set, as in `ImagesSpec`.
        data_dir: The data folder.
        device: Where to compute; None for the best one present.
        inception: As in `preparing`.

    Raises:
        BadFile: The images are missing, or a cached file is damaged.
        UserError: The optional package for colour images is missing, or Inception is requested for grey ones.
    """
    steps = preparing(data_name, data_dir, device, inception)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            network: FeatureNetwork = end.value
            return network


def kept_network(
    data_name: str,
    data_dir: Path | None = None,
    device: torch.device | None = None,
    images: ImageSet | None = None,
) -> FeatureNetwork | None:
    """Get the feature network of an image set without training.

    Args:
        data_name: Name of the set, as in `ImagesSpec`.
        data_dir: The data folder.
        device: Where to compute; None for the best one present.
        images: As in `preparing`.

    Returns:
        The network; None if its classifier is not trained yet, or the optional package is missing.

    Raises:
        BadFile: The images are missing, or a cached file is damaged.
    """
    steps = preparing(data_name, data_dir, device, images=images)
    try:
        next(steps)
    except StopIteration as end:
        network: FeatureNetwork = end.value
        return network
    except BadFile:
        raise
    except UserError:
        return None
    steps.close()
    return None


def network_again(
    data_name: str, digest: str, class_names: tuple[str, ...], shape: tuple[int, int, int], device: torch.device
) -> FeatureNetwork | None:
    """Get a previously prepared network, without reading the image set.

    Args:
        data_name: Name of the set.
        digest: Its previous `FeatureNetwork.digest`.
        class_names: Its previous `FeatureNetwork.class_names`.
        shape: (C, H, W) of the images.
        device: Where to compute.

    Returns:
        The network; None if it is no longer cached, or was replaced.

    Raises:
        BadFile: The cached file is damaged.
    """
    if data_name not in _TITLES:
        network = kept_network(data_name, None, device)
        return network if network is not None and network.digest == digest else None
    stem, _, weights = digest.rpartition("-")
    net = read_classifier(stem, recipe_for(data_name), shape, len(class_names))
    if net is None or weights_digest(net) != weights:
        return None
    net = net.to(device)
    return _of_classifier(net, data_name, class_names, device, digest)


class _Colour(Protocol):
    """A network for colour images without the classes of the set."""

    name: str
    width: int

    def extract_features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features with shape (B, F), textures with shape (B, S) and evidence with shape (B,)."""
        ...


def _of_colour(net: _Colour, device: torch.device, digest: str, *, fid: bool = False) -> FeatureNetwork:
    def extract_features(x: Tensor) -> FeatureBatch:
        # The user's own pictures may be grey.
        features, textures, evidence = net.extract_features(x.expand(-1, 3, -1, -1))
        return FeatureBatch(features, x.new_zeros(len(x), 0), textures, evidence)

    return FeatureNetwork(net.name, net.width, (), device, digest, _COLOUR_BATCH, extract_features, fid)


def _of_classifier(
    net: Classifier, data_name: str, class_names: tuple[str, ...], device: torch.device, digest: str
) -> FeatureNetwork:
    def extract_features(x: Tensor) -> FeatureBatch:
        features, logits, textures = net.extract_features(x)
        return FeatureBatch(features, logits, textures, logits.logsumexp(dim=1))

    name = f"{_TITLES.get(data_name, 'Own')} classifier, {FEATURES} features"
    return FeatureNetwork(name, FEATURES, class_names, device, digest, _BATCH, extract_features)

"""Features of images: what generated images are compared by with real ones.

Sets of grey images with labels have a classifier of their own, trained at first need (`metrics/classifier.py`). Colour
images are seen through a network that was trained on ImageNet (`metrics/imagenet.py`). A distance is always named by
its features: only Inception's, whose weights the user must have (`metrics/inception.py`), make a Fréchet distance the
FID.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from msd_engine.backend.device import choose_device
from msd_engine.backend.errors import BadFile, UserError
from msd_engine.data.images import load_images
from msd_engine.metrics.classifier import (
    FEATURES,
    Classifier,
    Step,
    classifier_path,
    classifiers_folder,
    kept_classifier,
    read_classifier,
    recipe_for,
    train_classifier,
)
from msd_engine.specs import ImagesSpec

_TITLES = {"digits": "Digits", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
# Few colour images at a time: the network is large, and a job looks up between two batches.
_BATCH, _COLOUR_BATCH = 256, 16


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network sees in images.

    Attributes:
        features: Features with shape (n, F), float32.
        logits: Logits of the classes with shape (n, classes); no columns where the network knows none of this set.
        textures: Means of the network's maps over the image with shape (n, S), which tell noise, blur and thickness
            of lines.
        evidence: log Σ exp of the logits of whatever classes the network was trained on, with shape (n,).
    """

    features: Tensor
    logits: Tensor
    textures: Tensor
    evidence: Tensor

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.features)

    def __getitem__(self, which: slice | Tensor) -> Seen:
        """Return what was seen in some of the images."""
        return Seen(self.features[which], self.logits[which], self.textures[which], self.evidence[which])

    @property
    def probabilities(self) -> Tensor:
        """Probabilities of the classes with shape (n, classes)."""
        return self.logits.softmax(dim=1)

    @property
    def class_shares(self) -> Tensor:
        """Share of the images that are called each class with shape (classes,), float64."""
        classes = self.logits.shape[1]
        if not classes:
            return torch.zeros(0, dtype=torch.float64)
        return self.logits.argmax(dim=1).bincount(minlength=classes).double() / max(len(self), 1)

    def cpu(self) -> Seen:
        """Return it on the CPU."""
        return Seen(self.features.cpu(), self.logits.cpu(), self.textures.cpu(), self.evidence.cpu())

    @staticmethod
    def together(parts: list[Seen]) -> Seen:
        """Return several of them as one."""
        return Seen(
            torch.cat([part.features for part in parts]),
            torch.cat([part.logits for part in parts]),
            torch.cat([part.textures for part in parts]),
            torch.cat([part.evidence for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class FeatureNetwork:
    """A fixed network that sees images.

    Attributes:
        name: What the features are, in words, such as ``MNIST classifier, 128 features``.
        width: F, the length of a feature vector.
        class_names: A name for each class that `probabilities` tells apart; empty where it gives None.
        device: Where it computes.
        digest: Tells its weights from all others.
        batch: Images that it sees at a time.
        fid: Whether a Fréchet distance of these features is the FID.
    """

    name: str
    width: int
    class_names: tuple[str, ...]
    device: torch.device
    digest: str
    batch: int
    _look: Callable[[Tensor], Seen]
    fid: bool = False

    @torch.no_grad()
    def look(self, x: Tensor) -> Seen:
        """Look at images.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are cut.

        Returns:
            What is seen, float32, on the CPU.
        """
        # NaN, which a chain that blew up may hold, is seen as grey. Of no images one is looked at, for the shapes.
        parts = torch.split(x if len(x) else x.new_zeros(1, *x.shape[1:]), self.batch)
        seen = [self._look(part.to(self.device).float().nan_to_num(0.0).clamp(-1, 1)).cpu() for part in parts]
        return Seen.together(seen)[: len(x)]

    def features(self, x: Tensor) -> Tensor:
        """Return the features of images.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are cut.

        Returns:
            Features with shape (N, F), float32, on the CPU.
        """
        return self.look(x).features

    def probabilities(self, x: Tensor) -> Tensor | None:
        """Return how likely each class is for each image.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are cut.

        Returns:
            Probabilities with shape (N, classes), float32, on the CPU; None where the network knows no classes of
            this image set.
        """
        return self.look(x).probabilities if self.class_names else None


def preparing(
    data_name: str,
    data_dir: Path | None = None,
    device: torch.device | None = None,
    inception: Path | None = None,
) -> Generator[Step, None, FeatureNetwork]:
    """Get the feature network of an image set, step by step where it must be trained first.

    Args:
        data_name: Name of the set, as in `ImagesSpec`.
        data_dir: The data folder.
        device: Where to compute; None for the best one present.
        inception: The user's weights of the FID's network (`metrics/inception.py`), for colour images; None takes the
            network of the optional package.

    Yields:
        How far the training is; nothing where the network is kept already.

    Returns:
        The network.

    Raises:
        BadFile: The images are missing, or a kept file is damaged.
        UserError: The optional package for colour images is missing, or Inception is wanted for grey ones.
    """
    device = device or choose_device()
    if inception is not None:
        if data_name in _TITLES:
            raise UserError(f"No FID of {_TITLES[data_name]}: Inception sees colours; leave its weights out.")
        from msd_engine.metrics.inception import inception_network

        net, digest = inception_network(inception, device)
        return _of_colour(net, device, digest, fid=True)
    if data_name not in _TITLES:
        from msd_engine.metrics.imagenet import SHA256, imagenet_network

        return _of_colour(imagenet_network(device), device, SHA256)
    images = load_images(ImagesSpec.model_validate({"name": data_name}), data_dir)
    recipe = recipe_for(data_name)
    kept = kept_classifier(images, recipe)
    classifier = (yield from train_classifier(images, recipe, device)) if kept is None else kept.to(device)
    digest = classifier_path(images, recipe).stem
    return _of_classifier(classifier, data_name, images.class_names, device, digest)


def feature_network(
    data_name: str,
    data_dir: Path | None = None,
    device: torch.device | None = None,
    inception: Path | None = None,
) -> FeatureNetwork:
    """Get the feature network of an image set; the first call may train it, which takes a minute.

    Args:
        data_name: Name of the set, as in `ImagesSpec`.
        data_dir: The data folder.
        device: Where to compute; None for the best one present.
        inception: As in `preparing`.

    Returns:
        The network.

    Raises:
        BadFile: The images are missing, or a kept file is damaged.
        UserError: The optional package for colour images is missing, or Inception is wanted for grey ones.
    """
    steps = preparing(data_name, data_dir, device, inception)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            network: FeatureNetwork = end.value
            return network


def kept_network(
    data_name: str, data_dir: Path | None = None, device: torch.device | None = None
) -> FeatureNetwork | None:
    """Get the feature network of an image set where that takes no training.

    Args:
        data_name: Name of the set, as in `ImagesSpec`.
        data_dir: The data folder.
        device: Where to compute; None for the best one present.

    Returns:
        The network; None where its classifier is not trained yet, or the optional package is missing.

    Raises:
        BadFile: The images are missing, or a kept file is damaged.
    """
    steps = preparing(data_name, data_dir, device)
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
    """Get a network that was prepared before, without reading the image set.

    Args:
        data_name: Name of the set.
        digest: What `FeatureNetwork.digest` was.
        class_names: What `FeatureNetwork.class_names` was.
        shape: (C, H, W) of the images.
        device: Where to compute.

    Returns:
        The network; None where it is not kept any more.

    Raises:
        BadFile: The kept file is damaged.
    """
    if data_name not in _TITLES:
        network = kept_network(data_name, None, device)
        return network if network is not None and network.digest == digest else None
    path = classifiers_folder() / f"{digest}.safetensors"
    if not path.exists():
        return None
    net = read_classifier(path, shape[0], shape[1], len(class_names)).to(device)
    return _of_classifier(net, data_name, class_names, device, digest)


class _Colour(Protocol):
    """A network of colour images that knows no classes of a set."""

    name: str
    width: int

    def look(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features with shape (B, F), textures with shape (B, S) and evidence with shape (B,)."""
        ...


def _of_colour(net: _Colour, device: torch.device, digest: str, *, fid: bool = False) -> FeatureNetwork:
    def look(x: Tensor) -> Seen:
        features, textures, evidence = net.look(x)
        return Seen(features, x.new_zeros(len(x), 0), textures, evidence)

    return FeatureNetwork(net.name, net.width, (), device, digest, _COLOUR_BATCH, look, fid)


def _of_classifier(
    net: Classifier, data_name: str, class_names: tuple[str, ...], device: torch.device, digest: str
) -> FeatureNetwork:
    def look(x: Tensor) -> Seen:
        features, logits, textures = net.look(x)
        return Seen(features, logits, textures, logits.logsumexp(dim=1))

    name = f"{_TITLES[data_name]} classifier, {FEATURES} features"
    return FeatureNetwork(name, FEATURES, class_names, device, digest, _BATCH, look)

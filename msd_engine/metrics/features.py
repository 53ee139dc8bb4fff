"""Features of images: what generated images are compared by with real ones.

Sets of grey images with labels have a classifier of their own, trained at first need (`metrics/classifier.py`). Colour
images are seen through a network that was trained on ImageNet (`metrics/imagenet.py`). A distance is always named by
its features: only Inception's would make a Fréchet distance the FID.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.backend.device import choose_device
from msd_engine.backend.errors import BadFile, UserError
from msd_engine.data.images import ImageSet, load_images
from msd_engine.metrics.classifier import (
    FEATURES,
    Classifier,
    Step,
    classifier_path,
    kept_classifier,
    recipe_for,
    train_classifier,
)
from msd_engine.specs import ImagesSpec

_TITLES = {"digits": "Digits", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
# Few colour images at a time: the network is large, and a job looks up between two batches.
_BATCH, _COLOUR_BATCH = 256, 16


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
    """

    name: str
    width: int
    class_names: tuple[str, ...]
    device: torch.device
    digest: str
    batch: int
    _features: Callable[[Tensor], Tensor]
    _logits: Callable[[Tensor], Tensor] | None

    def features(self, x: Tensor) -> Tensor:
        """Return the features of images.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are cut.

        Returns:
            Features with shape (N, F), float32, on the CPU.
        """
        return self._each_batch(self._features, x, self.width)

    def probabilities(self, x: Tensor) -> Tensor | None:
        """Return how likely each class is for each image.

        Args:
            x: Images with shape (N, C, H, W), in [-1, 1]; values beyond are cut.

        Returns:
            Probabilities with shape (N, classes), float32, on the CPU; None where the network knows no classes of
            this image set.
        """
        if self._logits is None:
            return None
        return self._each_batch(self._logits, x, len(self.class_names)).softmax(dim=1)

    @torch.no_grad()
    def _each_batch(self, see: Callable[[Tensor], Tensor], x: Tensor, width: int) -> Tensor:
        # NaN, which a chain that blew up may hold, is seen as grey.
        parts = [
            see(part.to(self.device).float().nan_to_num(0.0).clamp(-1, 1)).cpu() for part in torch.split(x, _BATCH)
        ]
        return torch.cat(parts) if len(x) else torch.zeros(0, width)


def preparing(
    data_name: str, data_dir: Path | None = None, device: torch.device | None = None
) -> Generator[Step, None, FeatureNetwork]:
    """Get the feature network of an image set, step by step where it must be trained first.

    Args:
        data_name: Name of the set, as in `ImagesSpec`.
        data_dir: The data folder.
        device: Where to compute; None for the best one present.

    Yields:
        How far the training is; nothing where the network is kept already.

    Returns:
        The network.

    Raises:
        BadFile: The images are missing, or a kept file is damaged.
        UserError: The optional package for colour images is missing.
    """
    device = device or choose_device()
    if data_name not in _TITLES:
        from msd_engine.metrics.imagenet import SHA256, imagenet_network

        net = imagenet_network(device)
        return FeatureNetwork(net.name, net.width, (), device, SHA256, _COLOUR_BATCH, net.features, None)
    images = load_images(ImagesSpec.model_validate({"name": data_name}), data_dir)
    recipe = recipe_for(data_name)
    kept = kept_classifier(images, recipe)
    classifier = (yield from train_classifier(images, recipe, device)) if kept is None else kept.to(device)
    digest = classifier_path(images, recipe).stem
    return _of_classifier(classifier, images, device, digest)


def feature_network(data_name: str, data_dir: Path | None = None, device: torch.device | None = None) -> FeatureNetwork:
    """Get the feature network of an image set; the first call may train it, which takes a minute.

    Args:
        data_name: Name of the set, as in `ImagesSpec`.
        data_dir: The data folder.
        device: Where to compute; None for the best one present.

    Returns:
        The network.

    Raises:
        BadFile: The images are missing, or a kept file is damaged.
        UserError: The optional package for colour images is missing.
    """
    steps = preparing(data_name, data_dir, device)
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


def _of_classifier(net: Classifier, images: ImageSet, device: torch.device, digest: str) -> FeatureNetwork:
    name = f"{_TITLES[images.name]} classifier, {FEATURES} features"
    return FeatureNetwork(name, FEATURES, images.class_names, device, digest, _BATCH, net.features, net)

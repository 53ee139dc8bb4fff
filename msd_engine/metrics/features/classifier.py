"""A small classifier of labelled images, whose last hidden layer gives the features for judging new images.

Trained from the labels at first need and cached under a name with a hash of images, labels and recipe: any change
trains another classifier. Those of the complete sets ship with the program under the same names
(`metrics/features/shipped.py`); the cache folder comes first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from msd_engine.backend.files import make_folder, reading, write_atomically
from msd_engine.backend.folders import cache_folder
from msd_engine.backend.tensors import pack_tensors, read_tensors
from msd_engine.data.images import ImageSet
from msd_engine.metrics.features.shipped import shipped

FEATURES = 128
"""Length of a feature vector."""

_FORMAT = "msd-classifier-1"
_EXPECTED = "a cached classifier (safetensors; delete it and it will be trained again)"
_TEST_BATCH = 500


@dataclass(frozen=True)
class Recipe:
    """Training settings of a classifier.

    Attributes:
        passes: Epochs.
        batch: Images in one step.
        learning_rate: Step size of Adam.
        dropout: Dropout probability of the flattened activations.
        seed: Seed of weights, order and dropout.
    """

    passes: int = 4
    batch: int = 128
    learning_rate: float = 1e-3
    dropout: float = 0.3
    seed: int = 0

    def steps(self, images: int) -> int:
        """Return the number of steps for a number of training images."""
        return self.passes * -(-images // self.batch)


_RECIPES = {"digits": Recipe(passes=40, batch=64), "folder": Recipe(passes=20, batch=64)}


def recipe_for(name: str) -> Recipe:
    """Return the recipe for an image set: small sets need more epochs."""
    return _RECIPES.get(name, Recipe())


class Classifier(nn.Module):
    """Two convolutions with pooling and a hidden layer.

    Args:
        channels: C of the images.
        side: H = W of the images, a multiple of 4.
        classes: Number of classes.
    """

    def __init__(self, channels: int, side: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, 32, 3, padding=1)
        self.second = nn.Conv2d(32, 64, 3, padding=1)
        self.hidden = nn.Linear(64 * (side // 4) ** 2, FEATURES)
        self.last = nn.Linear(FEATURES, classes)

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the activations of both convolutions.

        Args:
            x: Images with shape (B, C, H, W), in [-1, 1].

        Returns:
            Activations with shapes (B, 32, H, W) and (B, 64, H/2, W/2), not negative.
        """
        first = functional.relu(self.first(x))
        return first, functional.relu(self.second(functional.max_pool2d(first, 2)))

    def features(self, x: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return the features.

        Args:
            x: Images with shape (B, C, H, W), in [-1, 1].
            kept: Factors of the flattened activations with shape (B, n), for dropout; None keeps all.

        Returns:
            Features with shape (B, 128), not negative.
        """
        return self._hidden_of(self.maps(x)[1], kept)

    def extract_features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features, logits and textures of images, in one pass.

        Args:
            x: Images with shape (B, C, H, W), in [-1, 1].

        Returns:
            Features with shape (B, 128), logits with shape (B, classes) and the means of all maps with shape (B, 96).
        """
        first, second = self.maps(x)
        features = self._hidden_of(second, None)
        textures = torch.cat((first.mean(dim=(2, 3)), second.mean(dim=(2, 3))), dim=1)
        return features, self.last(features), textures

    def _hidden_of(self, second: Tensor, kept: Tensor | None) -> Tensor:
        h = functional.max_pool2d(second, 2).flatten(1)
        if kept is not None:
            h = h * kept
        return functional.relu(self.hidden(h))

    def forward(self, x: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return the logits with shape (B, classes)."""
        logits: Tensor = self.last(self.features(x, kept))
        return logits


@dataclass(frozen=True)
class Step:
    """Progress of the training of a classifier.

    Attributes:
        done: Steps done.
        total: Steps in all.
    """

    done: int
    total: int


def classifiers_folder() -> Path:
    """Return the folder of all cached classifiers."""
    return cache_folder() / "classifiers"


def classifier_path(images: ImageSet, recipe: Recipe) -> Path:
    """Return the cache path of a classifier, whose name identifies the complete image set and the recipe."""
    digest = hashlib.sha256(json.dumps([_FORMAT, FEATURES, asdict(recipe)]).encode())
    for part in (images.train, images.train_labels):
        digest.update(part.contiguous().numpy().data)
    return classifiers_folder() / f"{images.name}-{digest.hexdigest()[:16]}.safetensors"


def new_classifier(images: ImageSet, seed: int) -> Classifier:
    """Return an untrained classifier for an image set, with weights determined by the seed."""
    # Layers draw their initial weights from the global generator; its state is restored.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier(images.train.shape[1], images.train.shape[2], len(images.class_names))


def kept_classifier(images: ImageSet, recipe: Recipe) -> Classifier | None:
    """Read the classifier of an image set: the cached one, else the shipped one.

    Args:
        images: The complete set.
        recipe: Its training settings.

    Returns:
        The classifier on the CPU, or None if there is none of this recipe.

    Raises:
        BadFile: The cached file is damaged.
    """
    shape = (images.train.shape[1], images.train.shape[2], images.train.shape[3])
    return read_classifier(classifier_path(images, recipe).stem, recipe, shape, len(images.class_names))


def read_classifier(stem: str, recipe: Recipe, shape: tuple[int, int, int], classes: int) -> Classifier | None:
    """Read a classifier by file name: the cached one, else the shipped one.

    Args:
        stem: Name of its file without the suffix.
        recipe: Its required training settings.
        shape: (C, H, W) of its images.
        classes: Number of its classes.

    Returns:
        The classifier on the CPU; None if there is none of that name, format and recipe.

    Raises:
        BadFile: The cached file is damaged, or belongs to other images.
    """
    kept = classifiers_folder() / f"{stem}.safetensors"
    path = kept if kept.exists() else shipped(kept.name)
    if path is None:
        return None
    # Without initial weights: they would use the global generator, which another job may be using.
    with torch.device("meta"):
        net = Classifier(shape[0], shape[1], classes)
    tensors, notes = read_tensors(path, _EXPECTED, net.state_dict())
    with reading(path, _EXPECTED):
        if notes["format"] != _FORMAT or json.loads(notes["recipe"]) != asdict(recipe):
            return None
    net.load_state_dict(tensors, assign=True)
    return net.eval().requires_grad_(False)


def weights_digest(net: Classifier) -> str:
    """Return a hash of the weights: the last bits depend on the machine."""
    digest = hashlib.sha256()
    for name, value in sorted(net.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().numpy().data)
    return digest.hexdigest()[:16]


def train_classifier(images: ImageSet, recipe: Recipe, device: torch.device) -> Generator[Step, None, Classifier]:
    """Train a classifier on the labels and cache it.

    Args:
        images: The complete set.
        recipe: Training settings.
        device: Where to compute.

    Yields:
        Progress, after each step; closing the generator caches nothing.

    Returns:
        The classifier, on the device.

    Raises:
        UserError: The cache folder cannot be written.
    """
    net = new_classifier(images, recipe.seed).to(device)
    draws = torch.Generator().manual_seed(recipe.seed)
    optimiser = torch.optim.Adam(net.parameters(), lr=recipe.learning_rate)
    total = recipe.steps(len(images.train))
    done = 0
    for _ in range(recipe.passes):
        for index in torch.split(torch.randperm(len(images.train), generator=draws), recipe.batch):
            kept = torch.rand((len(index), net.hidden.in_features), generator=draws) >= recipe.dropout
            optimiser.zero_grad()
            logits = net(images.to_data(images.train[index]).to(device), kept.to(device) / (1 - recipe.dropout))
            loss = functional.cross_entropy(logits, images.train_labels[index].to(device))
            torch.autograd.backward(loss)
            optimiser.step()
            done += 1
            yield Step(done, total)
    net.eval().requires_grad_(False)
    notes = {"format": _FORMAT, "recipe": json.dumps(asdict(recipe)), "accuracy": repr(accuracy(net, images, device))}
    path = classifier_path(images, recipe)
    make_folder(path.parent)
    write_atomically(path, pack_tensors(net.state_dict(), notes))
    return net


def accuracy(net: Classifier, images: ImageSet, device: torch.device) -> float:
    """Return the accuracy of a classifier on the held-out images."""
    right = 0
    batches = (torch.split(part, _TEST_BATCH) for part in (images.test, images.test_labels))
    for x, labels in zip(*batches, strict=True):
        right += int((net(images.to_data(x).to(device)).argmax(1).cpu() == labels).sum())
    return right / len(images.test)

"""Real images: scikit-learn's digits, MNIST, Fashion-MNIST and CIFAR-10.

Kept as unsigned bytes; scaled to [-1, 1], the data units of the theory, a batch at a time.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import reading
from msd_engine.data.cifar import TEST_FILE, TRAIN_FILES, read_batches
from msd_engine.data.folder import candidates, read_first
from msd_engine.data.idx import idx_names, read_named_idx
from msd_engine.events.pixels import to_data, to_grey
from msd_engine.specs import ImagesSpec

_TEN_DIGITS = tuple(str(digit) for digit in range(10))
_CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

IDX_FILES = tuple(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
"""Names of the four files of MNIST and of Fashion-MNIST, unpacked: train images, labels, test images, labels."""

# Each file that is needed of a set by the names that it may have; of CIFAR-10 fewer batches will do.
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = dict.fromkeys(
    ("mnist", "fashion-mnist"), tuple(idx_names(file) for file in IDX_FILES)
)
_NEEDED["cifar-10"] = (TRAIN_FILES, (TEST_FILE,))

_DIGITS_HELD_OUT = 297
_CHUNK = 1000

_Parts = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A set of labelled images.

    Attributes:
        name: Name of the set, as in `ImagesSpec`.
        train: Images to learn from, with shape (n, C, H, W), uint8.
        train_labels: Their classes, with shape (n,), int64.
        test: Held-out images, with shape (m, C, H, W), uint8.
        test_labels: Their classes, with shape (m,), int64.
        class_names: A name for each class.
    """

    name: str
    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    class_names: tuple[str, ...]

    def held_out(self, n: int) -> Tensor:
        """Return some of the held-out images, drawn once and for all: a set may be sorted, as MNIST's is by writer.

        Args:
            n: How many; of fewer all are given.

        Returns:
            Images with shape (min(n, m), C, H, W), uint8: the first n of a fixed permutation.
        """
        return self.test[torch.randperm(len(self.test), generator=torch.Generator().manual_seed(0))[:n]]

    @staticmethod
    def to_data(images: Tensor) -> Tensor:
        """Scale bytes to data units.

        Args:
            images: Images with shape (B, C, H, W), uint8.

        Returns:
            The same with shape (B, C, H, W), float32 in [-1, 1].
        """
        data: Tensor = to_data(images)
        return data

    @staticmethod
    def to_bytes(x: Tensor) -> Tensor:
        """Round data units to bytes: the inverse of `to_data`; values beyond [-1, 1] are cut, NaN becomes grey.

        Args:
            x: Images with shape (B, C, H, W), floating point.

        Returns:
            The same with shape (B, C, H, W), uint8.
        """
        grey: Tensor = to_grey(torch.nan_to_num(x.float(), nan=0.0))
        return grey.to(torch.uint8)

    def statistics(self, limit: int = 10_000) -> tuple[Tensor, float]:
        """Measure the mean image and the standard deviation σ_d about it, both in data units.

        Args:
            limit: Use at most so many training images, drawn without bias from the whole set.

        Returns:
            The mean with shape (C, H, W), float32, and σ_d, pooled over all pixels.
        """
        # Drawn, not strided: MNIST alternates between two groups of writers, which a stride would pick apart.
        order = torch.randperm(len(self.train), generator=torch.Generator().manual_seed(0))
        chosen = self.train[order[:limit]]
        total = torch.zeros(chosen.shape[1:], dtype=torch.float64)
        squares = 0.0
        for start in range(0, len(chosen), _CHUNK):
            x = self.to_data(chosen[start : start + _CHUNK])
            total += x.sum(dim=0, dtype=torch.float64)
            squares += float(x.square_().sum(dtype=torch.float64))
        mean = total / len(chosen)
        variance = squares / chosen.numel() - float(mean.square().mean())
        return mean.float(), max(variance, 0.0) ** 0.5


def load_images(spec: ImagesSpec, data_dir: Path | None = None) -> ImageSet:
    """Load a set of images.

    Args:
        spec: Which set, which part of it is to be learned, and how many of these images at most.
        data_dir: The data folder, as `msd_engine.data.folder.data_folder` takes it.

    Returns:
        The set; where the test images are the data, `train` holds them and `test` the others.

    Raises:
        MissingDataError: A file is missing, cut, of the wrong type or the wrong size; the sentence names it.
        BadFile: The digits are not installed.
    """
    match spec.name:
        case "digits":
            parts, classes = _digits(), _TEN_DIGITS
        case "mnist" | "fashion-mnist":
            parts = read_first(spec.name, _NEEDED[spec.name], _idx_set, data_dir)
            classes = _TEN_DIGITS if spec.name == "mnist" else _CLOTHES
        case "cifar-10":
            parts, classes = read_first(spec.name, _NEEDED[spec.name], _cifar, data_dir), _THINGS
    train, train_labels, test, test_labels = (torch.from_numpy(part) for part in parts)
    if spec.split == "test":
        train, train_labels, test, test_labels = test, test_labels, train, train_labels
    if spec.limit:
        # Cloned, so that the rest of the set is freed.
        train, train_labels = train[: spec.limit].clone(), train_labels[: spec.limit].clone()
    return ImageSet(spec.name, train, train_labels, test, test_labels, classes)


def has_images(name: str, data_dir: Path | None = None) -> bool:
    """Return whether the files of a set are on this machine, whole or not.

    Args:
        name: Name of the set, as in `ImagesSpec`.
        data_dir: The data folder, as `msd_engine.data.folder.data_folder` takes it.
    """
    return name == "digits" or any(
        os.path.isfile(folder / file)
        for folder in candidates(name, data_dir)
        for names in _NEEDED[name]
        for file in names
    )


def _digits() -> _Parts:
    # scikit-learn's file is read without importing scikit-learn, which takes two seconds before a first training.
    package = importlib.util.find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise BadFile("The digits come with scikit-learn, which is not installed: install scikit-learn.")
    path = Path(package.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    with reading(path, "scikit-learn's digits (reinstall scikit-learn)"):
        table = np.loadtxt(path, delimiter=",", dtype=np.int64, ndmin=2)
        # Ink runs from 0 to 16.
        images = np.round(table[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
        labels = np.ascontiguousarray(table[:, 64])
    split = len(images) - _DIGITS_HELD_OUT
    return images[:split], labels[:split], images[split:], labels[split:]


def _idx_set(folder: Path) -> _Parts:
    train, train_labels = _idx_pair(folder, *IDX_FILES[:2])
    test, test_labels = _idx_pair(folder, *IDX_FILES[2:])
    return train, train_labels, test, test_labels


def _idx_pair(folder: Path, images_name: str, labels_name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    _, images = read_named_idx(folder, images_name, (28, 28))
    path, labels = read_named_idx(folder, labels_name, ())
    if len(labels) != len(images):
        raise BadFile(f"{path} has {len(labels)} labels; expected one for each of the {len(images)} images beside it.")
    if labels.max() > 9:
        raise BadFile(f"{path} has a label above 9; expected classes 0 to 9.")
    return images[:, None], labels.astype(np.int64)


def _cifar(folder: Path) -> _Parts:
    train, train_labels = read_batches([folder / name for name in TRAIN_FILES if (folder / name).is_file()])
    test, test_labels = read_batches([folder / TEST_FILE])
    return train, train_labels, test, test_labels

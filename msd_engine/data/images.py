"""Images: scikit-learn's digits, coloured shapes, MNIST, Fashion-MNIST, CIFAR-10 and the user's own pictures.

Stored as unsigned bytes and scaled batch by batch to [-1, 1], the data units of the theory.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from importlib import resources
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
from msd_engine.data.own import read_own
from msd_engine.events.pixels import to_data, to_grey
from msd_engine.specs import ImagesSpec

_TEN_DIGITS = tuple(str(digit) for digit in range(10))
_CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

IDX_FILES = tuple(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
"""Names of the four files of MNIST and of Fashion-MNIST, unpacked: train images, labels, test images, labels."""

# Possible names of each required file of a set; of CIFAR-10 one training batch suffices.
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
        train: Training images, with shape (n, C, H, W), uint8.
        train_labels: Their classes, with shape (n,), int64.
        test: Held-out images, with shape (m, C, H, W), uint8.
        test_labels: Their classes, with shape (m,), int64.
        class_names: A name for each class; empty without classes.
        digest: SHA-256 of the user's own pictures; empty for other sets.
        refused: Name and reason of each of the user's files that was left out.
    """

    name: str
    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    class_names: tuple[str, ...]
    digest: str = ""
    refused: tuple[tuple[str, str], ...] = ()

    def class_name(self, label: int) -> str:
        """Return the name of a class; empty without classes."""
        return self.class_names[label] if self.class_names else ""

    def held_out(self, n: int) -> Tensor:
        """Return the first min(n, m) images (uint8) of a fixed permutation of the held-out set, which may be sorted."""
        return self.test[torch.randperm(len(self.test), generator=torch.Generator().manual_seed(0))[:n]]

    @staticmethod
    def to_data(images: Tensor) -> Tensor:
        """Scale bytes (B, C, H, W), uint8, to data units, float32 in [-1, 1]."""
        data: Tensor = to_data(images)
        return data

    @staticmethod
    def to_bytes(x: Tensor) -> Tensor:
        """Round data units to bytes, the inverse of `to_data`; values beyond [-1, 1] are clipped, NaN becomes grey."""
        grey: Tensor = to_grey(torch.nan_to_num(x.float(), nan=0.0))
        return grey.to(torch.uint8)

    def statistics(self, limit: int = 10_000) -> tuple[Tensor, float]:
        """Return the mean image (C, H, W), float32, and the pooled standard deviation σ_d about it, in data units.

        Args:
            limit: Largest number of training images to use, a random sample of the set.
        """
        # Sampled, not strided: MNIST alternates between two groups of writers, and a stride could favour one.
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
        spec: Set, split, and largest number of training images.
        data_dir: The data folder, as in `msd_engine.data.folder.data_folder`.

    Returns:
        The set; with the test split as data, `train` and `test` are exchanged.

    Raises:
        MissingDataError: A file is missing, cut, or of the wrong type or size; the message names it.
        BadFile: The digits are not installed, or the user's pictures cannot be read.
    """
    digest = ""
    refused: tuple[tuple[str, str], ...] = ()
    match spec.name:
        case "digits":
            parts, classes = _digits(), _TEN_DIGITS
        case "mnist" | "fashion-mnist":
            parts = read_first(spec.name, _NEEDED[spec.name], _idx_set, data_dir)
            classes = _TEN_DIGITS if spec.name == "mnist" else _CLOTHES
        case "cifar-10":
            parts, classes = read_first(spec.name, _NEEDED[spec.name], _cifar, data_dir), _THINGS
        case "folder" | "shapes":
            own = read_own(spec if spec.name == "folder" else _shapes())
            cut = own.split(spec.held_out)
            parts = own.images[:cut], own.labels[:cut], own.images[cut:], own.labels[cut:]
            classes, refused = own.class_names, own.refused
            digest = own.digest if spec.name == "folder" else ""
    train, train_labels, test, test_labels = (torch.from_numpy(part) for part in parts)
    if spec.split == "test":
        train, train_labels, test, test_labels = test, test_labels, train, train_labels
    if spec.limit:
        # Clone, to free the rest of the set.
        train, train_labels = train[: spec.limit].clone(), train_labels[: spec.limit].clone()
    return ImageSet(spec.name, train, train_labels, test, test_labels, classes, digest, refused)


def has_images(spec: ImagesSpec, data_dir: Path | None = None) -> bool:
    """Return whether any file of a set is on this machine, complete or not."""
    if spec.name == "folder":
        return os.path.exists(os.path.expanduser(spec.path))
    return spec.name in ("digits", "shapes") or any(
        os.path.isfile(folder / file)
        for folder in candidates(spec.name, data_dir)
        for names in _NEEDED[spec.name]
        for file in names
    )


def _shapes() -> ImagesSpec:
    path = resources.files("msd_resources") / "pictures" / "shapes.npz"
    return ImagesSpec(name="folder", path=str(path), size=32, channels="colour")


def _digits() -> _Parts:
    # Read scikit-learn's file directly: importing scikit-learn takes two seconds.
    package = importlib.util.find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise BadFile("The digits come with scikit-learn, which is not installed: install scikit-learn.")
    path = Path(package.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    with reading(path, "scikit-learn's digits (reinstall scikit-learn)"):
        table = np.loadtxt(path, delimiter=",", dtype=np.int64, ndmin=2)
        # Pixel values range from 0 to 16.
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

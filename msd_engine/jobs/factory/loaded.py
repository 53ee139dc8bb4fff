"""Images that jobs have loaded, kept for the next job: a moved slider must not read 60 000 images again.

Kept are the newest two sets, as bytes, and the newest exact denoiser, which holds its images as floats; everything
older is freed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor

from msd_engine.data.folder import data_folder
from msd_engine.data.images import ImageSet, load_images
from msd_engine.data.own import signature
from msd_engine.denoisers.empirical import EmpiricalDenoiser
from msd_engine.metrics.quality.verdicts import DataStatistics, data_statistics
from msd_engine.specs import ImagesSpec

T = TypeVar("T")


class _Shelf(Generic[T]):
    """The newest few values by key.

    Args:
        most: How many to keep.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of a key, made by `make` where it is not there; what `make` raises is not kept."""
        # Held while making: two jobs that ask for the same value wait for one of them to make it.
        with self._lock:
            if key not in self._kept:
                while len(self._kept) >= self._most:
                    # Freed before the new one is made.
                    self._kept.popitem(last=False)
                self._kept[key] = make()
            self._kept.move_to_end(key)
            return self._kept[key]

    def __contains__(self, key: Hashable) -> bool:
        """Return whether the value of a key is there."""
        with self._lock:
            return key in self._kept

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()


@dataclass(frozen=True, eq=False)
class Empirical:
    """An exact denoiser of images, with what chains must know of their data.

    Attributes:
        denoiser: The exact posterior mean over the images.
        mean: The mean image, with shape (C, H, W).
        std: Standard deviation about it, over all pixels.
    """

    denoiser: EmpiricalDenoiser
    mean: Tensor
    std: float


# Chains that are compared with all images together; each tile of an accelerator costs three waits.
_TILE, _TILE_OF_ACCELERATORS = 32, 256
_SETS: _Shelf[ImageSet] = _Shelf(2)
_DENOISERS: _Shelf[Empirical] = _Shelf(1)
# A few numbers and a mean image each.
_STATISTICS: _Shelf[DataStatistics] = _Shelf(16)


def loaded_images(spec: ImagesSpec, data_dir: Path | None = None) -> ImageSet:
    """Return a set of images, from memory where it was loaded before.

    Args:
        spec: Which set, which part and how many.
        data_dir: The data folder, as `msd_engine.data.folder.data_folder` takes it.

    Returns:
        The set; its tensors are shared and must not be changed.

    Raises:
        BadFile: A file is missing, cut, of the wrong type or the wrong size.
    """
    return _SETS.get(_key(spec, data_dir), lambda: load_images(spec, data_dir))


def loaded_empirical(spec: ImagesSpec, data_dir: Path | None, device: torch.device) -> Empirical:
    """Return the exact denoiser of a set of images, from memory where it was made before.

    Args:
        spec: Which set, which part and how many.
        data_dir: The data folder.
        device: Where to compute.

    Returns:
        The denoiser, in float32.

    Raises:
        BadFile: A file is missing, cut, of the wrong type or the wrong size.
    """

    def make() -> Empirical:
        images = loaded_images(spec, data_dir)
        mean, std = images.statistics()
        tile = _TILE if device.type == "cpu" else _TILE_OF_ACCELERATORS
        return Empirical(EmpiricalDenoiser(ImageSet.to_data(images.train.to(device)), tile=tile), mean, std)

    return _DENOISERS.get((_key(spec, data_dir), str(device)), make)


def is_loaded(spec: ImagesSpec, data_dir: Path | None, device: torch.device | None = None) -> bool:
    """Return whether a set of images is in memory, and where a device is given its exact denoiser too.

    Args:
        spec: Which set, which part and how many.
        data_dir: The data folder.
        device: Where the exact denoiser is wanted, or None for the images alone.
    """
    key = _key(spec, data_dir)
    return key in _SETS and (device is None or (key, str(device)) in _DENOISERS)


def loaded_statistics(spec: ImagesSpec, data_dir: Path | None) -> DataStatistics:
    """Return what the images of a set look like, from memory where they were looked at before.

    Args:
        spec: Which set, which part and how many.
        data_dir: The data folder.

    Returns:
        Their figures.

    Raises:
        BadFile: A file is missing, cut, of the wrong type or the wrong size.
    """
    return _STATISTICS.get(_key(spec, data_dir), lambda: data_statistics(loaded_images(spec, data_dir).train))


def _key(spec: ImagesSpec, data_dir: Path | None) -> Hashable:
    """Return a key that changes with the files of the user's own pictures."""
    return spec.model_copy(update={"digest": ""}), data_folder(data_dir), signature(spec)


def forget() -> None:
    """Free all images that are kept."""
    _STATISTICS.clear()
    _SETS.clear()
    _DENOISERS.clear()

"""Cache loaded images for the next job, so that a moved slider does not read 60 000 images again.

The cache holds the newest two sets, as bytes, and the newest exact denoiser, with its images as floats.
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
from msd_engine.noise.covariances.measured import power
from msd_engine.noise.space import Isotropic, Space
from msd_engine.specs import ImagesSpec, NoiseSpec

T = TypeVar("T")


class _Shelf(Generic[T]):
    """Cache of the newest few values by key.

    Args:
        most: How many to keep.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the cached value of a key, or make and cache it; errors are not cached."""
        # Hold the lock meanwhile, so that two jobs that need the same value make it once.
        with self._lock:
            if key not in self._kept:
                while len(self._kept) >= self._most:
                    # Free memory before the new value is made.
                    self._kept.popitem(last=False)
                self._kept[key] = make()
            self._kept.move_to_end(key)
            return self._kept[key]

    def __contains__(self, key: Hashable) -> bool:
        """Return whether a key is cached."""
        with self._lock:
            return key in self._kept

    def clear(self) -> None:
        """Empty the cache."""
        with self._lock:
            self._kept.clear()


@dataclass(frozen=True, eq=False)
class Empirical:
    """An exact denoiser of images, with the statistics that chains need.

    Attributes:
        denoiser: The exact posterior mean over the images.
        mean: The mean image, with shape (C, H, W).
        std: Standard deviation about it, over all pixels.
    """

    denoiser: EmpiricalDenoiser
    mean: Tensor
    std: float


# Chains per comparison with all images; each tile costs three synchronisations on an accelerator.
_TILE, _TILE_OF_ACCELERATORS = 32, 256
_SETS: _Shelf[ImageSet] = _Shelf(2)
_DENOISERS: _Shelf[Empirical] = _Shelf(1)
# Each is a few numbers and a mean image.
_STATISTICS: _Shelf[DataStatistics] = _Shelf(16)
_SPECTRA: _Shelf[Tensor] = _Shelf(16)
# The name of white noise.
_WHITE: tuple[object, ...] = NoiseSpec().colour
# Enough for a relative error of a percent or two at each frequency.
_FOR_SPECTRUM = 4096


def loaded_images(spec: ImagesSpec, data_dir: Path | None = None) -> ImageSet:
    """Return a set of images, cached if possible.

    Args:
        spec: Which set, which part and how many.
        data_dir: The data folder, as `msd_engine.data.folder.data_folder` takes it.

    Returns:
        The set; its tensors are shared and must not be changed.

    Raises:
        BadFile: A file is missing, cut, of the wrong type or the wrong size.
    """
    return _SETS.get(_key(spec, data_dir), lambda: load_images(spec, data_dir))


def loaded_empirical(
    spec: ImagesSpec,
    data_dir: Path | None,
    device: torch.device,
    space: Space | None = None,
    colour: tuple[object, ...] = _WHITE,
) -> Empirical:
    """Return the exact denoiser of a set of images, cached if possible.

    Args:
        spec: Which set, which part and how many.
        data_dir: The data folder.
        device: Where to compute.
        space: Coordinates of the denoiser and the statistics, in which the noise is white; None for those of the data.
        colour: Name of the noise: equal for equal spaces of equal data.

    Returns:
        The denoiser, in float32.

    Raises:
        BadFile: A file is missing, cut, of the wrong type or the wrong size.
    """
    white = space is None or isinstance(space, Isotropic)

    def make() -> Empirical:
        images = loaded_images(spec, data_dir)
        x = ImageSet.to_data(images.train.to(device))
        tile = _TILE if device.type == "cpu" else _TILE_OF_ACCELERATORS
        if space is None or white:
            return Empirical(EmpiricalDenoiser(x, tile=tile), *images.statistics())
        x = space.encode(x)
        mean = x.mean(0)
        std = (x - mean).square().mean().sqrt().item()
        return Empirical(EmpiricalDenoiser(x, tile=tile), mean.cpu(), std)

    return _DENOISERS.get(_exact_key(_key(spec, data_dir), device, _WHITE if white else colour), make)


def is_loaded(
    spec: ImagesSpec, data_dir: Path | None, device: torch.device | None = None, colour: tuple[object, ...] = _WHITE
) -> bool:
    """Return whether a set of images is cached; with a device, whether its exact denoiser is cached too.

    Args:
        spec: Which set, which part and how many.
        data_dir: The data folder.
        device: Device of the exact denoiser; None checks the images alone.
        colour: Name of its noise, as of `loaded_empirical`.
    """
    key = _key(spec, data_dir)
    return key in _SETS and (device is None or _exact_key(key, device, colour) in _DENOISERS)


def _exact_key(key: Hashable, device: torch.device, colour: tuple[object, ...]) -> Hashable:
    return key, str(device), *(() if colour == _WHITE else colour)


def loaded_statistics(spec: ImagesSpec, data_dir: Path | None) -> DataStatistics:
    """Return the statistics of a set of images, cached if possible.

    Args:
        spec: Which set, which part and how many.
        data_dir: The data folder.

    Returns:
        Their statistics.

    Raises:
        BadFile: A file is missing, cut, of the wrong type or the wrong size.
    """
    return _STATISTICS.get(_key(spec, data_dir), lambda: data_statistics(loaded_images(spec, data_dir).train))


def loaded_power(spec: ImagesSpec, data_dir: Path | None) -> Tensor:
    """Return the average power spectrum of a set of images, cached if possible.

    Args:
        spec: Which set, which part and how many.
        data_dir: The data folder.

    Returns:
        The power of the first few thousand images about their mean, with shape (H, W), as from
        `noise.covariances.measured.power`.

    Raises:
        BadFile: A file is missing, cut, of the wrong type or the wrong size.
    """

    def make() -> Tensor:
        return power(ImageSet.to_data(loaded_images(spec, data_dir).train[:_FOR_SPECTRUM]))

    return _SPECTRA.get(_key(spec, data_dir), make)


def _key(spec: ImagesSpec, data_dir: Path | None) -> Hashable:
    """Return a key that changes with the files of the user's own pictures."""
    return spec.model_copy(update={"digest": ""}), data_folder(data_dir), signature(spec)


def forget() -> None:
    """Free all cached images."""
    _STATISTICS.clear()
    _SPECTRA.clear()
    _SETS.clear()
    _DENOISERS.clear()

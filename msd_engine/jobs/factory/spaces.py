"""The coordinates in which the noise of an experiment is white, also where the data decide."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.data.images import ImageSet
from msd_engine.jobs.factory.loaded import loaded_power
from msd_engine.jobs.factory.targets import images_of, is_of_images
from msd_engine.noise.chosen import space_of
from msd_engine.noise.covariances.measured import measured_space
from msd_engine.noise.space import Isotropic, Space
from msd_engine.specs import ExperimentSpec

_PART = 4096


def coordinates(spec: ExperimentSpec, data_dir: Path | None = None) -> Space:
    """Return the space of an experiment; noise with the spectrum of the data reads them.

    Args:
        spec: The experiment; its data and its noise are read.
        data_dir: The data folder.

    Raises:
        BadFile: A file of the images is missing or damaged.
        UserError: The data cannot have this noise.
    """
    if is_of_images(spec) and spec.noise.covariance == "data":
        return measured_space(loaded_power(images_of(spec), data_dir), spec.data.shape[0])
    return space_of(spec.noise, spec.data.shape)


def encoded_statistics(images: ImageSet, space: Space) -> tuple[Tensor, float]:
    """Return mean and standard deviation of the encoded images, as `ImageSet.statistics` does of the images."""
    mean, std = images.statistics()
    if isinstance(space, Isotropic):
        return mean, std
    parts = (space.encode(ImageSet.to_data(part) - mean) for part in torch.split(images.train, _PART))
    squares = sum(part.square().sum(dtype=torch.float64).item() for part in parts)
    return space.encode(mean), math.sqrt(squares / images.train.numel())

"""Decide by the kind of the data of an experiment, the only place that does."""

from __future__ import annotations

from typing import assert_never

import torch

from msd_engine.backend.errors import UserError
from msd_engine.data.mixture import GaussianMixture
from msd_engine.data.points import points
from msd_engine.data.shapes import mixture as named_mixture
from msd_engine.denoisers.target import MixtureTarget, PointsTarget, Target
from msd_engine.noise.chosen import space_of
from msd_engine.noise.space import Isotropic, Space
from msd_engine.specs import ExperimentSpec, ImagesSpec, MixtureSpec


def target(spec: ExperimentSpec) -> Target | None:
    """Build the distribution of the data, in coordinates in which the noise is white.

    Args:
        spec: The experiment.

    Returns:
        The target in float64 on the CPU; None for images, which are samples only.

    Raises:
        UserError: A custom mixture is not valid.
    """
    match spec.data:
        case MixtureSpec(is_points=True):
            return PointsTarget(space_of(spec.noise, spec.data.shape).encode(torch.tensor(points(spec.data))))
        case MixtureSpec():
            return MixtureTarget(_encoded(named_mixture(spec.data), space_of(spec.noise, spec.data.shape)))
        case ImagesSpec():
            return None
        case _:
            assert_never(spec.data)


def mixture(spec: ExperimentSpec) -> GaussianMixture:
    """Build the mixture that an experiment draws from.

    Args:
        spec: An experiment whose data have modes.

    Returns:
        The mixture in float64 on the CPU.

    Raises:
        UserError: The data are images or have no modes, or a custom mixture is not valid.
    """
    known = target(spec)
    if known is None:
        raise UserError(f"The data {spec.data.name!r} are images: there is no exact density; train a denoiser instead.")
    if known.modes is None:
        raise UserError(f"The data {spec.data.name!r} are a set of points: choose a Gaussian mixture for this.")
    return known.modes


def _encoded(mixture: GaussianMixture, space: Space) -> GaussianMixture:
    """Return a mixture in the coordinates of a space."""
    if isinstance(space, Isotropic):
        return mixture
    means = space.encode(mixture.means)
    # From the left and from the right: encoding is symmetric.
    covariances = space.encode(space.encode(mixture.covariances).mT)
    return GaussianMixture(mixture.weights, means, (covariances + covariances.mT) / 2)


def is_of_images(spec: ExperimentSpec) -> bool:
    """Return whether the data are images; else they are points."""
    return isinstance(spec.data, ImagesSpec)


def own_pictures(spec: ExperimentSpec) -> ImagesSpec | None:
    """Return the user's own pictures, None where the data are others."""
    return spec.data if isinstance(spec.data, ImagesSpec) and spec.data.name == "folder" else None


def images_of(spec: ExperimentSpec, otherwise: str = "This is for images only: choose a set.") -> ImagesSpec:
    """Return the images of an experiment.

    Args:
        spec: The experiment.
        otherwise: Message of the error for points.

    Raises:
        UserError: The data are points.
    """
    if not isinstance(spec.data, ImagesSpec):
        raise UserError(otherwise)
    return spec.data

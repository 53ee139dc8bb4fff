"""The named mixtures: targets of the mixture page."""

from __future__ import annotations

import functools
import math

from msd_engine.backend.errors import UserError
from msd_engine.data.mixture import GaussianMixture
from msd_engine.specs import MixtureSpec

_RING_RADIUS, _RING_STD = 6.0, 0.6
_GRID_SPACING, _GRID_STD = 3.0, 0.4


@functools.lru_cache(maxsize=32)
def mixture(spec: MixtureSpec) -> GaussianMixture:
    """Build the mixture of a spec, by name or by custom parameters.

    Returns:
        The mixture in float64 on the CPU; do not modify it, equal specs share the object.

    Raises:
        UserError: A custom mixture has a covariance that is not symmetric and positive definite.
    """
    match spec.name:
        case "two-gaussians":
            # The report: two modes of equal weight. Its figure has no numbers; these modes are clearly separate.
            return GaussianMixture(
                [0.5, 0.5], [[-3.0, 0.0], [3.0, 0.0]], [[[1.0, 0.6], [0.6, 1.0]], [[1.0, -0.6], [-0.6, 1.0]]]
            )
        case "ncsn-toy":
            # Song and Ermon 2019 (NCSN), section 3.2.2.
            return _isotropic([0.8, 0.2], [[5.0, 5.0], [-5.0, -5.0]], 1.0)
        case "ring-8":
            angles = [2 * math.pi * j / 8 for j in range(8)]
            return _isotropic(
                [1.0] * 8, [[_RING_RADIUS * math.cos(a), _RING_RADIUS * math.sin(a)] for a in angles], _RING_STD
            )
        case "grid-25":
            ticks = [_GRID_SPACING * i for i in range(-2, 3)]
            return _isotropic([1.0] * 25, [[x, y] for y in ticks for x in ticks], _GRID_STD)
        case "custom":
            try:
                return GaussianMixture(spec.weights or (), spec.means or (), spec.covariances or ())
            except ValueError as error:
                raise UserError(f"This custom mixture cannot be used: {error}") from None
        case _:
            raise UserError(f"The data {spec.name!r} are a set of points, not a mixture.")


def _isotropic(weights: list[float], means: list[list[float]], std: float) -> GaussianMixture:
    """Return a mixture of isotropic modes of equal width."""
    return GaussianMixture(weights, means, [[[std**2, 0.0], [0.0, std**2]]] * len(weights))

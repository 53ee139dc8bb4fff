"""Noise in the plane that is longer in one direction: C = R diag(a², 1) Rᵀ · 2/(a² + 1), R the rotation by θ."""

from __future__ import annotations

import math

import torch

from msd_engine.backend.errors import UserError
from msd_engine.noise.space import Coloured, Isotropic, Space
from msd_engine.specs import NoiseSpec


def space(spec: NoiseSpec, shape: tuple[int, ...]) -> Space:
    """Return the space of the plane for the ellipse of a spec.

    Raises:
        UserError: The data have another dimension than two.
    """
    if shape != (2,):
        raise UserError(
            f"An ellipse of the noise is for data in the plane, but these have {shape[0]} dimensions: set "
            "noise.covariance to isotropic."
        )
    if spec.elongation == 1:
        return Isotropic()
    cos, sin = math.cos(math.radians(spec.angle)), math.sin(math.radians(spec.angle))
    longer, across = torch.tensor([cos, sin], dtype=torch.float64), torch.tensor([-sin, cos], dtype=torch.float64)
    return Coloured(spec.elongation**2 * longer.outer(longer) + across.outer(across))

"""The one place where specs become objects."""

from __future__ import annotations

from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.data.mixture import GaussianMixture
from msd_engine.data.shapes import mixture as named_mixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.noise.ladder import geometric
from msd_engine.specs import ExperimentSpec, MixtureSpec, SamplingSpec


def mixture(spec: ExperimentSpec) -> GaussianMixture:
    """Build the mixture that an experiment draws from.

    Args:
        spec: An experiment whose data are a mixture.

    Returns:
        The mixture in float64 on the CPU.

    Raises:
        UserError: The data are images, or a custom mixture is not valid.
    """
    if not isinstance(spec.data, MixtureSpec):
        raise UserError(f"The data {spec.data.name!r} are images: there is no exact density; train a denoiser instead.")
    return named_mixture(spec.data)


def exact_denoiser(spec: ExperimentSpec) -> ExactDenoiser:
    """Build the exact denoiser of an experiment whose data are a mixture; errors as for `mixture`."""
    return ExactDenoiser(mixture(spec))


def ladder(spec: SamplingSpec) -> Tensor:
    """Build the noise levels of one copy.

    Args:
        spec: The sampling.

    Returns:
        The levels with shape (L,), float64: geometric where annealed, σ_L alone where the noise is fixed.
    """
    return geometric(spec.sigma_1, spec.sigma_L, spec.levels if spec.method == "annealed" else 1)

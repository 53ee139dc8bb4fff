"""The one spec that goes down: everything about a job."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from msd_engine.specs.base import Spec
from msd_engine.specs.data import ImagesSpec, MixtureSpec
from msd_engine.specs.denoise import DenoiseSpec
from msd_engine.specs.nets import MlpSpec, UNetSpec
from msd_engine.specs.noise import NoiseSpec
from msd_engine.specs.sampling import SamplingSpec
from msd_engine.specs.training import TrainingSpec


class ExperimentSpec(Spec):
    """Data, noise, network, training and sampling of one experiment.

    Training reads all parts but `sampling` and `denoise`; sampling reads `data`, `sampling`, and `training.k`, the
    number of copies; work by hand reads `denoise` too.
    """

    format: Literal["msd-experiment-1"] = "msd-experiment-1"
    title: str = Field("", max_length=200)
    data: Annotated[MixtureSpec | ImagesSpec, Field(discriminator="kind")] = MixtureSpec()
    noise: NoiseSpec = NoiseSpec()
    network: Annotated[MlpSpec | UNetSpec, Field(discriminator="kind")] = MlpSpec()
    training: TrainingSpec = TrainingSpec()
    sampling: SamplingSpec = SamplingSpec()
    denoise: DenoiseSpec = DenoiseSpec()

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if isinstance(self.data, ImagesSpec):
            if not isinstance(self.network, UNetSpec):
                raise ValueError("network.kind must be 'unet' where data.kind is 'images'.")
        elif not isinstance(self.network, MlpSpec):
            raise ValueError("network.kind must be 'mlp' where data.kind is 'mixture'.")
        return self

    @property
    def sigma_eff_L(self) -> float:
        """Noise of ȳ at the last level, σ_L/√k."""
        return self.sampling.sigma_L / math.sqrt(self.training.k)

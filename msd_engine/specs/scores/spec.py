"""A comparison of training objectives by the scores that they learn, where the exact score is known.

All contenders have the same network, data in the same order and number of steps, seed by seed. Their scores of ȳ are
compared at one noise, the smallest of the ladder of training.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from msd_engine.specs.base import LARGEST_SEED, Spec, SpecError
from msd_engine.specs.experiment import ExperimentSpec
from msd_engine.specs.scores.contenders import BY_FUSION, CONTENDERS, Contender
from msd_engine.specs.tables.papers import FIGURES, FigureName, figure_named

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]

USUAL: tuple[Contender, ...] = ("mse", "ncsn", "denoising", "explicit", "implicit", "sliced-gaussian", "sliced-vr")
"""Contenders that are compared unless others are chosen."""

_USUAL_BASE: dict[str, Any] = {
    "noise.smallest": 0.3,
    "network.width": 64,
    "network.depth": 3,
    "training.k": 1,
    "training.form": "score",
    "training.batch": 256,
    "training.steps": 2000,
    "training.averaging": 0.99,
}


class ScoresSpec(Spec):
    """A comparison of objectives.

    Training takes data, noise, network, copies, batch, steps and optimiser from `base`; `base.training.form` is the
    parametrisation of the contenders that have none of their own.
    """

    format: Literal["msd-scores-1"] = "msd-scores-1"
    base: ExperimentSpec
    contenders: tuple[Contender, ...] = Field(USUAL, min_length=1)
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=1, max_length=100)

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        for name, values in (("contenders", self.contenders), ("seeds", self.seeds)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} must not name the same value twice.")
        if self.base.data.shape != (2,):
            raise ValueError("base.data must be a mixture or points in the plane, where the exact score is known.")
        if self.base.noise.covariance != "isotropic":
            raise ValueError("base.noise.covariance must be 'isotropic': scores are compared in one metric.")
        by_fusion = [name for name in self.contenders if name in BY_FUSION]
        if by_fusion and self.base.training.k == 1:
            raise ValueError(
                f"base.training.k must be at least 2 where {by_fusion[0]} is compared: one copy has no fusion."
            )
        return self

    @property
    def sigma(self) -> float:
        """Noise of one copy at which the scores are compared."""
        return self.base.noise.smallest * (math.sqrt(self.base.training.k) if self.base.law.draws_sigma_eff else 1.0)

    @property
    def sigma_eff(self) -> float:
        """Noise of ȳ at which the scores are compared."""
        return self.base.sigma_eff(self.sigma)

    @property
    def total_steps(self) -> int:
        """Number of training steps of all contenders and seeds."""
        return len(self.contenders) * len(self.seeds) * self.base.training.steps

    def child(self, contender: Contender, seed: int) -> ExperimentSpec:
        """Return the experiment of one training."""
        row, base = CONTENDERS[contender], self.base
        fields: dict[str, Any] = {
            "training.objective": row.objective,
            "training.form": row.form or base.training.form,
            "training.seed": seed,
            "training.seconds": 0.0,
        }
        # The variable of the law stays, since an automatic one follows the law and the fusion.
        quantity = {"noise.quantity": "sigma-eff" if base.law.draws_sigma_eff else "sigma"}
        if row.fusion is not None:
            fields |= {"network.fusion": row.fusion, **quantity}
        if row.noise != "law":
            fields |= {"noise.law": "ladder", **quantity}
            fields |= {"noise.noises": 1, "noise.largest": base.noise.smallest} if row.noise == "one" else {}
        return base.replace_all(fields)


def learned_figure(title: str) -> FigureName | None:
    """Return the name of the figure of the papers with a title if it shows a learned score; None for others."""
    name = figure_named(title)
    return name if name is not None and FIGURES[name].learned else None


def shown_in_figure(preset: ExperimentSpec) -> ScoresSpec:
    """Return the training whose score a figure of the papers shows, from the figure's preset."""
    base = preset.model_dump()
    return ScoresSpec.from_fields({"base": base, "contenders": (preset.training.objective,), "seeds": (0,)})


def usual_base(preset: ExperimentSpec) -> ExperimentSpec:
    """Return a preset of points with a small network and a budget of seconds, for a comparison.

    The preset of a learned score in the papers is one already.

    Raises:
        SpecError: Its data are images.
    """
    if preset.data.kind == "images":
        raise SpecError("data.kind", "Scores are compared where the exact score is known: choose points or a mixture.")
    if learned_figure(preset.title) is not None:
        return preset
    title = f"{preset.title or preset.data.title}: objectives compared"[:200]
    return preset.replace_all(_USUAL_BASE | {"title": title})

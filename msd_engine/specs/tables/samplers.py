"""What is known of each sampler before any of its steps is made: one row for each, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Sampler = Literal["langevin", "consistent", "underdamped", "predictor-corrector", "ode", "gibbs"]

WALL: Final = 2.0
"""The step ratio r from which chains with a wall blow up, whatever the data or the denoiser (theory §3, fact 4)."""


@dataclass(frozen=True)
class Traits:
    """What settings, advice and costs depend on.

    Attributes:
        title: Its name for people.
        help: One sentence for the tooltip of the field, begun with a small letter, without a full stop.
        module: Its file in `msd_engine.samplers`, with the steps and the law of their variance.
        glides: The noise falls at every step; else the chains stand still at each level.
        needs_ladder: It can only go down a ladder, as all that glide.
        has_step: It has a step size.
        has_wall: Chains blow up from r = `WALL` on.
        needs_posterior: It draws x from its posterior, which only an exact denoiser can.
        evaluations: How often a step evaluates x̂: first at the noise before the step, then at the noise after it.
    """

    title: str
    help: str
    module: str
    glides: bool = False
    needs_ladder: bool = False
    has_step: bool = True
    has_wall: bool = False
    needs_posterior: bool = False
    evaluations: int = 1


TRAITS: Final[dict[Sampler, Traits]] = {
    "langevin": Traits("Langevin", "chained annealed Langevin dynamics", "langevin", has_wall=True),
    "consistent": Traits(
        "Consistent", "annealed sampling whose noise is exactly as scheduled", "consistent", glides=True
    ),
    "underdamped": Traits("Underdamped", "Langevin with momentum (BAOAB)", "underdamped", has_wall=True),
    "predictor-corrector": Traits(
        "Predictor–corrector",
        "an ancestral step down between Langevin steps",
        "corrected",
        needs_ladder=True,
        has_wall=True,
    ),
    "ode": Traits(
        "Probability flow", "the ODE, without noise, by Heun's rule", "flow", glides=True, has_step=False, evaluations=2
    ),
    "gibbs": Traits(
        "Gibbs (exact)",
        "draw x from its exact posterior, then renew the copies",
        "gibbs",
        has_step=False,
        needs_posterior=True,
    ),
}
"""The row of each sampler, in the order of the list on the screen."""

if set(TRAITS) != set(get_args(Sampler)):
    raise TypeError(f"Every sampler has one row of traits: {sorted(set(TRAITS) ^ set(get_args(Sampler)))} differ.")


def sampler_help() -> str:
    """Return one sentence on each sampler, in the order of the table."""
    return " ".join(f"{row.title}: {row.help}." for row in TRAITS.values())

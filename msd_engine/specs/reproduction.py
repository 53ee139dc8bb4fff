"""The experiments of the seed report as comparisons, in full or within a budget.

The report (theory §2): U-net of width 64, batch 256, learning rate 3e-3, s = 25, 100 epochs for each k in
{1, 2, 4, 8, 16}, 10 Langevin steps at each level; its claim is that the denoising error falls with k (Table 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from msd_engine.specs.base import SpecError
from msd_engine.specs.models import load_preset
from msd_engine.specs.sweep import SweepSpec

Reported = Literal["report-mnist", "report-cifar10"]

_IMAGES = {"mnist": 60_000, "cifar-10": 50_000}
_EPOCHS = 100
# Share of a time budget for training; the rest is for sampling and measuring.
_TRAINING_SHARE = 0.8
_OVERHEAD_S = 6.0
_CURVE_POINTS = 40
# Seconds per run below which the network is narrower and the batches smaller, so that it makes enough steps.
_NARROW = ((60.0, 16, 64), (600.0, 32, 64))
_MOST_STEPS = 100_000_000
# Below this time, samples are judged only by a judge that already exists.
_JUDGED_MINUTES = 10.0


@dataclass(frozen=True)
class Reproduction:
    """A planned reproduction.

    Attributes:
        spec: The comparison.
        whole: The comparison at full size, as in the report.
        budget: One sentence on the budget.
        judges: Whether to make a missing judge of the samples, which takes minutes.
    """

    spec: SweepSpec
    whole: SweepSpec
    budget: str
    judges: bool = True


def reproduction(name: Reported, *, scale: float = 1.0, minutes: float = 0.0, **lists: Any) -> Reproduction:
    """Plan a reproduction.

    Args:
        name: Experiment of the report.
        scale: Fraction of the report's epochs, above 0.
        minutes: Total time, instead of a fraction; 0 sets none.
        lists: `ks`, `seeds` and `modes` of the comparison; by default the report's k, one seed and both modes.

    Raises:
        SpecError: The scale or the minutes are out of range.
    """
    if not (0.0 < scale <= 1000.0):
        raise SpecError("scale", f"scale must be more than 0 and at most 1000, but is {scale:g}.")
    if not (0.0 <= minutes <= 1e5):
        raise SpecError("minutes", f"minutes must be 0 to 100000, but is {minutes:g}.")
    base = load_preset("report-mnist")
    if name == "report-cifar10":
        base = base.replace_all({"title": "CIFAR-10 with the settings of the report", "data.name": "cifar-10"})
    full_steps = round(_EPOCHS * _IMAGES[base.data.name] / base.training.batch)
    base = base.replace("training.steps", full_steps)
    whole = SweepSpec.from_fields({"title": base.title, "base": base.model_dump(), "seeds": (0,), **lists})
    if minutes:
        fields, budget = _within(minutes, len(whole.children()))
    else:
        steps = max(1, round(full_steps * scale))
        fields = {"training.steps": steps, "training.evaluate_every": max(1, steps // _CURVE_POINTS)}
        budget = (
            f"{scale:g} of the report's {_EPOCHS} epochs for each k: {steps:,} steps of {base.training.batch} images."
        )
    judges = not 0.0 < minutes < _JUDGED_MINUTES
    return Reproduction(whole.replace("base", base.replace_all(fields)), whole, budget, judges)


def _within(minutes: float, runs: int) -> tuple[dict[str, Any], str]:
    seconds = max(1.0, minutes * 60.0 * _TRAINING_SHARE / runs - _OVERHEAD_S)
    fields: dict[str, Any] = {"training.seconds": round(seconds, 1), "training.steps": _MOST_STEPS}
    fields["training.evaluate_every"] = 20
    sentence = f"{minutes:g} minutes for everything: {seconds:.0f} s of training for each of {runs} runs."
    for limit, width, batch in _NARROW:
        if seconds < limit:
            fields |= {"network.width": width, "training.batch": batch}
            sentence += f" To fit, the network is narrower (width {width}) and the batch smaller ({batch})."
            break
    return fields, sentence

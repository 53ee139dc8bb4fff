"""The job that proposes a ladder and a step from the data by NCSNv2's techniques."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.data.images import load_images
from msd_engine.events import Event, Finished, Progress, Proposed, Started, Tick
from msd_engine.jobs.factory.targets import images_of, target
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.chains.proposals import OVERLAP, Proposal, largest_distances, propose
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.sampling import StepRule

# Number of data whose largest distance is measured: among all 60 000 of MNIST it is 8 % larger.
_DATA, _SEED = 5000, 0


@reports_user_errors
def proposal(
    spec: ExperimentSpec,
    *,
    rule: StepRule = "long-ladder",
    data_dir: Path | None = None,
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Propose first noise, levels and step from the data.

    Args:
        spec: The experiment; σ_L, T and k stay as they are.
        rule: Rule for the step.
        data_dir: The data folder.
        cadence: Decides when to report progress.
        live: Unused: the job takes seconds.

    Yields:
        `Started`, `Progress` and a `Tick` per block of pairs, `Proposed`, `Finished`; or `Failed`.
    """
    del live
    begun_s = time.perf_counter()
    # Reading tens of thousands of images takes a second.
    x = yield from in_background(lambda _: _data(spec, data_dir))
    yield Started("propose", "cpu", 0, 0, spec.to_json())
    largest = 0.0
    for count, found in enumerate(largest_distances(x), start=1):
        largest = found
        if cadence.due():
            elapsed_s = time.perf_counter() - begun_s
            rate = count / elapsed_s
            yield Progress(count, 0, rate, rate, elapsed_s, float("nan"), "Measuring the data")
        else:
            yield Tick()
    sampling = spec.sampling
    made = propose(largest, sampling.sigma_L, x.shape[1], spec.training.k, sampling.steps_per_level, rule)
    values: dict[str, float | int | str] = {
        "sampling.method": "annealed",
        "sampling.ladder": "geometric",
        "sampling.sigma_1": _rounded(made.sigma_1),
        "sampling.levels": made.levels,
    }
    if sampling.has_step:
        values["sampling.step_ratio"] = _rounded(made.step_ratio)
    text = _sentence(made, x, spec, rule)
    yield Proposed(values, text)
    yield Finished(0, time.perf_counter() - begun_s, text)


def _data(spec: ExperimentSpec, data_dir: Path | None) -> Tensor:
    """Return data with shape (n, d), float32."""
    draws = torch.Generator().manual_seed(_SEED)
    known = target(spec)
    if known is not None:
        return known.sample(_DATA, draws).float()
    images = load_images(images_of(spec), data_dir)
    chosen = torch.randperm(len(images.train), generator=draws)[:_DATA]
    return images.to_data(images.train[chosen]).flatten(1)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _sentence(made: Proposal, x: Tensor, spec: ExperimentSpec, rule: StepRule) -> str:
    found = "by NCSNv2's formula" if rule == "ncsnv2" else "the best for it"
    return (
        f"σ₁/√k = {made.sigma_eff_1:.3g}, the largest distance among {len(x):,} data; {made.levels} levels of ratio "
        f"{made.ratio:.4g}, both ways at least {OVERLAP:g} of the draws in the shell of the next level in {x.shape[1]} "
        f"dimensions; r = {made.step_ratio:.2g}, {found}: Langevin's s_T²/σ² on a long ladder is {made.swelling:.3f} "
        f"after T = {spec.sampling.steps_per_level}."
    )

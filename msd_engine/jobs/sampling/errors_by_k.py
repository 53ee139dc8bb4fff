"""The job that measures the error of a denoiser by k and σ_eff in the plane, beside that of the exact x̂."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.target import Target
from msd_engine.events import Event, Finished, Started, Tick
from msd_engine.events.by_k.table import ErrorsByK
from msd_engine.jobs.factory.parts import denoiser_of_run
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.errors.errors import standard_error
from msd_engine.noise.copies import matched_copies
from msd_engine.objectives.mse import squared_error
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.experiment import KS
from msd_engine.specs.live import NEVER, Cadence

_DRAWS, _SEED, _NOISES = 1000, 0, 17
# Least and largest noise of ȳ, over the spread of the data.
_LEAST, _LARGEST = 0.01, 3.0


@reports_user_errors
def errors_by_k(
    spec: ExperimentSpec, *, run_dir: Path | None = None, cadence: Cadence = NEVER, live: Live | None = None
) -> Iterator[Event]:
    """Measure the errors of the exact x̂ and of a network, from large noise to small.

    All k and all noises have the same data and the same normalised noise n̄ of ȳ.

    Args:
        spec: The experiment; its data, noise and number of copies are read.
        run_dir: Run folder of a network; None for the exact error alone.
        cadence: Decides when to report what is known.
        live: Unused: the job takes seconds.

    Yields:
        `Started`, `ErrorsByK` at due moments and at the end, a `Tick` for other measurements, `Finished`; or `Failed`.
    """
    del live
    begun_s = time.perf_counter()
    known = target(spec)
    if known is None:
        raise UserError("Images have no exact error: choose a mixture or points.")
    learned = None if run_dir is None else denoiser_of_run(spec, run_dir, torch.device("cpu"))
    yield Started("errors-by-k", "CPU", 0, 0, spec.to_json())
    k = spec.training.k
    ks = () if learned is None else tuple(sorted({*KS, k})) if learned.any_k else (k,)
    sigma_eff = known.std * np.geomspace(_LEAST, _LARGEST, _NOISES)
    exact, gap = np.full((2, _NOISES), math.nan), np.full((2, len(ks), _NOISES), math.nan)
    table = ErrorsByK(sigma_eff, exact[0], exact[1], ks, gap[0], gap[1])
    x = known.sample(_DRAWS, torch.Generator().manual_seed(_SEED))
    for at in reversed(range(_NOISES)):
        for number, errors in enumerate(_measured(known, learned, ks, x, float(sigma_eff[at]))):
            into = gap[:, number - 1, at] if number else exact[:, at]
            into[:] = errors.mean().item(), standard_error(errors)
            yield _copied(table) if cadence.due() else Tick()
    yield table
    yield Finished(0, time.perf_counter() - begun_s, table.text)


def _copied(table: ErrorsByK) -> ErrorsByK:
    """Return the numbers so far, for another thread."""
    return ErrorsByK(**{name: value if name == "ks" else value.copy() for name, value in vars(table).items()})


@torch.no_grad()
def _measured(
    known: Target, learned: LearnedDenoiser | None, ks: tuple[int, ...], x: Tensor, sigma_eff: float
) -> Iterator[Tensor]:
    """Yield ‖x̂* − x‖² of the draws with shape (n,), then ‖x̂ − x̂*‖² of the network for each k."""
    one = matched_copies(x, sigma_eff, 1, torch.Generator().manual_seed(_SEED))
    exact = known.denoiser()(one, sigma_eff).mean
    yield squared_error(exact, x)
    for k in ks if learned is not None else ():
        sigma = sigma_eff * math.sqrt(k)
        y = matched_copies(x, sigma, k, torch.Generator().manual_seed(_SEED))
        assert learned is not None
        yield squared_error(learned(y, sigma).mean, exact)

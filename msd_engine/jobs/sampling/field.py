"""The job that computes density and scores in the plane at one noise, for the picture behind the chains."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.denoisers.posterior import Denoiser
from msd_engine.denoisers.target import MixtureTarget, Target
from msd_engine.events import Event, FieldFrame, Finished, Started
from msd_engine.jobs.factory.parts import denoiser_of_run, guided_denoiser
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.noise.chosen import space_of
from msd_engine.noise.space import Space
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence

# Number of data in the picture, always the same.
_DATA, _DATA_SEED = 500, 0


@reports_user_errors
def field(
    spec: ExperimentSpec,
    *,
    sigma: float,
    bounds: tuple[float, float, float, float],
    resolution: tuple[int, int] = (160, 160),
    run_dir: Path | None = None,
    points: int = 0,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Compute density and scores at one noise.

    Args:
        spec: The experiment; its data and its number of copies are read.
        sigma: Noise of one copy; 0 for that of the data themselves.
        bounds: (x_min, x_max, y_min, y_max) in data units.
        resolution: Rows and columns of the density.
        run_dir: Run folder of a trained denoiser, to compute its score too.
        points: The scores are computed on a grid of this many points each way; 0 for none.
        device: Name of the device of the trained denoiser, or ``auto``.
        cadence: Unused: there is one frame.
        live: Unused: the job is over in a few milliseconds.

    Yields:
        `Started`, one `FieldFrame`, `Finished`; or `Failed`.
    """
    del cadence, live
    begun_s = time.perf_counter()
    chosen = choose_device("cpu" if run_dir is None and device == "auto" else device)
    known = target(spec)
    if known is None:
        raise UserError(f"The data {spec.data.name!r} are images: there is no exact density; train a denoiser instead.")
    if known.shape != (2,):
        raise UserError(f"Only data in the plane can be drawn: these have {known.shape[0]} dimensions.")
    # Networks are asked at noise only.
    learned = None
    if run_dir is not None and sigma:
        learned = guided_denoiser(spec, run_dir, denoiser_of_run(spec, run_dir, chosen))
    yield Started("field", describe_device(chosen), 0, 0, spec.to_json())
    k = spec.training.k
    sigma_eff = sigma / math.sqrt(k)
    space = space_of(spec.noise, spec.data.shape)
    grid = space.encode(cell_centres(bounds, *resolution)).float()
    at = cell_centres(bounds, points, points)
    where = space.encode(at)
    draws = known.sample(_DATA, torch.Generator().manual_seed(_DATA_SEED))
    yield FieldFrame(
        sigma=sigma,
        bounds=bounds,
        log_density=log_density(known, grid, sigma_eff, space).reshape(resolution).numpy(),
        points=at.float().numpy(),
        exact_score=space.encode(exact_score(known, where, sigma_eff)).float().numpy(),
        trained_score=None
        if learned is None
        else space.encode(_trained_score(learned, where.float().to(chosen), sigma, k)).numpy(),
        data=space.decode(draws).float().numpy(),
        means=(space.decode(known.modes.means) if known.modes is not None else at[:0]).float().numpy(),
    )
    yield Finished(0, time.perf_counter() - begun_s, "")


def log_density(target: Target, grid: Tensor, sigma_eff: float, space: Space) -> Tensor:
    """Return the log density of ȳ in the coordinates of the data, at encoded points."""
    # Single precision takes half the time and suffices for a picture.
    known = target if target.modes is None else MixtureTarget(target.modes.to(dtype=torch.float32))
    return known.log_prob(grid, sigma_eff) + space.log_volume


def exact_score(target: Target, at: Tensor, sigma_eff: float) -> Tensor:
    """Return the score of ȳ at encoded points with shape (m, 2)."""
    if target.modes is not None:
        return target.modes.score(at, sigma_eff)
    return target.denoiser()(at.unsqueeze(1), sigma_eff).score[:, 0]


def cell_centres(bounds: tuple[float, float, float, float], rows: int, columns: int) -> Tensor:
    """Return the centres of equal cells with shape (rows·columns, 2), float64, row 0 at y_min."""
    x_min, x_max, y_min, y_max = bounds
    x = x_min + (x_max - x_min) * (torch.arange(columns, dtype=torch.float64) + 0.5) / max(columns, 1)
    y = y_min + (y_max - y_min) * (torch.arange(rows, dtype=torch.float64) + 0.5) / max(rows, 1)
    return torch.stack((x.repeat(rows), y.repeat_interleave(columns)), -1)


def _trained_score(learned: Denoiser, y_mean: Tensor, sigma: float, k: int) -> Tensor:
    """Return the learned score (x̂ − ȳ)/σ_eff² of ȳ at points with shape (m, 2), on the CPU.

    The network was trained on copies that differ: the points get fixed residuals like those of real copies, which by
    sufficiency (theory §3, fact 1) carry no information.
    """
    n = torch.randn(len(y_mean), k, 2, generator=torch.Generator().manual_seed(_DATA_SEED)).to(y_mean)
    y = y_mean.unsqueeze(1) + sigma * (n - n.mean(1, keepdim=True))
    x_hat = learned(y, sigma).mean
    return ((x_hat - y_mean) / (sigma**2 / k)).cpu()

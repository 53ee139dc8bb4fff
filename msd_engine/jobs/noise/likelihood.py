"""The job that computes log-likelihoods of data by the probability flow, beside the exact ones."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.data.images import ImageSet, load_images
from msd_engine.denoisers.posterior import Denoiser, Posterior
from msd_engine.events import Event, Finished, Progress, Started, Tick
from msd_engine.events.noise import Likelihood
from msd_engine.jobs.factory.parts import check_fits, learned_denoiser
from msd_engine.jobs.factory.spaces import coordinates
from msd_engine.jobs.factory.targets import images_of, is_of_images, target
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.chains.likelihood import Flow, flow_log_density
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence

_POINTS, _SET, _IMAGES = 256, 16, 16
"""Data by default: of a mixture, of a finite set, whose exact denoiser compares with all its points, and of images."""

# The exact flow ends at so many standard deviations of the data, where they are a Gaussian to 1e-6.
_FAR = 1000.0
_TOLERANCE_OF_NETWORKS = 1e-4


@dataclass(frozen=True, eq=False)
class _Parts:
    """The flow of an experiment, its data with noise, and their exact log densities."""

    flow: Flow
    x: Tensor
    exact: Tensor


@reports_user_errors
def likelihood(
    spec: ExperimentSpec,
    *,
    n: int = 0,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Compute the log-likelihood of data by the probability flow: fresh data of a target, or held-out images.

    The data have the noise of the end of a chain, σ_L/√k, since a flow needs a density at its start.

    Args:
        spec: The experiment; data, noise, copies, source and both ends of the ladder are read.
        n: Number of data; 0 for a number that takes seconds.
        run_dir: Run folder of the trained denoiser if `sampling.source` is ``trained``.
        data_dir: The data folder, for images.
        device: Name of the device of a network, or ``auto``.
        cadence: Decides when to report progress.
        live: Unused: the job can be closed at each step.

    Yields:
        `Started`, a `Tick` or `Progress` per step of the solver, `Likelihood`, `Finished`; or `Failed`.
    """
    del live
    begun_s = time.perf_counter()
    trained = spec.sampling.source == "trained"
    chosen = choose_device(device if trained else "cpu")
    parts = _parts(spec, n, run_dir, data_dir, chosen)
    counted = _Counted(parts.flow.denoiser)
    yield Started("likelihood", describe_device(chosen), 0, 0, spec.to_json())
    steps = flow_log_density(replace(parts.flow, denoiser=counted), parts.x, torch.Generator().manual_seed(1))
    space = coordinates(spec, data_dir)
    while True:
        try:
            share = next(steps)
        except StopIteration as end:
            found: Tensor = end.value
            break
        yield _progress(share, time.perf_counter() - begun_s) if cadence.due() else Tick()
    flow, exact = (np.asarray(part + space.log_volume) for part in (found, parts.exact))
    event = Likelihood(parts.flow.least, flow, exact, counted.calls)
    yield event
    yield Finished(len(flow), time.perf_counter() - begun_s, in_words(event))


def in_words(found: Likelihood) -> str:
    """Return what was found, in a sentence."""
    words = f"Log-likelihood by the flow: {found.mean:.4f} ± {found.standard_error:.2g} nats per datum"
    if math.isnan(found.exact_mean):
        return f"{words}."
    return f"{words}; exact: {found.exact_mean:.4f}. The largest difference of one datum is {found.largest_error:.1g}."


class _Counted:
    """A denoiser that counts its evaluations."""

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser = denoiser
        self.calls = 0

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        self.calls += 1
        return self._denoiser(y, sigma)


def _parts(spec: ExperimentSpec, n: int, run_dir: Path | None, data_dir: Path | None, device: torch.device) -> _Parts:
    root = math.sqrt(spec.training.k)
    least, largest = spec.sampling.sigma_L / root, spec.sampling.sigma_1 / root
    draws = torch.Generator().manual_seed(spec.sampling.seed)
    known = target(spec)
    if known is None:
        images = load_images(images_of(spec), data_dir)
        x = coordinates(spec, data_dir).encode(ImageSet.to_data(images.held_out(n or _IMAGES)))
    else:
        x = known.sample(n or (_POINTS if known.modes else _SET), draws)
    x = x.double()
    x = x + least * torch.randn(x.shape, generator=draws, dtype=torch.float64)
    exact = x.new_full((len(x),), math.nan) if known is None else known.log_prob(x, least)
    if spec.sampling.source == "trained":
        if run_dir is None:
            raise UserError("There is no trained denoiser: train one first, or set sampling.source to exact.")
        check_fits(run_dir, spec)
        # Its own, since recordings of a card and short numbers serve no derivatives.
        learned = learned_denoiser(run_dir, device)
        learned.new_graph, learned.mixed = None, False
        flow = Flow(
            learned, spec.training.k, least, largest, learned.data_mean, float(learned.sigma_data),
            torch.float32, _TOLERANCE_OF_NETWORKS,
        )  # fmt: skip
        return _Parts(flow, x.float().to(device), exact)
    if known is None or is_of_images(spec):
        raise UserError("Images have no exact density: train a network, and set sampling.source to trained.")
    largest = max(largest, _FAR * known.std)
    return _Parts(Flow(known.denoiser(), spec.training.k, least, largest, known.mean, known.std), x, exact)


def _progress(share: float, elapsed_s: float) -> Progress:
    left_s = elapsed_s * (1 - share) / share if share else math.nan
    return Progress(round(100 * share), 100, math.nan, math.nan, elapsed_s, left_s, "Following the flow")

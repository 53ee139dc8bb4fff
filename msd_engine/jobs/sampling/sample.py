"""The sampling job."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from msd_engine.backend.device import describe_device
from msd_engine.backend.errors import UserError
from msd_engine.backend.threads import threads_to_spare
from msd_engine.events import Event, Finished, Notice, Progress, Samples, Started, Tick
from msd_engine.jobs.factory.chains import Sampling, moments, sampling
from msd_engine.jobs.factory.parts import uses_guidance
from msd_engine.jobs.factory.targets import is_of_images
from msd_engine.jobs.pictures.own import changes_since
from msd_engine.jobs.sampling.ladder import ladder_event
from msd_engine.jobs.sampling.verdicts import judged
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.frames import PlaneFrames, shown, stride_of
from msd_engine.jobs.tools.image_frames import ImageFrames
from msd_engine.metrics.chains.figures import alive
from msd_engine.runs.remote.copies import is_copy
from msd_engine.runs.thumbnails import keep_thumbnail
from msd_engine.samplers.twin import Segment
from msd_engine.samplers.walk import Moment
from msd_engine.specs import BEGUN, WALL, ExperimentSpec, Live, SamplingSpec, with_weights
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.models import CARD

# A fast chain makes a step in some twenty microseconds; checking for requests takes a part of that.
_PAUSE_S = 0.002
_PAUSE_POLL_S = 0.05
_RATE_WINDOW_S = 2.0


class _Frames(Protocol):
    """Report chains: in the plane, or of images."""

    def begin(self) -> Iterator[Event]:
        """Report the target before the first step."""
        ...

    def keep(self, moment: Moment | Segment) -> None:
        """Record a state."""
        ...

    def due(self, moment: Moment | Segment) -> Iterator[Event]:
        """Report the chains at a due moment."""
        ...

    def end(self, moment: Moment | Segment) -> Iterator[Event]:
        """Report the rest after the last step."""
        ...


@reports_user_errors
def sample(
    spec: ExperimentSpec,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Draw samples by chained Langevin dynamics or another sampler of all copies.

    Chain i does not depend on the number of chains, the cadence or pauses, to the bit. A chain that blows up (r ≥ 2)
    is reported with numbers clipped at ±1e6 data units; NaN stays NaN.

    Args:
        spec: The experiment; its data, its sampling and its number of copies are read.
        run_dir: Run folder of the trained denoiser if `sampling.source` is ``trained``.
        data_dir: The data folder, for the exact posterior mean over images; a trained denoiser needs no data.
        device: Name of the device, or ``auto``.
        cadence: Decides when to report chains and progress.
        live: Requests during the job: pause.

    Yields:
        `Started` and `Ladder`, in the plane `Modes`; then a `Tick` per step, or per two milliseconds of faster steps.
        In the plane `ChainSegment` and `ChainReport`, for images `ImageFrame` and `FilmFrame`, with `Progress`, at due
        moments; at the end the rest of them, `Samples`, for images `Verdicts`, and `Finished`, or `Failed`.
    """
    wants_images = spec.sampling.source == "exact" and is_of_images(spec)
    if wants_images or spec.begins_at_data:
        # Reading tens of thousands of images takes a second.
        chains = yield from in_background(lambda _: sampling(spec, run_dir=run_dir, data_dir=data_dir, device=device))
    else:
        chains = sampling(spec, run_dir=run_dir, device=device)
    if uses_guidance(spec) and not chains.guided:
        yield Notice("This network has no earlier self to be guided by: it samples without guidance.")
    if spec.begins_at_data and not chains.exact_above:
        yield Notice("Its training images are not on this machine: the network is asked at all noises.")
    if chains.exact_above:
        yield Notice(
            f"These chains are {BEGUN}: above σ_eff = {spec.sampling.exact_above:g} the exact posterior mean over them "
            "replaces the network."
        )
    if spec.sampling.source == "trained":
        yield from changes_since(run_dir)
    for event in chain_events(spec, chains, cadence, live):
        yield event
        if isinstance(event, Samples) and event.x_hat.ndim == 4:
            if spec.sampling.source == "trained":
                yield from _kept(run_dir, event)
            yield from judged(spec, event, data_dir, chains.device)


def chain_events(spec: ExperimentSpec, chains: Sampling, cadence: Cadence, live: Live | None) -> Iterator[Event]:
    """Walk chains to their end and report them.

    Args:
        spec: The experiment.
        chains: The chains, before any step.
        cadence: Decides when to report chains and progress.
        live: Requests during the job: pause.

    Yields:
        `Started` and all that follow it in `sample`.
    """
    named = _named(spec, chains)
    yield Started("sample", describe_device(chains.device), spec.sampling.total_steps, chains.first, named)
    yield from _Job(spec, chains, cadence, live or Live(), named).events()


def _named(spec: ExperimentSpec, chains: Sampling) -> str:
    """Return the spec as JSON as the chains are drawn, with their weights."""
    if spec.begins_at_data and not chains.exact_above:
        spec = spec.replace("sampling.exact_above", SamplingSpec.model_fields["exact_above"].default)
    return with_weights(spec.to_json(), chains.networks[0].weights if chains.networks else None)


def _kept(run_dir: Path | None, samples: Samples) -> Iterator[Event]:
    """Save a thumbnail of the newest samples for the list of runs if the run is writable and no copy."""
    if run_dir is None or (run_dir / CARD).exists() or is_copy(run_dir) or not os.access(run_dir, os.W_OK):
        return
    try:
        keep_thumbnail(run_dir, samples.x_hat)
    except UserError as error:
        yield Notice(f"The samples stand, but their small picture could not be kept. {error}")


class _Job:
    """The chains of one sampling, from their start to their last jump."""

    def __init__(self, spec: ExperimentSpec, chains: Sampling, cadence: Cadence, live: Live, named: str) -> None:
        self.spec = spec
        self.named = named
        self.chains = chains
        self.cadence = cadence
        self.live = live
        self.total = spec.sampling.total_steps
        self.elapsed_s = 0.0
        self.recent: deque[tuple[int, float]] = deque([(chains.first, 0.0)])
        by_network = bool(chains.networks) and chains.y.ndim > 3 and chains.device.type == "cpu"
        self.threads = threads_to_spare() if by_network else None
        self.frames: _Frames
        if chains.y.ndim == 3:
            self.frames = PlaneFrames(spec, chains.target, chains.descent, chains.errors)
        else:
            carried = len(chains.dynamics.init(chains.y[:1])) - 1
            self.frames = ImageFrames(
                self.total, chains.y, chains.streams, chains.first, carried, decode=chains.space.decode
            )

    def events(self) -> Iterator[Event]:
        """Walk down the ladder."""
        yield ladder_event(
            self.spec, self.chains.descent, guided=self.chains.guided, exact_above=self.chains.exact_above
        )
        yield from self.frames.begin()
        keep = self.frames.keep
        before = time.perf_counter()
        chains, k = self.chains.y.shape[:2]
        every = stride_of(self.total, chains, k, self.chains.y[0, 0].numel())
        for moment in moments(self.chains, every):
            keep(moment)
            now = time.perf_counter()
            if now - before < _PAUSE_S:
                continue
            self.elapsed_s += now - before
            if self.threads is not None:
                self.threads.check()
            if self.live.paused:
                yield from self._hold(moment)
            if self.cadence.due():
                yield from self.frames.due(moment)
                yield self._progress(moment.step)
            else:
                yield Tick()
            before = time.perf_counter()
        self.elapsed_s += time.perf_counter() - before
        trouble = self.chains.pop_trouble()
        if trouble:
            yield Notice(f"The card cannot repeat the network as a whole, which makes chains slower: {trouble}")
        yield from self.frames.end(moment)
        yield self._progress(moment.step)
        yield from self._ending(moment)

    def _hold(self, moment: Moment | Segment) -> Iterator[Event]:
        yield from self.frames.due(moment)
        while not self.live.wait_while_paused(_PAUSE_POLL_S):
            yield Tick()
        self.recent.clear()

    def _progress(self, step: int) -> Progress:
        self.recent.append((step, self.elapsed_s))
        while self.elapsed_s - self.recent[0][1] > _RATE_WINDOW_S and len(self.recent) > 2:
            self.recent.popleft()
        first_step, first_s = self.recent[0]
        rate = (step - first_step) / (self.elapsed_s - first_s) if self.elapsed_s > first_s else 0.0
        return Progress(
            step=step,
            total=self.total,
            rate=rate,
            items_rate=rate * len(self.chains.y),
            elapsed_s=self.elapsed_s,
            left_s=(self.total - step) / rate if rate else float("nan"),
            text="Sampling",
        )

    def _ending(self, moment: Moment | Segment) -> Iterator[Event]:
        wanted = self.spec.sampling
        samples = moment.posterior.mean if wanted.jump else moment.y.mean(1)
        decode = self.chains.space.decode
        yield Samples(shown(decode(samples)), shown(decode(moment.y)), wanted.seed, self.named)
        lost = int((~alive(moment.y)).sum())
        text = f"Drew {wanted.chains} samples in {self.total} steps."
        if lost:
            text = f"{lost} of {wanted.chains} chains blew up."
            if wanted.has_wall:
                text = (
                    f"{text[:-1]}: r = ε/σ² is {wanted.step_ratio:.3g}, and a chain of this sampler is stable below "
                    f"{WALL:g} only."
                )
        yield Finished(self.total, self.elapsed_s, text)

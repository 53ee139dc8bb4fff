"""Train one network under white and one under coloured noise, draw samples of both by steps, and compare them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.backend.files import make_folder, write_atomically
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.events import (
    Event,
    Failed,
    Finished,
    HeldOutLoss,
    ImageFrame,
    Notice,
    Progress,
    Samples,
    Started,
    Tick,
)
from msd_engine.events.noise import NOISE_TITLES, Noise, NoiseCurve, NoiseMoment, NoiseSamples
from msd_engine.jobs.factory.pace import threads_for
from msd_engine.jobs.factory.parts import to_sample
from msd_engine.jobs.factory.training import HELD_OUT_IMAGES, training
from msd_engine.jobs.noise.budget import Budget, note
from msd_engine.jobs.noise.comparison_files import PLAN, read_cell, read_plan
from msd_engine.jobs.noise.comparison_page import write_page
from msd_engine.jobs.quality.standards import behind, prepared_standard, read_whole
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.work_clock import WorkClock
from msd_engine.jobs.training.train import train
from msd_engine.metrics.quality.judge import judge
from msd_engine.metrics.quality.noises import SHOWN, noise_table, noise_that_stays
from msd_engine.metrics.quality.standard import Standard
from msd_engine.noise.laws import quantiles
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.log import held_out_loss
from msd_engine.runs.pictures import to_pixels
from msd_engine.runs.run import Run
from msd_engine.runs.samples import load_samples, save_samples
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.reproduction import NoiseCell, NoisesFolder, NoisesSpec

PICTURES = 64
"""Samples of a cell that are kept."""
SHOWN_CHAINS = 16
"""Chains that are shown live."""

_WARM_STEPS, _TIMED_STEPS, _TIMED_S = 3, 12, 2.0
_WARM_LEVELS, _TIMED_LEVELS, _TIMED_CHAINS = 3, 36, 48

Work = Generator[Event, None, None]


@reports_user_errors
def compare_noises(
    plan: NoisesSpec,
    folder: str | os.PathLike[str],
    *,
    budget: str = "",
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
    threads: int = 0,
) -> Iterator[Event]:
    """Compare white and coloured noise, or resume the comparison of a folder.

    All trainings have the same network, number of steps, first weights, order of the data and white draws. Seconds are
    turned into steps and samples by timing a few. On a machine that becomes slower, later seeds are trained for fewer
    steps, both noises alike, and the longest chains come last or are left out; the table says so. Chains of equal seed
    start from the same white draws.

    Args:
        plan: The comparison.
        folder: Its folder, with a run folder for each training.
        budget: One sentence on the budget, for the page; empty for no page.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Decides when to report progress and chains.
        live: Requests during the job: pause.
        threads: As of `msd_engine.jobs.training.train.train`.

    Yields:
        `Started`; `NoiseCurve` for each measurement of a training, `NoiseMoment` at due moments of chains,
        `NoiseSamples` and `NoiseTable` after each set of samples, `Progress`, and a `Tick` for each step; at the end
        `Finished` with the path of the page or the folder, or `Failed`.
    """
    start, chosen, live = time.monotonic(), choose_device(device), live or Live()
    job = _Job(plan, Path(folder), data_dir, chosen, cadence, live, threads)
    yield Started("noises", describe_device(chosen), 0, 0, plan.base.to_json())
    work = WorkClock()
    try:
        for event in job.events():
            yield event
            seconds = work.lap()
            if not live.paused:
                job.budget.spent_s += seconds
    finally:
        job.store()
    path = job.folder
    if budget:
        page = write_page(
            job.plan, job.folder, budget, job.cells, job.curves, data_dir, describe_device(chosen), job.note
        )
        path = yield from behind(page)
    yield Finished(len(job.cells), time.monotonic() - start, f"The comparison is in {path}.", str(path))


class _Job:
    """A comparison in its folder."""

    def __init__(
        self,
        plan: NoisesSpec,
        folder: Path,
        data_dir: Path | None,
        device: torch.device,
        cadence: Cadence,
        live: Live,
        threads: int,
    ) -> None:
        self.folder = folder
        self.data_dir = data_dir
        self.device = device
        self.cadence = cadence
        self.threads = threads
        self.options = {"data_dir": data_dir, "device": str(device), "cadence": cadence, "live": live}
        self.cells: list[NoiseCell] = []
        self.curves: list[NoiseCurve] = []
        self.standard: Standard | None = None
        self.trained: dict[int, int] = {}
        self.left_out: list[tuple[int, int]] = []
        self.asked, kept = plan, self._stored(plan)
        self.plan = kept.settled
        self.budget = Budget(plan, kept.spent_s)

    @property
    def note(self) -> str:
        """Steps that were trained, and chains that were left out."""
        return note(self.asked, self.trained.values(), self.left_out)

    def events(self) -> Work:
        """Train and draw what is missing; report the rest from the folder."""
        self.store()
        if self.plan.training_s:
            yield from self._settle_steps()
        for seed in self.plan.seeds:
            for noise in NOISE_TITLES:
                yield from self._trained(noise, seed)
                self.store()
            if not self.plan.chains:
                yield from self._settle_chains(seed)
            for steps in sorted(self.plan.steps) if self.asked.seconds else self.plan.steps:
                if self._fits(steps, seed, self._later_s(steps)):
                    yield from self._pair(steps, seed)
                else:
                    self.left_out.append((steps, seed))
        # The shorter chains of all seeds had to come first.
        for steps, seed in sorted(self.left_out):
            if self._fits(steps, seed, 0.0):
                self.left_out.remove((steps, seed))
                yield from self._pair(steps, seed)
        yield noise_table(self.plan, self.cells, self.note)

    def _pair(self, steps: int, seed: int) -> Work:
        for noise in NOISE_TITLES:
            yield from self._measured(noise, seed, steps)
            self.store()
            yield noise_table(self.plan, self.cells, self.note)

    def _fits(self, steps: int, seed: int, later_s: float) -> bool:
        """Return whether there is time for chains; for those that are kept, and for the first ones, there always is."""
        if not (self.asked.seconds and self.cells) or all(self._cell(n, seed, steps).exists() for n in NOISE_TITLES):
            return True
        return self.budget.fits(self.budget.chains_s(steps, self.plan.chains) + later_s)

    def _later_s(self, steps: int) -> float:
        """Return the seconds that the seeds to come need for their trainings, and for chains of at most `steps`."""
        chains_s = sum(self.budget.chains_s(each, self.plan.chains) for each in self.plan.steps if each <= steps)
        return (len(self.plan.seeds) - len(self.trained)) * chains_s + self._trainings_s

    @property
    def _trainings_s(self) -> float:
        """The seconds that the trainings to come need."""
        steps = 2 * (len(self.plan.seeds) - len(self.trained)) * self.plan.base.training.steps
        return steps / self.budget.training_pace if steps else 0.0

    def _stored(self, plan: NoisesSpec) -> NoisesFolder:
        """Return the plan of the folder, which must be this one, as far as it is settled; or this one."""
        path = self.folder / PLAN
        if not path.exists():
            make_folder(self.folder)
            return NoisesFolder(asked=plan, settled=plan)
        kept = read_plan(path)
        if kept.asked != plan:
            raise UserError(f"{self.folder} holds a comparison with other settings: choose another folder.")
        return kept

    def _settle(self, fields: dict[str, object]) -> None:
        """Fix a part of the plan for all trainings and chains, also those after a stop."""
        self.plan = self.plan.replace_all(fields)
        self.store()

    def store(self) -> None:
        """Save the plan and the seconds spent."""
        folder = NoisesFolder(asked=self.asked, settled=self.plan, spent_s=self.budget.spent_s)
        write_atomically(self.folder / PLAN, folder.to_json().encode())

    def _settle_steps(self) -> Work:
        """Turn the seconds into steps of the trainings, and fix the precision."""
        base, most_s = self.plan.base, min(_TIMED_S, self.plan.training_s)
        yield _text("Timing a few training steps")
        threads_for(base, self.device, self.threads).begin()
        parts = training(base, data_dir=self.data_dir, device=self.device)
        parts.settle()
        yield Tick()
        for _ in range(_WARM_STEPS):
            parts.trainer.advance(0.0)
            yield Tick()
        parts.trainer.drain()
        begun, done = time.perf_counter(), 0
        while done < _TIMED_STEPS or time.perf_counter() - begun < most_s:
            parts.trainer.advance(0.0)
            done += 1
            yield Tick()
        parts.trainer.drain()
        self.budget.time_steps(done, time.perf_counter() - begun)
        yield from self._time_network(to_sample(parts.trainer.averaged, base.network.kind, self.device))
        count = self.budget.training_steps(self.plan.steps, 2 * len(self.plan.seeds))
        settled = {
            "training.steps": count,
            "training.seconds": 0.0,
            "training.precision": "bfloat16" if parts.trainer.denoiser.mixed else "float32",
        }
        self._settle({"base": base.replace_all(settled), "training_s": 0.0})

    def _time_network(self, denoiser: LearnedDenoiser) -> Work:
        """Measure the pace of chains before any network has been trained, by the network alone."""
        base = self.plan.base
        y = torch.zeros(_TIMED_CHAINS, base.training.k, *base.data.shape, device=self.device)
        begun = 0.0
        with torch.no_grad():
            for round_ in range(_WARM_LEVELS + _TIMED_LEVELS):
                if round_ == _WARM_LEVELS:
                    begun = time.perf_counter()
                denoiser(y, 1.0).mean.cpu()
                yield Tick()
        self.budget.time_chains(_TIMED_LEVELS * _TIMED_CHAINS, time.perf_counter() - begun)

    def _settle_chains(self, seed: int) -> Work:
        """Choose the number of samples by timing a few chains."""
        yield _text("Timing a few chains")
        for levels in (_WARM_LEVELS, _TIMED_LEVELS):
            spec = self.plan.experiment("coloured", seed, levels).replace("sampling.chains", _TIMED_CHAINS)
            yield from self._chains(spec, "coloured", seed, levels, lambda _: None)
        self._settle({"chains": self.budget.chains(self.plan.steps, self._trainings_s)})

    def _run(self, noise: Noise, seed: int) -> Path:
        return self.folder / f"{noise}-seed{seed}"

    def _trained(self, noise: Noise, seed: int) -> Work:
        folder, spec = self._run(noise, seed), self.plan.experiment(noise, seed)
        spec = spec.replace("sampling.chains", max(1, spec.sampling.chains))
        resume = (folder / MANIFEST).exists()
        run = Run.open(folder) if resume else None
        if run is not None and run.manifest.status == "finished":
            for row in run.read_metrics().rows:
                if "held_out" in row:
                    yield self._curve(noise, seed, held_out_loss(row), spec)
            self.trained[seed] = run.manifest.step
            return
        if run is None:
            spec = spec.replace("training.steps", self._steps_of(seed))
        begun = time.perf_counter()
        job = train(None if resume else spec, folder, resume=resume, threads=self.threads, **self.options)  # type: ignore[arg-type]
        with closing(job):  # type: ignore[type-var]
            for event in job:
                match event:
                    case HeldOutLoss():
                        yield self._curve(noise, seed, event, spec)
                    case Progress():
                        yield replace(event, text=f"Training with {NOISE_TITLES[noise].lower()}, seed {seed}")
                    case Notice():
                        yield event
                    case Failed():
                        raise UserError(event.text)
                    case _:
                        yield Tick()
        self.trained[seed] = Run.open(folder).manifest.step
        if not resume and self.asked.seconds:
            self.budget.training_pace = self.trained[seed] / (time.perf_counter() - begun)

    def _steps_of(self, seed: int) -> int:
        """Return the steps of a training: those of the other noise of its seed, or as many as there is time for."""
        steps = self.plan.base.training.steps
        if seed in self.trained:
            return self.trained[seed]
        if not self.asked.seconds or math.isnan(self.budget.training_pace):
            return steps
        todo = 2 * (len(self.plan.seeds) - len(self.trained))
        return self.budget.training_steps(self.plan.steps, todo, steps)

    def _curve(self, noise: Noise, seed: int, found: HeldOutLoss, spec: ExperimentSpec) -> NoiseCurve:
        sigma = quantiles(spec.law, spec.training.k, HELD_OUT_IMAGES).numpy() / math.sqrt(spec.training.k)
        loss = noise_that_stays(found.band_loss, sigma, math.prod(spec.data.shape))
        curve = NoiseCurve(noise, seed, found.step, found.elapsed_s, loss)
        self.curves.append(curve)
        return curve

    def _cell(self, noise: Noise, seed: int, steps: int) -> Path:
        return self.folder / f"{noise}-seed{seed}-{steps}.json"

    def _measured(self, noise: Noise, seed: int, steps: int) -> Work:
        """Draw and measure samples unless they are kept."""
        path = self._cell(noise, seed, steps)
        kept = path.with_suffix(".npz")
        if path.exists() and kept.exists():
            cell, first = read_cell(path), load_samples(kept).x_hat
        else:
            if self.standard is None:
                yield from self._prepare()
            drawn: list[Samples] = []
            spec = self.plan.experiment(noise, seed, steps)
            yield from self._chains(spec, noise, seed, steps, drawn.append)
            begun = time.perf_counter()
            cell = yield from self._judged(spec, noise, seed, steps, drawn[0])
            self.budget.judging_s = time.perf_counter() - begun
            first = drawn[0].x_hat[:PICTURES]
            save_samples(kept, first, drawn[0].y[:PICTURES], drawn[0].seed, drawn[0].spec_json)
            # Last, since it says that the cell is whole.
            write_atomically(path, cell.to_json().encode())
        self.cells.append(cell)
        yield NoiseSamples(noise, seed, steps, to_pixels(first), cell.features, cell.figures)

    def _prepare(self) -> Work:
        """Compute the features of real images."""
        images = yield from read_whole(self.plan.base, self.data_dir)
        self.standard = yield from prepared_standard(images, self.plan.chains, self.data_dir, self.device, self.cadence)

    def _judged(
        self, spec: ExperimentSpec, noise: Noise, seed: int, steps: int, drawn: Samples
    ) -> Generator[Event, None, NoiseCell]:
        against = self.standard
        assert against is not None
        x, y = torch.from_numpy(drawn.x_hat), torch.from_numpy(drawn.y)
        # The intervals of the table are those over seeds.
        judging = judge(x, against, np.random.default_rng(0), y, spec.sampling.ends, brief=True)
        found = yield from behind(judging)
        figures = {figure.name: figure for figure in found.figures if figure.name in SHOWN}
        return NoiseCell(
            noise=noise,
            seed=seed,
            steps=steps,
            features=against.network.name,
            figures={name: figure.value for name, figure in figures.items() if math.isfinite(figure.value)},
            titles={name: figure.title for name, figure in figures.items()},
        )

    def _chains(
        self, spec: ExperimentSpec, noise: Noise, seed: int, steps: int, take: Callable[[Samples], None]
    ) -> Work:
        job = sample(spec, run_dir=self._run(noise, seed), **self.options)  # type: ignore[arg-type]
        walked_s = math.nan
        with closing(job):  # type: ignore[type-var]
            for event in job:
                match event:
                    case Samples():
                        if steps > _WARM_LEVELS:
                            self.budget.time_chains(spec.sampling.chains * steps, walked_s)
                        take(event)
                        # The judgement of single chains that follows is not needed.
                        return
                    case ImageFrame():
                        y = event.y[:SHOWN_CHAINS] / np.float32(math.hypot(1.0, event.sigma))
                        yield NoiseMoment(noise, seed, steps, event.step, event.x_hat[:SHOWN_CHAINS], y)
                    case Progress():
                        walked_s = event.elapsed_s
                        yield replace(event, text=f"{steps} steps with {NOISE_TITLES[noise].lower()}, seed {seed}")
                    case Failed():
                        raise UserError(event.text)
                    case _:
                        yield Tick()


def _text(text: str) -> Progress:
    return Progress(0, 0, math.nan, math.nan, 0.0, math.nan, text)

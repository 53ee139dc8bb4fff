"""Train one network under white and one under coloured noise, draw samples of both by steps, and compare them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, make_folder, read_bytes, write_atomically
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
from msd_engine.jobs.factory.training import HELD_OUT_IMAGES, training
from msd_engine.jobs.noise.comparison_page import write_page
from msd_engine.jobs.quality.standards import behind, prepared_standard, read_whole
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.training.recall import held_out_loss
from msd_engine.jobs.training.train import train
from msd_engine.metrics.quality.judge import LEAST, judge
from msd_engine.metrics.quality.noises import SHOWN, noise_table
from msd_engine.metrics.quality.standard import Standard
from msd_engine.noise.laws import quantiles
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.pictures import to_pixels
from msd_engine.runs.run import Run
from msd_engine.runs.samples import load_samples, save_samples
from msd_engine.specs import ExperimentSpec, Live, SpecError
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.reproduction import NoiseCell, NoisesFolder, NoisesSpec

PLAN = "noises.json"
PICTURES = 64
"""Samples of a cell that are kept."""
SHOWN_CHAINS = 16
"""Chains that are shown live."""

_EXPECTED, _EXPECTED_CELL = "the plan of a comparison of noises", "figures of samples of a comparison of noises"
_WARM_STEPS, _TIMED_STEPS = 3, 12
_TIMED_LEVELS, _TIMED_CHAINS = 12, 32
_MOST_CHAINS = 4096

Work = Generator[Event, None, None]
Kept = TypeVar("Kept")


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

    All trainings have the same network, number of steps, first weights, order of the data and white draws; a budget in
    seconds is turned into steps by timing a few. Chains of equal seed start from the same white draws. With `budget` a
    page with all results, ``index.html``, is written at the end.

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
    start = time.monotonic()
    chosen = choose_device(device)
    job = _Job(plan, Path(folder), data_dir, chosen, cadence, live or Live(), threads)
    yield Started("noises", describe_device(chosen), 0, 0, plan.base.to_json())
    yield from job.events()
    path = job.folder
    if budget:
        path = yield from behind(
            write_page(job.plan, job.folder, budget, job.cells, job.curves, data_dir, describe_device(chosen))
        )
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
        self.live = live
        self.threads = threads
        self.cells: list[NoiseCell] = []
        self.curves: list[NoiseCurve] = []
        self.standard: Standard | None = None
        self.asked, self.plan = plan, self._stored(plan)

    def events(self) -> Work:
        """Train and draw what is missing; report the rest from the folder."""
        self._store()
        if self.plan.training_s:
            yield from self._settle_steps()
        for seed in self.plan.seeds:
            for noise in NOISE_TITLES:
                yield from self._trained(noise, seed)
                if not self.plan.chains:
                    yield from self._settle_chains(noise, seed)
                for steps in self.plan.steps:
                    yield from self._measured(noise, seed, steps)
                    yield noise_table(self.plan, self.cells)

    def _stored(self, plan: NoisesSpec) -> NoisesSpec:
        """Return the plan of the folder, which must be this one, as far as it is settled; or store this one."""
        path = self.folder / PLAN
        if not path.exists():
            make_folder(self.folder)
            return plan
        kept = read_plan(path)
        if kept.asked != plan:
            raise UserError(f"{self.folder} holds a comparison with other settings: choose another folder.")
        return kept.settled

    def _settle(self, fields: dict[str, object]) -> None:
        """Fix a part of the plan for all trainings and chains, also those after a stop."""
        self.plan = self.plan.replace_all(fields)
        self._store()

    def _store(self) -> None:
        write_atomically(self.folder / PLAN, NoisesFolder(asked=self.asked, settled=self.plan).to_json().encode())

    def _settle_steps(self) -> Work:
        """Turn the seconds of a training into steps, the same for all, and fix the precision."""
        base = self.plan.base
        yield _text("Timing a few training steps")
        threads_for(base, self.device, self.threads).begin()
        parts = training(base, data_dir=self.data_dir, device=self.device)
        parts.settle()
        yield Tick()
        for _ in range(_WARM_STEPS):
            parts.trainer.advance(0.0)
            yield Tick()
        parts.trainer.drain()
        begun = time.perf_counter()
        for _ in range(_TIMED_STEPS):
            parts.trainer.advance(0.0)
            yield Tick()
        parts.trainer.drain()
        rate = _TIMED_STEPS / (time.perf_counter() - begun)
        settled = {
            "training.steps": max(2, round(rate * self.plan.training_s)),
            "training.seconds": 0.0,
            "training.precision": "bfloat16" if parts.trainer.denoiser.mixed else "float32",
        }
        self._settle({"base": base.replace_all(settled), "training_s": 0.0})

    def _settle_chains(self, noise: Noise, seed: int) -> Work:
        """Choose the number of samples by timing a few chains."""
        spec = self.plan.experiment(noise, seed, _TIMED_LEVELS).replace("sampling.chains", _TIMED_CHAINS)
        yield _text("Timing a few chains")
        # The first round warms up.
        took = 0.0
        for _ in range(2):
            begun = time.perf_counter()
            yield from self._chains(spec, noise, seed, _TIMED_LEVELS, lambda _: None)
            took = time.perf_counter() - begun
        rate = _TIMED_LEVELS * _TIMED_CHAINS / took
        count = int(rate * self.plan.sampling_s / sum(self.plan.steps))
        self._settle({"chains": min(max(count, LEAST), _MOST_CHAINS)})

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
            return
        options = {"data_dir": self.data_dir, "device": str(self.device), "cadence": self.cadence, "live": self.live}
        job = train(None if resume else spec, folder, resume=resume, threads=self.threads, **options)  # type: ignore[arg-type]
        with closing(job):  # type: ignore[type-var]
            for event in job:
                match event:
                    case HeldOutLoss():
                        yield self._curve(noise, seed, event, spec)
                    case Progress():
                        yield _as_part(event, f"Training with {NOISE_TITLES[noise].lower()}, seed {seed}")
                    case Notice():
                        yield event
                    case Failed():
                        raise UserError(event.text)
                    case _:
                        yield Tick()

    def _curve(self, noise: Noise, seed: int, found: HeldOutLoss, spec: ExperimentSpec) -> NoiseCurve:
        """Return the error of x̂ over that of ȳ, d σ_eff², averaged over the bands."""
        sigma = quantiles(spec.law, spec.training.k, HELD_OUT_IMAGES).double()
        parts = sigma.tensor_split(len(found.band_loss))
        squares = np.array([float(part.square().mean()) for part in parts]) / spec.training.k
        loss = float((found.band_loss / (squares * math.prod(spec.data.shape))).mean())
        curve = NoiseCurve(noise, seed, found.step, found.elapsed_s, loss)
        self.curves.append(curve)
        return curve

    def _measured(self, noise: Noise, seed: int, steps: int) -> Work:
        """Draw and measure samples unless they are kept."""
        path = self.folder / f"{noise}-seed{seed}-{steps}.json"
        kept = path.with_suffix(".npz")
        if path.exists() and kept.exists():
            cell, first = read_cell(path), load_samples(kept).x_hat
        else:
            if self.standard is None:
                yield from self._prepare()
            drawn: list[Samples] = []
            spec = self.plan.experiment(noise, seed, steps)
            yield from self._chains(spec, noise, seed, steps, drawn.append)
            cell = yield from self._judged(spec, noise, seed, steps, drawn[0])
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
        found = yield from behind(judge(x, against, np.random.default_rng(0), y, spec.sampling.ends))
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
        options = {"data_dir": self.data_dir, "device": str(self.device), "cadence": self.cadence, "live": self.live}
        job = sample(spec, run_dir=self._run(noise, seed), **options)  # type: ignore[arg-type]
        with closing(job):  # type: ignore[type-var]
            for event in job:
                match event:
                    case Samples():
                        take(event)
                        # The judgement of single chains that follows is not needed.
                        return
                    case ImageFrame():
                        y = event.y[:SHOWN_CHAINS] / np.float32(math.hypot(1.0, event.sigma))
                        yield NoiseMoment(noise, seed, steps, event.step, event.x_hat[:SHOWN_CHAINS], y)
                    case Progress():
                        yield _as_part(event, f"{steps} steps with {NOISE_TITLES[noise].lower()}, seed {seed}")
                    case Failed():
                        raise UserError(event.text)
                    case _:
                        yield Tick()


def read_plan(path: Path) -> NoisesFolder:
    """Read the plan of a comparison; `BadFile` if it is missing or damaged."""
    return _read(path, _EXPECTED, NoisesFolder.from_json)


def read_cell(path: Path) -> NoiseCell:
    """Read the figures of a cell; `BadFile` if they are missing or damaged."""
    return _read(path, _EXPECTED_CELL, NoiseCell.from_json)


def _read(path: Path, expected: str, parse: Callable[[bytes], Kept]) -> Kept:
    try:
        return parse(read_bytes(path, expected, limit=MIB))
    except SpecError as error:
        raise BadFile(f"{path} is not {expected}: {error}") from error


def _text(text: str) -> Progress:
    nan = math.nan
    return Progress(0, 0, nan, nan, 0.0, nan, text)


def _as_part(event: Progress, text: str) -> Progress:
    return Progress(event.step, event.total, event.rate, event.items_rate, event.elapsed_s, event.left_s, text)

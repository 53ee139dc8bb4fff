"""The job that compares numbers of copies: a queue of trainings in one folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.denoisers.posterior import Denoiser
from msd_engine.events import (
    Checkpointed,
    ChildHeldOut,
    ChildStarted,
    Event,
    Failed,
    Finished,
    HeldOutLoss,
    Notice,
    Progress,
    Started,
    Tick,
)
from msd_engine.jobs.factory.pace import threads_for
from msd_engine.jobs.factory.parts import learned_denoiser
from msd_engine.jobs.sweep.draws import least_draws, matched_draws, settled
from msd_engine.jobs.sweep.spread import Spread, command_of, last_line, needs_of
from msd_engine.jobs.sweep.story import as_begun, ended_event, ending, history, table_event
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.training.train import train
from msd_engine.launchers.choice import engine_of
from msd_engine.launchers.launch import Engine
from msd_engine.metrics.errors.errors import BandErrors
from msd_engine.metrics.errors.matched import MatchedDraws
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import Live, SweepSpec
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.sweep import Child, SweepResult, child_spec

_BUSY = "{} is being worked on by another program; it is left to that."


@reports_user_errors
def sweep(
    spec: SweepSpec | None,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
    threads: int = 0,
    on: str = "",
    gpus: float | None = None,
) -> Iterator[Event]:
    """Train and measure the remaining runs of a comparison.

    Closing the generator, or a crash, leaves a folder that can be resumed. The plan is read again before each run, so
    a sweep may be extended meanwhile; runs of other processes are skipped.

    Args:
        spec: The comparison. Where one is resumed, its ks, seeds, modes and fusions are added to those there, and
            None adds nothing.
        folder: The sweep folder: new, or with `resume` one that holds a comparison.
        resume: Go on with what is there.
        data_dir: Where image sets are looked for.
        device: Name of the device, or ``auto``.
        cadence: Decides when to report losses and progress.
        live: Requests during the job: pause and checkpoint.
        threads: As of `msd_engine.jobs.training.train.train`.
        on: Where each run is trained as a command of its own, as of `msd_engine.launchers.choice.engine_of`, such as
            ``local:2``; empty trains one after the other in this process. It changes no numbers.
        gpus: Graphics cards of each such command; None for one with a CUDA device, else none.

    Yields:
        `Started`; the results of earlier work; for each run `ChildStarted`, `ChildHeldOut`, `Progress`,
        `Checkpointed` and at least a `Tick` for each step, then `ChildEnded` and `SweepTable`; at the end `Finished` or
        `Failed`.
    """
    chosen = choose_device(device)
    engine = engine_of(on, needs_of(device, threads, gpus), Path(folder).resolve()) if on else None
    notice = ""
    if resume:
        plan = _reopened(folder, spec)
    elif spec is None:
        raise ValueError("A new comparison needs a spec.")
    else:
        # Precisions are timed; threads must not wait for those of another program.
        threads_for(spec.base, chosen, threads).begin()
        # Read the data first, so that missing data leave no empty folder.
        matched_draws(spec.base, data_dir=data_dir, device=chosen)
        base, notice = settled(spec.base, chosen)
        plan = SweepFolder.create(folder, spec.replace("base", base))
    total, done = len(plan.spec.children()), len(plan.results())
    yield Started("sweep", describe_device(chosen), total, done, plan.spec.to_json())
    if notice:
        yield Notice(notice)
    yield from _Job(plan, data_dir, device, chosen, cadence, live or Live(), threads, engine).events()


def _reopened(folder: str | os.PathLike[str], spec: SweepSpec | None) -> SweepFolder:
    plan = SweepFolder.open(folder)
    if spec is not None:
        if as_begun(spec, plan.spec).base != plan.spec.base:
            raise UserError("A comparison is resumed as it was begun: only ks, seeds, modes and fusions may be added.")
        plan.widen(spec)
    return plan


@dataclass(frozen=True)
class _Stage:
    """State of a run in the queue."""

    child: Child
    number: int
    total: int
    done: int


class _Job:
    """Work on a sweep until it is done or the caller closes it."""

    def __init__(
        self,
        plan: SweepFolder,
        data_dir: Path | None,
        device_name: str,
        device: torch.device,
        cadence: Cadence,
        live: Live,
        threads: int,
        engine: Engine | None,
    ) -> None:
        self.plan = plan
        self.engine = engine
        self.data_dir = data_dir
        self.device_name = device_name
        self.device = device
        self.cadence = cadence
        self.live = live
        self.threads = threads
        self.floors: dict[int, BandErrors] = {}
        self.elapsed_s = 0.0

    def events(self) -> Iterator[Event]:
        """Report finished runs and train the others."""
        reported: set[str] = set()
        busy: set[str] = set()
        for stage in self._stages():
            if (result := self.plan.result(stage.child.name)) is not None:
                yield from history(self.plan, stage.child, stage.number)
                yield ended_event(result)
                reported.add(result.name)
        yield table_event(self.plan)
        if self.engine is not None:
            yield from self._spread(self.engine, reported, busy)
        while (stage_left := self._next(reported | busy)) is not None:
            name = stage_left.child.name
            with self.plan.claimed(name) as mine:
                if mine and self.plan.result(name) is None:
                    yield from self._run(stage_left)
            if (result := self.plan.result(name)) is None:
                busy.add(name)
                yield Notice(_BUSY.format(name))
                continue
            reported.add(name)
            yield ended_event(result)
            yield table_event(self.plan)
        yield from self._ending(busy)

    def _spread(self, engine: Engine, reported: set[str], busy: set[str]) -> Iterator[Event]:
        """Train the remaining runs on an engine, and measure each here once it is trained."""
        threads_for(self.plan.spec.base, self.device, self.threads).begin()
        stages = {stage.child.name: stage for stage in self._stages() if stage.child.name not in reported}
        options = {"data_dir": self.data_dir, "device": self.device_name, "threads": self.threads}
        with contextlib.ExitStack() as claims:
            tasks = {}
            for name, stage in stages.items():
                if claims.enter_context(self.plan.claimed(name)):
                    tasks[name] = command_of(self.plan, stage.child, **options)  # type: ignore[arg-type]
                else:
                    busy.add(name)
                    yield Notice(_BUSY.format(name))
            children = [stages[name].child for name in tasks]
            with closing(Spread(self.plan, children, tasks, self.live).events(engine)) as news:  # type: ignore[type-var]
                for event in news:
                    if not isinstance(event, tuple):
                        yield event
                        continue
                    name, state = event
                    folder = self.plan.run_folder(name)
                    failure = Failed(last_line(tasks[name].log).removeprefix("msd: "))
                    ended = self._trained(folder) if state == "done" else self._lost(folder, failure)
                    yield from self._settle(stages[name].child, folder, ended)
                    reported.add(name)
                    if (result := self.plan.result(name)) is not None:
                        yield ended_event(result)
                    yield table_event(self.plan)

    def _trained(self, folder: Path) -> Finished:
        manifest = Run.open(folder).manifest
        text = f"Trained {manifest.step} steps in {manifest.elapsed_s:.0f} s."
        return Finished(manifest.step, manifest.elapsed_s, text, str(folder))

    def _ending(self, busy: set[str]) -> Iterator[Event]:
        results = self.plan.results()
        yield table_event(self.plan)
        text = ending(self.plan)
        if left := sorted(busy - {result.name for result in results}):
            text += f"; another program works on {', '.join(left)}"
        yield Finished(len(results), self.elapsed_s, text + ".", str(self.plan.folder))

    def _stages(self) -> list[_Stage]:
        children = self.plan.spec.children()
        done = len(self.plan.results())
        return [_Stage(child, number, len(children), done) for number, child in enumerate(children, 1)]

    def _next(self, handled: set[str]) -> _Stage | None:
        """Return the first unvisited run of the present plan."""
        self.plan = SweepFolder.open(self.plan.folder)
        return next((stage for stage in self._stages() if stage.child.name not in handled), None)

    def _run(self, stage: _Stage) -> Iterator[Event]:
        child = stage.child
        folder = self.plan.run_folder(child.name)
        begun = (folder / MANIFEST).exists()
        # An older file expresses the same step differently, which may change the last bit of r.
        if begun and Run.open(folder).spec.replace("sampling", child.spec.sampling) != child.spec:
            raise UserError(f"{folder} holds another run than this comparison asks for: move it away.")
        if begun and Run.open(folder).manifest.status == "finished":
            ended: Finished | _Lost = self._trained(folder)
        else:
            ended = yield from self._train(stage, folder, begun=begun)
        yield from self._settle(child, folder, ended)

    def _settle(self, child: Child, folder: Path, ended: Finished | _Lost) -> Iterator[Event]:
        """Measure a trained run, and save its result."""
        self.elapsed_s += ended.elapsed_s
        common = {"name": child.name, "k": child.k, "seed": child.seed, "modes": child.modes}
        fusion = child.spec.network.fusion
        common["fusion"] = "" if fusion == self.plan.spec.base.network.fusion else fusion
        if isinstance(ended, _Lost):
            self.plan.save_result(SweepResult.from_fields(common | {"status": "failed", "text": ended.text}))
            return
        measured, floor = yield from self._measure(child, folder)
        fields = common | {"status": "finished", "step": ended.step, "elapsed_s": ended.elapsed_s, "text": ended.text}
        fields |= {"error": measured.loss, "band_sigma_eff": tuple(measured.sigma_eff.tolist())}
        fields |= {"band_error": tuple(measured.band_loss.tolist())}
        fields |= {"floor": floor.loss, "band_floor": tuple(floor.band_loss.tolist())}
        self.plan.save_result(SweepResult.from_fields(fields))

    def _train(self, stage: _Stage, folder: Path, *, begun: bool) -> Generator[Event, None, Finished | _Lost]:
        job = train(
            stage.child.spec,
            folder,
            resume=begun,
            data_dir=self.data_dir,
            device=self.device_name,
            cadence=self.cadence,
            live=self.live,
            threads=self.threads,
        )
        name = stage.child.name
        # Close it at once when this job is closed: that saves the run.
        with closing(job):  # type: ignore[type-var]
            for event in job:
                match event:
                    case Started():
                        yield ChildStarted(name, stage.number, stage.total, event.step)
                    case HeldOutLoss():
                        yield ChildHeldOut(name, event)
                    case Progress():
                        yield self._progress(stage, event)
                    case Checkpointed():
                        yield event
                    case Finished():
                        return event
                    case Failed():
                        return self._lost(folder, event)
                    case _:
                        yield Tick()
        raise RuntimeError("the training ended without a last event")

    def _lost(self, folder: Path, failure: Failed) -> _Lost:
        """Distinguish a failure of one run, such as divergence, from a failure of every run."""
        if not (folder / MANIFEST).exists() or Run.open(folder).manifest.status != "failed":
            raise UserError(failure.text)
        return _Lost(failure.text)

    def _measure(self, child: Child, folder: Path) -> Generator[Event, None, tuple[BandErrors, BandErrors]]:
        draws = matched_draws(child.spec, data_dir=self.data_dir, device=self.device)
        denoiser = learned_denoiser(folder, self.device)
        # The draws come in chunks of a fixed size: tiles would only take time.
        denoiser.tile = 0
        measured = yield from self._errors(draws, denoiser)
        # By sufficiency the exact errors depend on σ_eff alone: for equal σ_eff those of k = 1 hold for all k.
        k = child.k if "same-sigma" in child.modes else 1
        if k not in self.floors:
            alike = child_spec(self.plan.spec.base, k, "same-sigma", child.seed)
            least, exact = least_draws(alike, data_dir=self.data_dir, device=self.device)
            self.floors[k] = yield from self._errors(least, exact)
        return measured, self.floors[k]

    def _errors(self, draws: MatchedDraws, denoiser: Denoiser) -> Generator[Event, None, BandErrors]:
        errors: list[torch.Tensor] = []
        for chunk in draws.chunks(denoiser):
            errors.append(chunk)
            yield Tick()
        return draws.summary(errors)

    def _progress(self, stage: _Stage, event: Progress) -> Progress:
        training = stage.child.spec.training
        left_after = stage.total - stage.done - 1
        each_s = training.seconds or event.elapsed_s + event.left_s
        return Progress(
            step=stage.done * training.steps + event.step if event.total else event.step,
            total=stage.total * training.steps if event.total else 0,
            rate=event.rate,
            items_rate=event.items_rate,
            elapsed_s=self.elapsed_s + event.elapsed_s,
            left_s=event.left_s + left_after * each_s,
            text=f"Run {stage.number} of {stage.total}: {stage.child.words}",
        )


@dataclass(frozen=True)
class _Lost:
    """A run that failed."""

    text: str
    elapsed_s: float = 0.0

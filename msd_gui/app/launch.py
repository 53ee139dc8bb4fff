"""Launches jobs: the one file of the program that imports `msd_engine.jobs`, and with it torch, in working threads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import Event, Samples
from msd_engine.specs import Branch, ExperimentSpec, Hand, Live, SweepSpec
from msd_gui.bridge.launch import Bounds, Cadence, Job, Writer

if TYPE_CHECKING:
    from msd_engine.jobs.catalogue import Catalogue

FIELD_RESOLUTION = (160, 160)
ARROWS_PER_SIDE = 21


class EngineLaunch:
    """Makes jobs of the engine.

    Attributes:
        data_dir: Asked at the start of each job for the data folder; None leaves the choice to the engine.
        runs_dir: Asked for the folder in which new run folders are made.
        device: ``auto`` or the name of a device.
        inception: Asked for the user's weights of the FID's network; None where there are none.
    """

    def __init__(
        self,
        *,
        data_dir: Callable[[], Path | None],
        runs_dir: Callable[[], Path],
        device: str = "auto",
        inception: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self.data_dir = data_dir
        self.runs_dir = runs_dir
        self.device = device
        self.inception = inception
        self._catalogue: Catalogue | None = None

    def warm_up(self) -> Job:
        """Import torch and the jobs, and tell the device; done once behind the first screen."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.warm_up import warm_up

            return warm_up(self.device)

        return job

    def _on(self, threads: int, job: Job) -> Job:
        """Return a job that computes with so many threads of the CPU; 0 for all."""

        def run(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.backend.device import use_threads

            use_threads(threads)
            return job(cadence, live)

        return run

    def train(self, spec: ExperimentSpec, run: Path, *, resume: bool = False) -> Job:
        """Train a denoiser and keep it in a run folder."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.train import train

            return train(
                spec, run, resume=resume, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live
            )

        return self._on(0, job)

    def recall(self, run: Path) -> Job:
        """Tell again what a run has measured."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.recall import recall

            return recall(run, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live)

        return self._on(1, job)

    def sample(self, spec: ExperimentSpec, run: Path | None = None, *, beside: bool = False) -> Job:
        """Draw chains, with the denoiser of a run where the spec asks for a trained one."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sample import sample

            return sample(spec, run_dir=run, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live)

        # A training job beside it needs the pool of threads, and the chains of points need none.
        return self._on(1 if beside or spec.data.kind == "mixture" else 0, job)

    def field(self, spec: ExperimentSpec, sigma: float, bounds: Bounds, run: Path | None = None) -> Job:
        """Compute density and scores of the plane at one noise; with the trained score where a run is given."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.field import field

            return field(
                spec,
                sigma=sigma,
                bounds=bounds,
                resolution=FIELD_RESOLUTION,
                points=ARROWS_PER_SIDE,
                run_dir=run,
                device=self.device,
                cadence=cadence,
                live=live,
            )

        return self._on(1, job)

    def denoise(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Denoise one picture from its copies, as the `denoise` part of the spec says."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.denoise import denoise

            return denoise(spec, run_dir=run, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live)

        return self._on(1, job)

    def by_hand(self, hand: Hand, spec: ExperimentSpec, run: Path | None = None, *, start: Branch | None = None) -> Job:
        """Draw chains, paint the masked part of a picture anew, or go from seed to seed; from a kept state on."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.hands import by_hand

            data_dir, device = self.data_dir(), self.device
            return by_hand(
                spec, hand, start=start, run_dir=run, data_dir=data_dir, device=device, cadence=cadence, live=live
            )

        return self._on(0, job)

    def open_picture(self, path: Path, shape: tuple[int, int, int]) -> Job:
        """Read a picture of the user's own and bring it to the size of the data."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.pictures import open_picture

            return open_picture(path, shape)

        return job

    def show_held_out(self, spec: ExperimentSpec) -> Job:
        """Tell the held-out image that a spec chooses, whether or not anything can denoise it."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.pictures import show_held_out

            return show_held_out(spec, data_dir=self.data_dir())

        return job

    def evaluate(self, spec: ExperimentSpec, run: Path | None, *, curve: Sequence[tuple[int, int]] = ()) -> Job:
        """Draw samples and measure how good they are; at several (levels, steps per level) for a curve."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.evaluate import evaluate

            return evaluate(
                spec,
                run_dir=run,
                curve=curve,
                # Grey images have classifiers of their own.
                inception=self.inception() if spec.data.name == "cifar-10" else None,
                data_dir=self.data_dir(),
                device=self.device,
                cadence=cadence,
                live=live,
            )

        return self._on(0, job)

    def judge(self, samples: Samples) -> Job:
        """Judge the ends of chains by features too, which are made first where none are kept."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.judge import judge

            return judge(samples, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live)

        return self._on(0, job)

    def nearest(self, spec: ExperimentSpec, image: NDArray[np.float32]) -> Job:
        """Find the training images nearest to an image."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.nearest import nearest

            return nearest(spec, image, data_dir=self.data_dir(), device=self.device)

        return self._on(1, job)

    def ladder(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Tell the ladder of a sampling before any chain is drawn; with the network of a run, if there is one yet."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.ladder import ladder

            return ladder(spec, run_dir=run, cadence=cadence, live=live)

        return job

    def propose(self, spec: ExperimentSpec) -> Job:
        """Propose a ladder and a step from the data."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.propose import proposal

            return proposal(spec, data_dir=self.data_dir(), cadence=cadence, live=live)

        return self._on(1, job)

    def restore(self, path: Path) -> Job:
        """Read the spec of a picture, a preset, a sample file or a run folder."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.restore import restore

            return restore(path)

        return job

    def download(self, name: str) -> Job:
        """Fetch a data set into the data folder."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.download import download

            return download(name, data_dir=self.data_dir())

        return job

    def save(self, kind: Writer, path: Path, **content: Any) -> Job:
        """Write a file away from the screen's thread: one of the writers of `msd_engine.jobs.save`, by name."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs import save

            writer: Callable[..., Iterator[Event]] = getattr(save, f"save_{kind}")
            return writer(path, **content)

        return job

    def watch_runs(self) -> Job:
        """List the runs and go on telling what changes; what was read before is kept."""

        def job(cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.catalogue import Catalogue, watch

            folder = self.runs_dir()
            if self._catalogue is None or self._catalogue.root != folder:
                self._catalogue = Catalogue(folder)
            return watch(self._catalogue, cadence)

        return job

    def held_out_curves(self, runs: Sequence[Path]) -> Job:
        """Read the held-out errors of some runs."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.catalogue import held_out_curves

            return held_out_curves(runs)

        return job

    def annotate(
        self, run: Path, *, name: str | None = None, note: str | None = None, tags: tuple[str, ...] | None = None
    ) -> Job:
        """Write what the user says about a run; None leaves a part as it is."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.catalogue import annotate

            return annotate(run, name=name, note=note, tags=tags)

        return job

    def discard(self, runs: Sequence[Path]) -> Job:
        """Move runs to the trash."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.catalogue import discard

            return discard(runs)

        return job

    def export_tensorboard(self, run: Path, folder: Path) -> Job:
        """Write the measurements of a run as files for TensorBoard."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.tensorboard import export_tensorboard

            return export_tensorboard(run, folder)

        return job

    def sweep(self, spec: SweepSpec, folder: Path, *, resume: bool = False) -> Job:
        """Train and measure what is not done yet of a comparison, in its folder."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sweep import sweep

            return sweep(
                spec, folder, resume=resume, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live
            )

        return self._on(0, job)

    def open_sweep(self, folder: Path) -> Job:
        """Tell a comparison as it stands on the disk."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sweep_story import open_sweep

            return open_sweep(folder)

        return job

    def export_sweep(self, folder: Path, path: Path) -> Job:
        """Write a comparison as CSV, Markdown, PNG or SVG."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.export_sweep import export_sweep

            return export_sweep(folder, path)

        return job

    def new_sweep(self, spec: SweepSpec) -> Path:
        """Return the path of a sweep folder that does not exist yet, named by time and data."""
        return self._new_folder(f"{spec.base.data.name}-compare-k")

    def new_run(self, spec: ExperimentSpec) -> Path:
        """Return the path of a run folder that does not exist yet, named by time, data and k."""
        return self._new_folder(f"{spec.data.name}-k{spec.training.k}")

    def _new_folder(self, name: str) -> Path:
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        word = re.sub(r"[^a-z0-9-]+", "-", name.lower())
        folder = self.runs_dir() / f"{stamp}-{word}"
        number = 1
        while folder.exists():
            number += 1
            folder = self.runs_dir() / f"{stamp}-{word}-{number}"
        return folder

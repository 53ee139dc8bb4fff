"""Jobs that train a denoiser, and that tell again what a training has measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msd_engine.events import Event
from msd_engine.specs import ExperimentSpec, Live
from msd_gui.bridge.engine.base import Engine
from msd_gui.bridge.launch import Cadence, Job


class TrainingLaunch(Engine):
    """Makes jobs of training."""

    def train(self, spec: ExperimentSpec, run: Path, *, resume: bool = False) -> Job:
        """Train a denoiser and keep it in a run folder."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.training.train import train

            return train(
                spec,
                run,
                resume=resume,
                data_dir=self.data_dir(),
                device=self.device,
                cadence=cadence,
                live=live,
                threads=self.threads,
            )

        return self.on_threads(0, job)

    def recall(self, run: Path) -> Job:
        """Tell again what a run has measured."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.training.recall import recall

            return recall(run, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live)

        return self.on_threads(1, job)

    def new_run(self, spec: ExperimentSpec) -> Path:
        """Return the path of a run folder that does not exist yet, named by time, data and k."""
        return self.new_folder(f"{spec.data.name}-k{spec.training.k}")

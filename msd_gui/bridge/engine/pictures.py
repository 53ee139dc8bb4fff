"""Jobs that read one picture, or a held-out image, and denoise it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msd_engine.events import Event
from msd_engine.specs import ExperimentSpec, Live
from msd_gui.bridge.engine.base import Engine
from msd_gui.bridge.launch import Cadence, Job


class PicturesLaunch(Engine):
    """Makes jobs on one picture."""

    def denoise(self, spec: ExperimentSpec, run: Path | None = None) -> Job:
        """Denoise one picture from its copies, as the `denoise` part of the spec says."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.pictures.denoise import denoise

            return denoise(spec, run_dir=run, data_dir=self.data_dir(), device=self.device, cadence=cadence, live=live)

        return self.on_threads(1, job)

    def open_picture(self, path: Path, shape: tuple[int, int, int]) -> Job:
        """Read a picture of the user's own and bring it to the size of the data."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.pictures.pictures import open_picture

            return open_picture(path, shape)

        return job

    def show_held_out(self, spec: ExperimentSpec) -> Job:
        """Tell the held-out image that a spec chooses, whether or not anything can denoise it."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.pictures.pictures import show_held_out

            return show_held_out(spec, data_dir=self.data_dir())

        return job

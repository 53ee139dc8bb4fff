"""Jobs that read, write and fetch files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msd_engine.events import Event
from msd_engine.specs import Live
from msd_gui.bridge.engine.base import Engine
from msd_gui.bridge.launch import Cadence, Job, Writer


class FilesLaunch(Engine):
    """Makes jobs on files."""

    def restore(self, path: Path) -> Job:
        """Read the spec of a picture, a preset, a sample file or a run folder."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.files.restore import restore

            return restore(path)

        return job

    def download(self, name: str) -> Job:
        """Fetch a data set into the data folder."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.files.download import download

            return download(name, data_dir=self.data_dir())

        return job

    def save(self, kind: Writer, path: Path, **content: Any) -> Job:
        """Write a file away from the screen's thread: one of the writers of `msd_engine.jobs.files.save`, by name."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.files import save

            writer: Callable[..., Iterator[Event]] = getattr(save, f"save_{kind}")
            return writer(path, **content)

        return job

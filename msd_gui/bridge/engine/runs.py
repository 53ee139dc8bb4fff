"""Jobs on the runs that lie in the folder of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msd_engine.events import Event
from msd_engine.specs import Live
from msd_gui.bridge.engine.base import Engine
from msd_gui.bridge.launch import Cadence, Job

if TYPE_CHECKING:
    from msd_engine.jobs.files.catalogue import Catalogue


class RunsLaunch(Engine):
    """Makes jobs on the list of runs."""

    _catalogue: Catalogue | None = None

    def watch_runs(self) -> Job:
        """List the runs and go on telling what changes; what was read before is kept."""

        def job(cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.files.catalogue import Catalogue, watch

            folder = self.runs_dir()
            if self._catalogue is None or self._catalogue.root != folder:
                self._catalogue = Catalogue(folder)
            return watch(self._catalogue, cadence)

        return job

    def held_out_curves(self, runs: Sequence[Path]) -> Job:
        """Read the held-out errors of some runs."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.files.catalogue import held_out_curves

            return held_out_curves(runs)

        return job

    def annotate(
        self, run: Path, *, name: str | None = None, note: str | None = None, tags: tuple[str, ...] | None = None
    ) -> Job:
        """Write what the user says about a run; None leaves a part as it is."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.files.catalogue import annotate

            return annotate(run, name=name, note=note, tags=tags)

        return job

    def discard(self, runs: Sequence[Path]) -> Job:
        """Move runs to the trash."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.files.catalogue import discard

            return discard(runs)

        return job

    def export_tensorboard(self, run: Path, folder: Path) -> Job:
        """Write the measurements of a run as files for TensorBoard."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.files.tensorboard import export_tensorboard

            return export_tensorboard(run, folder)

        return job

"""Jobs on comparisons of numbers of copies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msd_engine.events import Event
from msd_engine.specs import Live, SweepSpec
from msd_gui.bridge.engine.base import Engine
from msd_gui.bridge.launch import Cadence, Job


class ComparisonsLaunch(Engine):
    """Makes jobs on comparisons."""

    def sweep(self, spec: SweepSpec, folder: Path, *, resume: bool = False) -> Job:
        """Train and measure what is not done yet of a comparison, in its folder."""

        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sweep.sweep import sweep

            return sweep(
                spec,
                folder,
                resume=resume,
                data_dir=self.data_dir(),
                device=self.device,
                cadence=cadence,
                live=live,
                threads=self.threads,
            )

        return self.on_threads(0, job)

    def open_sweep(self, folder: Path) -> Job:
        """Tell a comparison as it stands on the disk."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sweep.story import open_sweep

            return open_sweep(folder)

        return job

    def export_sweep(self, folder: Path, path: Path) -> Job:
        """Write a comparison as CSV, Markdown, PNG or SVG."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.sweep.export import export_sweep

            return export_sweep(folder, path)

        return job

    def new_sweep(self, spec: SweepSpec) -> Path:
        """Return the path of a sweep folder that does not exist yet, named by time and data."""
        return self.new_folder(f"{spec.base.data.name}-compare-k")

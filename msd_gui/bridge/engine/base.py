"""What all jobs of the engine share: where things lie, on which device they are computed, and with how many threads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from msd_engine.events import Event
from msd_engine.specs import Live
from msd_gui.bridge.launch import Cadence, Job


class Engine:
    """The engine as the user has set it up.

    Attributes:
        data_dir: Asked at the start of each job for the data folder; None leaves the choice to the engine.
        runs_dir: Asked for the folder in which new run folders are made.
        device: ``auto`` or the name of a device.
        threads: Threads of the CPU, held fixed; 0 for what the engine chooses.
        inception: Asked for the user's weights of the FID's network; None where there are none.
    """

    def __init__(
        self,
        *,
        data_dir: Callable[[], Path | None],
        runs_dir: Callable[[], Path],
        device: str = "auto",
        threads: int = 0,
        inception: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self.data_dir = data_dir
        self.runs_dir = runs_dir
        self.device = device
        self.threads = threads
        self.inception = inception

    def warm_up(self) -> Job:
        """Import torch and the jobs, and tell the device; done once behind the first screen."""

        def job(_cadence: Cadence, _live: Live) -> Iterator[Event]:
            from msd_engine.jobs.tools.warm_up import warm_up

            return warm_up(self.device)

        return job

    def on_threads(self, threads: int, job: Job) -> Job:
        """Return a job that computes with so many threads of the CPU; 0 for the fixed number, or all."""

        def run(cadence: Cadence, live: Live) -> Iterator[Event]:
            from msd_engine.backend.threads import use_threads

            use_threads(threads or self.threads)
            return job(cadence, live)

        return run

    def new_folder(self, name: str) -> Path:
        """Return the path of a folder among the runs that does not exist yet, named by the time and some words."""
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        word = re.sub(r"[^a-z0-9-]+", "-", name.lower())
        folder = self.runs_dir() / f"{stamp}-{word}"
        number = 1
        while folder.exists():
            number += 1
            folder = self.runs_dir() / f"{stamp}-{word}-{number}"
        return folder

"""A pool of processes of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from msd_engine.launchers.launch import Command, Task, end


class Local:
    """Processes of this machine, `workers` at once."""

    def __init__(self, workers: int) -> None:
        self.slots = workers

    def start(self, task: Task) -> subprocess.Popen[bytes]:
        """Start a process."""
        return Command(task.words, str(task.log)).begin()

    def code(self, handle: subprocess.Popen[bytes]) -> int | None:
        """Return its exit code, None while it runs."""
        return handle.poll()

    def close(self, handles: Iterable[subprocess.Popen[bytes]]) -> None:
        """Ask them to end, and wait for them."""
        for handle in (stopped := list(handles)):
            handle.terminate()
        for handle in stopped:
            end(handle)

"""A pool of processes of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from msd_engine.launchers.launch import Task, begin, end


class Local:
    """Processes of this machine.

    Args:
        workers: How many at once.
    """

    def __init__(self, workers: int) -> None:
        self.slots = workers

    def start(self, task: Task) -> subprocess.Popen[bytes]:
        """Start a process."""
        return begin(task.words, task.log)

    def code(self, handle: subprocess.Popen[bytes]) -> int | None:
        """Return its exit code, None while it runs."""
        return handle.poll()

    def stop(self, handle: subprocess.Popen[bytes]) -> None:
        """Ask it to end."""
        handle.terminate()

    def close(self, handles: Iterable[subprocess.Popen[bytes]]) -> None:
        """Wait for the stopped ones."""
        for handle in handles:
            end(handle)

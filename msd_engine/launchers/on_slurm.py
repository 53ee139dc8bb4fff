"""Slurm, by submitit: a job for each command; at its time limit or when it is preempted, Slurm queues it again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msd_engine.launchers.launch import Resources, Task, begin, end

_SLOTS = 1_000_000
_LOST = -1
_MINUTES = 60
_MOST_TIMEOUTS = 1000


class Command:
    """A command as the callable that submitit stores; only this name and two texts are pickled."""

    def __init__(self, words: tuple[str, ...], log: str) -> None:
        self.words = words
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"words": self.words, "log": self.log, "_process": None}

    def __call__(self) -> int:
        """Carry out the command and return its exit code."""
        self._process = begin(self.words, Path(self.log))
        try:
            return self._process.wait()
        finally:
            self._stop()

    def checkpoint(self) -> Any:
        """Save the work before Slurm ends the job, and ask for the same job again."""
        from submitit.helpers import DelayedSubmission

        self._stop()
        return DelayedSubmission(Command(self.words, self.log))

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            end(self._process)


class OnSlurm:
    """Jobs of Slurm.

    Args:
        partition: Its partition; empty for the usual one.
        resources: Needs of one command.
        folder: Folder of submitit's files, on a disk that the nodes share.
        cluster: ``slurm``; ``local`` starts processes of this machine by the same way.
    """

    slots = _SLOTS

    def __init__(self, partition: str, resources: Resources, folder: Path, cluster: str = "slurm") -> None:
        import submitit

        limits = {"slurm_max_num_timeout": _MOST_TIMEOUTS} if cluster == "slurm" else {}
        self._executor = submitit.AutoExecutor(folder=folder / "slurm", cluster=cluster, **limits)
        needs = {"name": "msd", "timeout_min": _MINUTES, "cpus_per_task": resources.threads}
        needs |= {"gpus_per_node": int(resources.cards)} if resources.cards else {}
        needs |= {"slurm_partition": partition} if partition else {}
        self._executor.update_parameters(**needs)

    def start(self, task: Task) -> Any:
        """Submit a job."""
        return self._executor.submit(Command(task.words, str(task.log)))

    def code(self, handle: Any) -> int | None:
        """Return the exit code of its command, None while it waits or runs."""
        import submitit

        if not handle.done():
            return None
        try:
            return int(handle.result())
        except (submitit.core.utils.UncompletedJobError, submitit.core.utils.FailedJobError):
            return _LOST

    def stop(self, handle: Any) -> None:
        """Cancel it."""
        handle.cancel()

    def close(self, handles: Iterable[Any]) -> None:
        """Leave the cancelled ones to Slurm."""

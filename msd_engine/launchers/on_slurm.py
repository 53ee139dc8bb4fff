"""Slurm, by submitit: a job for each command; at its time limit or when it is preempted, Slurm queues it again."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msd_engine.launchers.launch import Resources, Task, begin, end
from msd_engine.specs.live import Every

_SLOTS = 1_000_000
_LOST = -1
_MINUTES = 60
_MOST_TIMEOUTS = 1000
_LOOK_HZ, _LOOKS = 1 / 30, 2


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
        # Slurm sends these to every process of a job, before a limit or a preemption; `checkpoint` stops the command.
        self._process = begin(self.words, Path(self.log), (signal.SIGUSR1, signal.SIGUSR2))
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
        self._known_by = cluster
        self._look = Every(_LOOK_HZ)
        # How often each job was not in the queue, one look after the other.
        self._absent: dict[str, int] = {}
        self._executor = submitit.AutoExecutor(folder=folder / "slurm", cluster=cluster, **limits)
        needs = {"name": "msd", "timeout_min": _MINUTES, "cpus_per_task": resources.threads}
        needs |= {"gpus_per_node": int(resources.cards)} if resources.cards else {}
        needs |= {"slurm_partition": partition} if partition else {}
        self._executor.update_parameters(**needs)

    def start(self, task: Task) -> Any:
        """Submit a job."""
        job = self._executor.submit(Command(task.words, str(task.log)))
        self._absent[job.job_id] = 0
        return job

    def code(self, handle: Any) -> int | None:
        """Return the exit code of its command, None while it waits or runs."""
        import submitit

        if not handle.done():
            return _LOST if self._is_gone(handle.job_id) else None
        try:
            return int(handle.result())
        except (submitit.core.utils.UncompletedJobError, submitit.core.utils.FailedJobError):
            return _LOST

    def _is_gone(self, job_id: str) -> bool:
        """Return whether Slurm has forgotten a job; submitit asks its accounting, which many clusters do not have."""
        if self._known_by == "slurm" and self._look.due():
            queue = subprocess.run(["squeue", "--me", "--noheader", "--format=%A"], capture_output=True, check=False)
            queued = queue.stdout.decode().split()
            for one, times in self._absent.items() if queue.returncode == 0 else ():
                self._absent[one] = 0 if one in queued else times + 1
        return self._absent[job_id] >= _LOOKS

    def stop(self, handle: Any) -> None:
        """Cancel it."""
        handle.cancel()

    def close(self, handles: Iterable[Any]) -> None:
        """Leave the cancelled ones to Slurm."""

"""Slurm, by submitit: a job for each command; at its time limit or when it is preempted, Slurm queues it again."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, UncompletedJobError
from submitit.helpers import DelayedSubmission

from msd_engine.backend.errors import UserError
from msd_engine.launchers.launch import LOST, MANY, Command, Resources, Task
from msd_engine.specs.live import Every

_MINUTES, _MOST_TIMEOUTS = 60, 1000
_LOOK_HZ, _LOOKS = 1 / 30, 2


class SlurmCommand(Command):
    """A command as the callable that submitit stores; only this name and two texts are pickled."""

    # Slurm sends these to every process of a job, before a limit or a preemption; `checkpoint` stops the command.
    ignored = (signal.SIGUSR1, signal.SIGUSR2)

    def checkpoint(self) -> Any:
        """Save the work before Slurm ends the job, and ask for the same job again."""
        self.stop()
        return DelayedSubmission(SlurmCommand(self.words, self.log))


class OnSlurm:
    """Jobs of Slurm.

    Args:
        partition: Its partition; empty for the usual one.
        resources: Needs of one command.
        folder: Folder of submitit's files, on a disk that the nodes share.
        cluster: ``slurm``; ``local`` starts processes of this machine by the same way.
    """

    slots = MANY

    def __init__(self, partition: str, resources: Resources, folder: Path, cluster: str = "slurm") -> None:
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
        """Submit a job.

        Raises:
            UserError: Slurm refuses it.
        """
        try:
            job = self._executor.submit(SlurmCommand(task.words, str(task.log)))
        except FailedJobError as error:
            said = str(error).strip().rpartition("error: ")[2]
            raise UserError(f"Slurm refuses the job: {said}.") from error
        self._absent[job.job_id] = 0
        return job

    def code(self, handle: Any) -> int | None:
        """Return the exit code of its command, None while it waits or runs."""
        if not handle.done():
            return LOST if self._is_gone(handle.job_id) else None
        try:
            return int(handle.result())
        except UncompletedJobError:
            return LOST

    def _is_gone(self, job_id: str) -> bool:
        """Return whether Slurm has forgotten a job; submitit asks its accounting, which many clusters do not have."""
        if self._known_by == "slurm" and self._look.due():
            queue = subprocess.run(["squeue", "--me", "--noheader", "--format=%A"], capture_output=True, check=False)
            queued = queue.stdout.decode().split()
            for one, times in self._absent.items() if queue.returncode == 0 else ():
                self._absent[one] = 0 if one in queued else times + 1
        return self._absent[job_id] >= _LOOKS

    def close(self, handles: Iterable[Any]) -> None:
        """Cancel them, and leave the rest to Slurm."""
        for handle in handles:
            handle.cancel()

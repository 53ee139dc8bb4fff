"""Choose the number of threads of a training job, and record and report it."""

from __future__ import annotations

import torch

from msd_engine.backend.threads import FixedThreads, ThreadChoice, fixed_threads, quickest, use_threads
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, UNetSpec
from msd_engine.training.trial import Trial

_DATA = 64


def threads_for(spec: ExperimentSpec, device: torch.device, threads: int) -> FixedThreads:
    """Return the chooser of the number of threads for a training.

    Networks on points use one thread: their steps are too short to split.

    Args:
        spec: The experiment.
        device: Where it is trained.
        threads: A fixed number; 0 takes MSD_THREADS, or else measures.

    Raises:
        UserError: MSD_THREADS is not a positive whole number.
    """
    fixed = fixed_threads(threads)
    if fixed:
        return FixedThreads(fixed)
    if device.type != "cpu":
        use_threads()
        return FixedThreads(torch.get_num_threads())
    return ThreadChoice() if isinstance(spec.network, UNetSpec) else FixedThreads(1)


class Pace:
    """The threads of one training job."""

    def __init__(self, spec: ExperimentSpec, device: torch.device, threads: int) -> None:
        """Start with one thread and start to watch the load of other programs.

        Args:
            spec: The experiment.
            device: Where it is trained.
            threads: A fixed number, or 0 to choose.
        """
        self._count = min(_DATA, spec.training.batch)
        self._choice = threads_for(spec, device, threads)

    def begin(self) -> None:
        """Choose by the load of the machine, before any timing."""
        self._choice.begin()

    def settle(self, denoiser: LearnedDenoiser) -> None:
        """Choose by timing steps.

        Args:
            denoiser: The denoiser to be trained, with its precision set.
        """
        self._choice.settle(lambda most: quickest(Trial(denoiser, self._count), most))

    def note(self, run: Run, step: int) -> str:
        """Record in the run its number of threads at the start or on resuming.

        Args:
            run: The run.
            step: Steps done.

        Returns:
            A message if other programs limit the number of threads, else an empty string.
        """
        run.note_threads(step, self._choice.count)
        return f"{_OTHERS}: training begins with {_words(self._choice.count)}." if self._choice.crowded else ""

    def check(self, run: Run, step: int) -> str:
        """Choose again if it is time; record a change in the run.

        Args:
            run: The run.
            step: Steps done.

        Returns:
            A message if the number has changed, else an empty string.
        """
        before = self._choice.count
        if not self._choice.check():
            return ""
        count = self._choice.count
        run.note_threads(step, count)
        reason = _OTHERS if count < before else "The processor is free again"
        return f"{reason}: training goes on with {_words(count)}."


_OTHERS = "Another program uses the processor"


def _words(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"

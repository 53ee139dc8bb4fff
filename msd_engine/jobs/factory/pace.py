"""With how many threads a training job computes, and what is told and kept of that."""

from __future__ import annotations

import torch

from msd_engine.backend.threads import FixedThreads, ThreadChoice, fixed_threads, quickest, use_threads
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, UNetSpec
from msd_engine.training.trial import Trial

_DATA = 64


def threads_for(spec: ExperimentSpec, device: torch.device, threads: int) -> FixedThreads:
    """Return what chooses the number of threads of a training.

    A network of points computes with one: its steps are too short to be shared.

    Args:
        spec: The experiment.
        device: Where it is trained.
        threads: A number to be held fixed; 0 for what MSD_THREADS says, or a choice by measuring.

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
        """Begin with one thread, and to watch what others do.

        Args:
            spec: The experiment.
            device: Where it is trained.
            threads: A number to be held fixed; 0 for none.
        """
        self._count = min(_DATA, spec.training.batch)
        self._choice = threads_for(spec, device, threads)

    def begin(self) -> None:
        """Choose by the load, before anything is timed."""
        self._choice.begin()

    def settle(self, denoiser: LearnedDenoiser) -> None:
        """Choose by measuring, too.

        Args:
            denoiser: What will be trained, with its arithmetic chosen.
        """
        self._choice.settle(lambda most: quickest(Trial(denoiser, self._count), most))

    def note(self, run: Run, step: int) -> str:
        """Let a run keep with how many threads it begins or goes on.

        Args:
            run: The run.
            step: Steps done.

        Returns:
            A sentence where other programs leave less room than would be of use; else an empty text.
        """
        run.note_threads(step, self._choice.count)
        return f"{_OTHERS}: training begins with {_words(self._choice.count)}." if self._choice.crowded else ""

    def check(self, run: Run, step: int) -> str:
        """Choose anew where it is time; a run keeps the change.

        Args:
            run: The run.
            step: Steps done.

        Returns:
            A sentence where the number has changed; else an empty text.
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

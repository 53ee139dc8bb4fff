"""The seconds of a comparison of noises: how many steps, samples and chains fit in them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from msd_engine.specs.reproduction import NoisesSpec

LEAST_CHAINS = 144
"""Samples of each set for which trainings are shortened: more than the 128 features of the classifier of grey images,
and whole tiles of the network."""

_MOST_CHAINS, _TILE = 4096, 16
# Least share of the time for trainings, and the shares for features of real images, judgements and the page.
_LEAST_TRAINING, _REST = 0.25, 0.1
# Part of a training for its start, measurements and files, and for a machine that becomes slower, before the
# first has been timed whole: seeds with equal steps have narrower intervals; time that is left goes to long chains.
_OVERHEAD = 0.3
# Shorter trainings than the first one are worth another number of steps below this share of its steps.
_AS_GOOD = 0.85
# Chains get this share of what is left, and may end this share of the total after it.
_CHAINS, _SLACK = 0.92, 0.03


class Budget:
    """What fits in the seconds of a comparison, by the paces that were measured last.

    Args:
        asked: The comparison as asked.
        spent_s: Seconds of earlier sessions.

    Attributes:
        spent_s: Seconds spent.
        training_pace: Training steps per second, with all that belongs to a training.
        chains_pace: Evaluations of the network per second in chains, by the last measurement.
        judging_s: Seconds for the judgement of one set of samples.
    """

    def __init__(self, asked: NoisesSpec, spent_s: float) -> None:
        self.spent_s = spent_s
        self.training_pace = self.chains_pace = math.nan
        self.judging_s = 0.0
        self._slowest = math.inf
        self._asked = asked
        self._runs = 2 * len(asked.seeds)
        self._total_s = asked.seconds or math.inf

    def time_steps(self, steps: int, seconds: float) -> None:
        """Take the pace of bare training steps, before a whole training has been timed."""
        self.training_pace = (1 - _OVERHEAD) * steps / seconds

    def time_chains(self, evaluations: int, seconds: float) -> None:
        """Take the pace of chains."""
        self.chains_pace = evaluations / seconds
        self._slowest = min(self._slowest, self.chains_pace)

    def training_steps(self, steps: Sequence[int], trainings: int, before: int = 0) -> int:
        """Return the steps of each training.

        Args:
            steps: Numbers of steps of the chains. The longest, for which there is no time beside the least share of
                the trainings, shorten no training.
            trainings: Trainings that are not done.
            before: Steps of the earlier trainings, which are kept where they nearly fit; 0 for none.
        """
        share = trainings / self._runs
        steps = self._shortest(steps, self._total_s * (1 - _REST - _LEAST_TRAINING), self.chains_pace)
        left = self._total_s * (1 - _REST) - self.spent_s - share * self._least_s(steps, self.chains_pace)
        least = 0.0 if math.isinf(self._total_s) else self._total_s * _LEAST_TRAINING * share
        seconds = min(max(left, least), self._runs * self._asked.training_s * share)
        count = max(2, round(self.training_pace * seconds / trainings))
        return before if before and count >= _AS_GOOD * before else count

    def chains(self, steps: Sequence[int], trainings_s: float = 0.0) -> int:
        """Return the number of samples of each noise, seed and number of steps, for the slowest pace so far.

        Where there is no time for the least number of all lengths, the longest chains will not fit.

        Args:
            steps: Numbers of steps of the chains.
            trainings_s: Seconds of the trainings that are not done.
        """
        left = self._asked.sampling_s * self._runs
        if not math.isinf(self._total_s):
            left = _CHAINS * (self._total_s * (1 - _REST) - self.spent_s - trainings_s)
        count = int(self._slowest * left / (self._runs * sum(steps)))
        return min(max(count // _TILE * _TILE, LEAST_CHAINS), _MOST_CHAINS)

    def chains_s(self, steps: int, chains: int) -> float:
        """Return the seconds for the chains of both noises with one seed, and their judgement."""
        return 2 * (chains * steps / self.chains_pace + self.judging_s)

    def fits(self, seconds: float) -> bool:
        """Return whether there are so many seconds left; before any timing they are NaN, and fit."""
        return not self.spent_s + seconds > self._total_s * (1 + _SLACK)

    def _shortest(self, steps: Sequence[int], seconds: float, pace: float) -> list[int]:
        """Return the lengths, from the shortest on, of which the least samples have time; at least one."""
        found = sorted(steps)
        while len(found) > 1 and self._least_s(found, pace) > seconds:
            found.pop()
        return found

    def _least_s(self, steps: Sequence[int], pace: float) -> float:
        return self._runs * LEAST_CHAINS * sum(steps) / pace


def note(asked: NoisesSpec, trained: Collection[int], left_out: Collection[tuple[int, int]]) -> str:
    """Return what was trained, and which chains were left out for want of time.

    Args:
        asked: The comparison as asked.
        trained: Steps of the trainings.
        left_out: Steps and seeds of chains that are left out.
    """
    sentences = []
    if trained:
        low, high = min(trained), max(trained)
        words = f"{low:,} steps" if low == high else f"{low:,} to {high:,} steps, the same for both noises of a seed"
        sentences.append(f"Trained {words}.")
    missing = []
    for steps in asked.steps:
        seeds = [seed for each, seed in left_out if each == steps]
        if len(seeds) == len(asked.seeds):
            missing.append(f"{steps:,} steps")
        elif seeds:
            missing.append(f"{steps:,} steps with seed {' and '.join(map(str, seeds))}")
    if missing:
        sentences.append(f"Left out for want of time: chains of {', of '.join(missing)}.")
    return " ".join(sentences)

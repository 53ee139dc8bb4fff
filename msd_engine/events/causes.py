"""Events of the experiment on why chains die or miss the shares of the data, and the conclusion from its counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

import numpy as np

from msd_engine.events.base import Event

Cause = Literal["guidance", "conditioning", "steps", "drift", "start", "end", "jump", "network", "seed"]

Fault = Literal["deaths", "shares"]
"""What the experiment explains: dead chains, or shares of classes or modes that are not those of the data."""

MOST_CHANCE: Final = 0.05
"""A change has helped where its corrected p value is at most this."""

MOST_LEFTOVER: Final = 0.25
"""Levels have settled where s_T²/σ² is nearer to its limit than this."""

# A change of settings mends the chains; the exact score only shows that the network is at fault.
_SETTINGS: Final = ("guidance", "conditioning", "steps", "drift", "start", "end", "jump")
_WORDS: Final[Mapping[str, str]] = {
    "guidance": "It is the guidance",
    "conditioning": "It is the noise that the denoiser gets",
    "steps": "It is the number of steps: there are too few",
    "drift": "It is the number of steps: there are too many, in which chains drift to the network's own shares",
    "start": "It is the first noise: chains start inside the data",
    "end": "It is the last noise: the samples keep too much of it",
    "jump": "It is the noise of the mean copy: the last jump removes it",
    "network": "It is the network: no setting tried here helps, but the exact score does",
    "seed": "It is the seed: other random numbers do better",
}


@dataclass(frozen=True)
class Trial:
    """One sampling of the experiment: the settings with one change.

    Attributes:
        cause: What the change tests; empty for the settings as they are.
        title: The change in a few words, such as ``w = 1``.
        values: Changed fields by dotted path.
        survived: Number of surviving chains; for shares, the good ones by `Drift.good`.
        count: Number of chains.
        chance: Chance of doing so much better than the unchanged settings without any effect, by Fisher's exact test,
            corrected for the number of changes by Holm's method; NaN for the unchanged settings.
    """

    cause: Cause | Literal[""]
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    survived: int = 0
    count: int = 0
    chance: float = math.nan

    @property
    def helped(self) -> bool:
        """Whether the change did better than chance explains."""
        return self.chance <= MOST_CHANCE

    @property
    def words(self) -> str:
        """The change with its counts."""
        return f"{self.title}: {self.survived} of {self.count}"


@dataclass(frozen=True, eq=False)
class Explained(Event):
    """The experiment so far.

    Attributes:
        spec_json: The settings as JSON.
        trials: Finished samplings, the unchanged settings first; their chances are NaN until all are finished.
        planned: Number of samplings in all.
        fault: What is explained.
        subject: For shares, what the counts are; empty for deaths.
        drawn: Number of chains of each sampling, for an experiment that ended before the first change.
        leftover: Largest distance of s_T²/σ² from its limit over the levels, by theory; NaN without a theory.
    """

    keep: ClassVar[str] = "latest"
    spec_json: str
    trials: tuple[Trial, ...]
    planned: int
    leftover: float = math.nan
    fault: Fault = "deaths"
    subject: str = ""
    drawn: int = 0

    @property
    def complete(self) -> bool:
        """Whether all samplings are finished."""
        return len(self.trials) == self.planned

    @property
    def chains(self) -> int:
        """Number of chains of each sampling."""
        return self.trials[0].count if self.trials else self.drawn

    @property
    def unsettled(self) -> bool:
        """Whether the steps leave noise, from which the exact score still draws data and no network need."""
        return self.leftover > MOST_LEFTOVER

    @property
    def cause(self) -> Trial | None:
        """The change that names the cause; None if chance explains the counts, or before the end.

        Where another seed helps, the first seed was an exception. Else it is the setting whose change helped most, and
        the network only where no change of a setting helps and the steps leave no noise.
        """
        helped = {trial.cause: trial for trial in self.trials if trial.helped}
        if not self.complete or not helped:
            return None
        if "seed" in helped:
            return helped["seed"]
        settings = [helped[name] for name in _SETTINGS if name in helped]
        if settings:
            return max(settings, key=lambda trial: trial.survived / trial.count)
        return None if self.unsettled else helped["network"]

    @property
    def counts(self) -> str:
        """The counts of all finished samplings as text."""
        counts = "; ".join(trial.words for trial in self.trials)
        return f"{self.subject} {counts[:1].upper()}{counts[1:]}".strip()

    @property
    def text(self) -> str:
        """Counts and conclusion in sentences."""
        if not self.complete:
            return f"{self.counts} …" if self.trials else "Drawing chains …"
        if not self.planned:
            return self.subject
        cause = self.cause
        if cause is None and any(trial.helped for trial in self.trials):
            return (
                f"{self.counts}. The cause is unclear: the exact score draws data even from noise that these steps "
                "leave over. Let the levels settle first, by more or larger steps."
            )
        if cause is None:
            base = self.trials[0]
            return f"{self.counts}. The cause is unclear: no change does better than chance among {base.count}."
        return f"{self.counts}. {_WORDS[cause.cause]}."


@dataclass(frozen=True)
class Drift:
    """The class or mode with the most significant drift.

    Attributes:
        place: Its index.
        samples: Number of its samples.
        chance: Bound on the chance that any class deviates so far from its share of the data.
        share: Its share of the data.
        over: Whether it has too many samples.
    """

    place: int
    samples: int
    chance: float
    share: float = 0.0
    over: bool = False

    def good(self, samples: int, n: int) -> int:
        """Count n chains as good or bad by how many of them are in this class.

        Good are those outside of a class with too many samples, or inside of one with too few. A class that is as far
        off on the other side counts the same, so that no change helps by going too far.

        Args:
            samples: Number of chains in the class.
            n: Number of chains.
        """
        wanted = self.share * n
        off = abs(samples - wanted)
        return n - min(n, round(wanted + off)) if self.over else max(0, round(wanted - off))


def tail(count: int, n: int, share: float) -> float:
    """Compute twice the smaller tail of the binomial law of `n` samples at `count`, at most 1; `share` in (0, 1)."""
    log_factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
    j = np.arange(n + 1)
    law = np.exp(
        log_factorials[n] - log_factorials - log_factorials[::-1] + j * math.log(share) + (n - j) * math.log1p(-share)
    )
    return min(1.0, 2 * float(min(law[: count + 1].sum(), law[count:].sum())))


def furthest(shares: Sequence[float], true_shares: Sequence[float], n: int) -> Drift:
    """Find the class or mode whose share among n samples is least likely under the true shares."""
    known = [place for place, true in enumerate(true_shares) if 0 < true < 1]
    counts = {place: round(shares[place] * n) for place in known}
    chances = {place: tail(counts[place], n, true_shares[place]) for place in known}
    # Of two classes one is as unlikely as the other: the rarer is farther off its share.
    worst = min(known, key=lambda place: (float(f"{chances[place]:.6g}"), true_shares[place]), default=None)
    if worst is None:
        return Drift(0, 0, 1.0)
    share = true_shares[worst]
    chance = min(1.0, len(known) * chances[worst])
    return Drift(worst, counts[worst], chance, share, over=counts[worst] > share * n)

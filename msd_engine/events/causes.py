"""Events of the experiment on why chains died, and the conclusion from its counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from msd_engine.events.base import Event

Cause = Literal["guidance", "conditioning", "steps", "network", "seed"]

MOST_CHANCE: Final = 0.05
"""A change has helped where its corrected p value is at most this."""

MOST_LEFTOVER: Final = 0.25
"""Levels have settled where s_T²/σ² is nearer to its limit than this."""

# A change of settings mends the chains; the exact score only shows that the network is at fault.
_SETTINGS: Final = ("guidance", "conditioning", "steps")
_WORDS: Final[Mapping[str, str]] = {
    "guidance": "It is the guidance",
    "conditioning": "It is the noise that the denoiser is told",
    "steps": "It is the number of steps: there are too few",
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
        survived: Number of surviving chains.
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
        leftover: Largest distance of s_T²/σ² from its limit over the levels, by theory; NaN without a theory.
    """

    keep: ClassVar[str] = "latest"
    spec_json: str
    trials: tuple[Trial, ...]
    planned: int
    leftover: float = math.nan

    @property
    def complete(self) -> bool:
        """Whether all samplings are finished."""
        return len(self.trials) == self.planned

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
        return counts[:1].upper() + counts[1:]

    @property
    def text(self) -> str:
        """Counts and conclusion in sentences."""
        if not self.complete:
            return f"{self.counts} …" if self.trials else "Drawing chains …"
        cause = self.cause
        if cause is None and any(trial.helped for trial in self.trials):
            return (
                f"{self.counts}. The cause cannot be told: the exact score draws data even from noise that these steps "
                "leave over. Let the levels settle first, by more or larger steps."
            )
        if cause is None:
            base = self.trials[0]
            return f"{self.counts}. The cause cannot be told: no change does better than chance among {base.count}."
        return f"{self.counts}. {_WORDS[cause.cause]}."

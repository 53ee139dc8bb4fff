"""Which noise there is: one row for each forward process and each covariance, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Process = Literal["exploding"]
Covariance = Literal["isotropic"]


@dataclass(frozen=True)
class NoiseRow:
    """A kind of noise.

    Attributes:
        title: Its name for people.
        help: One sentence for the tooltip of the field, begun with a small letter, without a full stop.
        module: Its file in `msd_engine.noise.processes` or `msd_engine.noise.covariances`.
    """

    title: str
    help: str
    module: str


PROCESSES: Final[dict[Process, NoiseRow]] = {
    "exploding": NoiseRow("Variance exploding", "dx = sᵗ dw, which leaves the data as they are", "exploding"),
}
"""The row of each forward process, in the order of the list on the screen."""

COVARIANCES: Final[dict[Covariance, NoiseRow]] = {
    "isotropic": NoiseRow("Isotropic", "the same in every direction", "isotropic"),
}
"""The row of each covariance of the noise."""


def _check(words: Any, rows: Mapping[Any, NoiseRow]) -> None:
    if set(rows) != set(get_args(words)):
        raise TypeError(f"Every kind of noise has one row: {sorted(set(rows) ^ set(get_args(words)))} differ.")


_check(Process, PROCESSES)
_check(Covariance, COVARIANCES)


def noise_help(rows: Mapping[Any, NoiseRow]) -> str:
    """Return one sentence on each kind, in the order of the table."""
    return " ".join(f"{row.title}: {row.help}." for row in rows.values())

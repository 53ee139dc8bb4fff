"""Kinds of noise: one row for each forward process and each covariance, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Process = Literal["exploding", "ddpm", "cosine", "vp", "sub-vp"]
Covariance = Literal["isotropic", "power-law", "blur", "data", "ellipse"]
DataKind = Literal["mixture", "images"]


@dataclass(frozen=True)
class NoiseRow:
    """A kind of noise.

    Attributes:
        title: Display title.
        help: Sentence for the tooltip, in lower case, without a full stop.
        module: Module of `msd_engine.noise.processes` or `msd_engine.noise.covariances`.
        of: Kinds of data that alone can have it; empty for all.
        own: Its fields of `NoiseSpec`, which other covariances lack.
    """

    title: str
    help: str
    module: str
    of: tuple[DataKind, ...] = ()
    own: tuple[str, ...] = ()

    def suits(self, kind: str) -> bool:
        """Return whether data of a kind can have it."""
        return not self.of or kind in self.of


PROCESSES: Final[dict[Process, NoiseRow]] = {
    "exploding": NoiseRow("Variance exploding", "dx = sᵗ dw, without scaling the data", "exploding"),
    "ddpm": NoiseRow("DDPM, linear β", "variance preserving in 1000 steps, β from 10⁻⁴ to 0.02", "ddpm"),
    "cosine": NoiseRow("DDPM, cosine ᾱ", "variance preserving in 1000 steps, ᾱ as a squared cosine", "cosine"),
    "vp": NoiseRow("VP SDE", "dx = −½β x dt + √β dw with β from 0.1 to 20", "vp"),
    "sub-vp": NoiseRow("sub-VP SDE", "α of the VP SDE, less noise in between: σ = 1 − α²", "sub_vp"),
}
"""Rows of the forward processes, in the order of the list on the screen."""

COVARIANCES: Final[dict[Covariance, NoiseRow]] = {
    "isotropic": NoiseRow("Isotropic", "the same in every direction", "isotropic"),
    "power-law": NoiseRow(
        "Power law",
        "pictures filtered by |κ|^(−γ): blue noise for γ < 0, the Gaussian free field for γ = 1",
        "power_law",
        ("images",),
        ("gamma",),
    ),
    "blur": NoiseRow("Blur", "white pictures blurred by a Gaussian of width ℓ", "blur", ("images",), ("blur",)),
    "data": NoiseRow("As the data", "pictures with the average spectrum of the data", "measured", ("images",)),
    "ellipse": NoiseRow(
        "Ellipse", "in the plane, longer in one direction", "ellipse", ("mixture",), ("elongation", "angle")
    ),
}
"""Rows of the covariances."""


def _check(words: Any, rows: Mapping[Any, NoiseRow]) -> None:
    if set(rows) != set(get_args(words)):
        raise TypeError(f"Every kind of noise has one row: {sorted(set(rows) ^ set(get_args(words)))} differ.")


_check(Process, PROCESSES)
_check(Covariance, COVARIANCES)


_DATA_TITLES: Final[dict[DataKind, str]] = {"mixture": "points in the plane", "images": "pictures"}


def unsuitable(kind: DataKind) -> dict[Covariance, str]:
    """Return the covariances that data of a kind cannot have, each with one sentence why."""
    return {
        word: f"This noise is for {' or '.join(_DATA_TITLES[one] for one in row.of)}."
        for word, row in COVARIANCES.items()
        if not row.suits(kind)
    }


def noise_help(rows: Mapping[Any, NoiseRow]) -> str:
    """Return one sentence on each kind, in table order."""
    return " ".join(f"{row.title}: {row.help}." for row in rows.values())

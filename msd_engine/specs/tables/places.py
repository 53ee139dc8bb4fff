"""Places for the commands of a comparison: a row for each kind, without the libraries that it needs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from msd_engine.specs.base import SpecError

_MOST_CARDS = 1024


@dataclass(frozen=True)
class PlaceRow:
    """A kind of place; its name, a colon and its detail make the text of ``--on``.

    Attributes:
        detail: Name of the detail.
        module: Library that it needs, from the extra of the same name as the kind; empty for none.
        program: Command that it needs; empty for none.
        cards: Whether graphics cards can be asked of it.
        shares: Whether several runs may share a card.
    """

    detail: str
    module: str = ""
    program: str = ""
    cards: bool = True
    shares: bool = False


PLACES: Final[dict[str, PlaceRow]] = {
    "local": PlaceRow("workers", cards=False),
    "ray": PlaceRow("address", "ray", shares=True),
    "slurm": PlaceRow("partition", "submitit", "sbatch"),
}


def why_not(kind: str) -> str:
    """Return why no command can run at this kind of place, in one sentence; empty if it can.

    The library is looked up and not imported.
    """
    row = PLACES[kind]
    if row.module and find_spec(row.module) is None:
        return f"{row.module} is not installed: pip install 'msd-gui[{kind}]' brings it."
    if row.program and shutil.which(row.program) is None:
        return f"There is no {kind.title()} here (its command {row.program} is missing): log in to a node that has it."
    return ""


def cards_of(text: str, on: str) -> float | None:
    """Read the number of graphics cards of each run.

    Args:
        text: The number; empty if none is given.
        on: The place, as of `msd_engine.launchers.choice.engine_of`; empty for one run after the other.

    Returns:
        The number; None if none is given.

    Raises:
        SpecError: It is no number that the place can give.
    """
    if not text.strip():
        return None
    try:
        cards = float(text)
    except ValueError:
        cards = -1.0
    if not 0 <= cards <= _MOST_CARDS or (cards > 1 and cards != int(cards)):
        sentence = f"Cards of each run: give a whole number or a fraction below 1, such as 0.5, not {text!r}."
        raise SpecError("gpus", sentence)
    check_cards(cards, on)
    return cards


def check_cards(cards: float, on: str) -> None:
    """Check that a place can give each run so many graphics cards.

    Raises:
        SpecError: It cannot.
    """
    row = PLACES.get(on.partition(":")[0])
    if row is None or not row.cards:
        raise SpecError("gpus", "Cards of each run are for Ray and Slurm; the runs of this computer share its cards.")
    if cards != int(cards) and not row.shares:
        raise SpecError("gpus", f"Slurm gives whole cards: ask for 1 for each run, not for {cards:g}.")

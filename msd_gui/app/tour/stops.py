"""The stops of the guided tour, read from the help."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Stop:
    """One stop.

    Attributes:
        page: Name of its page.
        target: Object name of the widget to use; ``action.NAME`` is the button of an action.
        title: A few words.
        do: One thing to do.
        shows: What it shows, once it is done.
    """

    page: str
    target: str
    title: str
    do: str
    shows: str


@dataclass(frozen=True)
class Words:
    """All words of the tour.

    Attributes:
        offer: The question at the first launch.
        end: The words after the last stop.
        stops: The stops in their order.
    """

    offer: str
    end: str
    stops: tuple[Stop, ...]


@cache
def tour_words() -> Words:
    """Read the words of the tour."""
    found = json.loads((files("msd_resources") / "help" / "tour.json").read_text(encoding="utf-8"))
    return Words(found["offer"], found["end"], tuple(Stop(**stop) for stop in found["stops"]))

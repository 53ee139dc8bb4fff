"""The fields of the plane that were computed lately, so that playing to and fro over the ladder computes each once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from msd_engine.events import Event, FieldFrame
from msd_engine.specs import Live
from msd_gui.bridge.launch import Bounds, Cadence, Job


@dataclass(frozen=True)
class FieldKey:
    """All that a field depends on.

    Attributes:
        data: The data spec as JSON.
        k: Number of copies.
        sigma: Noise of one copy.
        bounds: Part of the plane.
        weights: Which weights gave the trained score, such as the run and its step; empty for none.
    """

    data: str
    k: int
    sigma: float
    bounds: Bounds
    weights: str = ""


@dataclass(frozen=True, eq=False)
class KeyedField(Event):
    """A field together with what was asked, so that a late answer is never taken for another question's."""

    keep: ClassVar[str] = "latest"
    key: FieldKey
    frame: FieldFrame


def keyed(key: FieldKey, job: Job) -> Job:
    """Return a job that tells a `KeyedField` in the place of every `FieldFrame`."""

    def run(cadence: Cadence, live: Live) -> Iterator[Event]:
        for event in job(cadence, live):
            yield KeyedField(key, event) if isinstance(event, FieldFrame) else event

    return run


class FieldCache:
    """The newest fields by what they depend on."""

    def __init__(self, most: int = 48) -> None:
        self._most = most
        self._frames: OrderedDict[FieldKey, FieldFrame] = OrderedDict()

    def get(self, key: FieldKey) -> FieldFrame | None:
        """Return a field that is known."""
        frame = self._frames.get(key)
        if frame is not None:
            self._frames.move_to_end(key)
        return frame

    def put(self, key: FieldKey, frame: FieldFrame) -> None:
        """Keep a field, forgetting the one that was not needed for the longest time."""
        self._frames[key] = frame
        while len(self._frames) > self._most:
            self._frames.popitem(last=False)

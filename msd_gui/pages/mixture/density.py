"""Density and scores of the plane: requested when target, noise or view change, each computed once."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.events import Event, FieldFrame
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import Cadence
from msd_gui.bridge.engine import Bounds, Engine, Job
from msd_gui.pages.base.page import GRACE_MS
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.session.networks import Network
from msd_gui.views.plane.plane import PlaneView

FIELDS_PER_E = 16


@dataclass(frozen=True)
class FieldKey:
    """All that a field depends on.

    Attributes:
        data: The data spec as JSON.
        k: Number of copies.
        sigma: Noise of one copy.
        bounds: Part of the plane.
        network: What gave the trained score, with the step of its weights; None without.
    """

    data: str
    k: int
    sigma: float
    bounds: Bounds
    network: Network | None = None


@dataclass(frozen=True, eq=False)
class KeyedField(Event):
    """A field with its request, so that a late answer is not taken for that of another request."""

    keep: ClassVar[str] = "latest"
    key: FieldKey
    frame: FieldFrame


def keyed(key: FieldKey, job: Job) -> Job:
    """Return a job that emits a `KeyedField` in place of every `FieldFrame`."""

    def run(cadence: Cadence, live: Live) -> Iterator[Event]:
        for event in job(cadence, live):
            yield KeyedField(key, event) if isinstance(event, FieldFrame) else event

    return run


def background(field: FieldFrame) -> dict[str, Any]:
    """Return the parts of a `Plane` that a field gives."""
    return {
        "log_density": field.log_density,
        "density_bounds": field.bounds,
        "data": field.data,
        "modes": field.means,
        "at": field.points,
        "exact": field.exact_score,
        "learned": field.trained_score,
    }


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


class FieldPainter(QObject):
    """Keeps the density and the score arrows of the plane in step with target, noise, view and weights.

    Attributes:
        framed: Emitted with the data spec as JSON and draws of the data, when another target is shown.
        hold_frame: Whether the view stays where it is for another target, because a hand changes it.
    """

    framed = Signal(str, object)

    def __init__(self, page: ResolvedPage, engine: Engine, plane: PlaneView) -> None:
        """Ask for nothing yet.

        Args:
            page: Says which network gives the trained score; owner of the runner; shows failures.
            engine: Makes the jobs.
            plane: Shows the fields.
        """
        super().__init__(page)
        self._page = page
        self._engine = engine
        self._plane = plane
        self._runner = page.runner(self._on_event)
        self._cache = FieldCache()
        self._requested: FieldKey | None = None
        self._framed = ""
        self.hold_frame = False

    def ask(self, spec: ExperimentSpec, sigma: float) -> None:
        """Show the field of a spec at one noise, as soon as it is known.

        Args:
            spec: The experiment.
            sigma: Noise of one copy.
        """
        key = self._key(spec, sigma, self._plane.bounds())
        if key == self._requested:
            return
        self._requested = key
        known = self._cache.get(key)
        if known is not None:
            self._show(key, known)
            return
        field = self._engine.field(spec, key.sigma, key.bounds, self._run_of(key))
        self._runner.submit(keyed(key, field), grace_ms=GRACE_MS)

    def wanted(self, spec: ExperimentSpec, sigma: float, bounds: Bounds) -> tuple[FieldKey, Job]:
        """Return what the field of a spec at one noise depends on, and the job that computes it, for a file."""
        key = self._key(spec, sigma, bounds)
        return key, self._engine.field(spec, key.sigma, bounds, self._run_of(key))

    def _key(self, spec: ExperimentSpec, sigma: float, bounds: Bounds) -> FieldKey:
        if spec.sampling.glides:
            # The noise falls at every step: a density for each of them would hardly differ from its neighbours'.
            sigma = math.exp(round(math.log(sigma) * FIELDS_PER_E) / FIELDS_PER_E)
        return FieldKey(spec.data.model_dump_json(), spec.training.k, sigma, bounds, self._network(spec))

    def _network(self, spec: ExperimentSpec) -> Network | None:
        network = self._page.resolved.network
        return network if network is not None and network.fits(spec) else None

    def _run_of(self, key: FieldKey) -> Path | None:
        return key.network.folder if key.network is not None else None

    @Slot(object)
    def _on_event(self, event: Event) -> None:
        if isinstance(event, KeyedField):
            self._cache.put(event.key, event.frame)
            self._show(event.key, event.frame)

    def _show(self, key: FieldKey, field: FieldFrame) -> None:
        self._plane.show_plane(**background(field))
        if key.data != self._framed:
            # Another target: only then does the frame move by itself.
            self._framed = key.data
            if not self.hold_frame:
                self._plane.frame()
            self.framed.emit(key.data, field.data)

"""The row of x̂ below the picture: as the number of copies grows, by networks and exactly."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLabel, QWidget

from msd_engine.events import Estimate, Event, Failed, GrowingCopies, Notice
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base import layout
from msd_gui.pages.base.page import GRACE_MS
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.session.networks import Networks
from msd_gui.theme.tips import wrapped
from msd_gui.views.base.rich import SIGMA_EFF
from msd_gui.views.images.tiles import Tile, TilesView
from msd_gui.widgets.controls.numbers import number

KS = (1, 2, 4, 8)
_ROW_PX = 104
_HELP = (
    "x̂ of the first k copies as k grows, at the same noise σ of one copy; below each its σ_eff = σ/√k. Click on one to "
    "take its k."
)


class GrowingRow(QWidget):
    """Two rows of estimates, side by side: those of networks, and the exact ones.

    Attributes:
        chosen: Emitted with the chosen k and the word for its source, ``trained`` or ``exact``.
    """

    chosen = Signal(int, str)

    def __init__(self, page: ResolvedPage, engine: Engine) -> None:
        super().__init__(page)
        self._page, self._engine = page, engine
        self._runner = page.runner(self._show, apart=(Failed, Notice))
        self._watched = False
        self._waiting: ExperimentSpec | None = None
        self.estimates: tuple[Estimate, ...] = ()
        self.views: dict[str, TilesView] = {}
        self._parts: dict[str, QWidget] = {}
        for source, words in (("trained", "By a network"), ("exact", "Exact")):
            view = TilesView(f"x̂ as k grows: {words.lower()}")
            view.setFixedHeight(_ROW_PX)
            view.setToolTip(wrapped(_HELP))
            view.chosen.connect(lambda place, source=source: self._on_chosen(place, source))
            label = QLabel(f"{words}: k, x̂, {SIGMA_EFF}")
            label.setProperty("role", "muted")
            part = layout.stacked(label, view)
            part.hide()
            self.views[source], self._parts[source] = view, part
        layout.fill_row(self, *self._parts.values())
        self._runner.running_changed.connect(self._show_parts)

    def set_watched(self, watched: bool) -> None:
        """Set whether the page is visible; a hidden page reads no image set for its rows."""
        self._watched = watched
        if watched and self._waiting is not None:
            self.request(self._waiting)

    def request(self, spec: ExperimentSpec) -> None:
        """Denoise the picture of a spec by 1, 2, 4 and 8 copies, and by the networks that serve them."""
        self._waiting = None if self._watched else spec
        if not self._watched:
            return
        job = self._engine.growing_copies(spec, KS, serving(self._page.networks, spec))
        self._runner.submit(job, grace_ms=GRACE_MS)

    def show_chosen(self, spec: ExperimentSpec) -> None:
        """Mark the estimate of the present settings."""
        for source, view in self.views.items():
            here = source == spec.sampling.source
            view.set_tiles([_tile(one, here and one.k == spec.training.k) for one in self._of(source)])

    def _of(self, source: str) -> list[Estimate]:
        return [one for one in self.estimates if one.exact == (source == "exact")]

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case GrowingCopies():
                waits = ExperimentSpec.from_json(event.spec_json).data == self._page.experiment.spec.data
                exact = any(one.exact for one in event.estimates)
                # The exact estimates of a moment ago stay until the next ones are there.
                kept = () if exact or not waits else tuple(self._of("exact"))
                self.estimates = (*event.estimates, *kept)
                self.show_chosen(self._page.experiment.spec)
            case Failed():
                # The picture itself reports the same failure.
                self.estimates = ()
                self.show_chosen(self._page.experiment.spec)
        self._show_parts()

    @Slot()
    def _show_parts(self) -> None:
        """Show the rows that have estimates, and an empty one as long as its estimates may come."""
        for source, part in self._parts.items():
            coming = source == "exact" and self._runner.running and bool(self.estimates)
            part.setVisible(coming or bool(self._of(source)))

    def _on_chosen(self, place: int, source: str) -> None:
        self.chosen.emit(self._of(source)[place].k, source)


def serving(networks: Networks, spec: ExperimentSpec) -> tuple[tuple[int, Path], ...]:
    """List for each k of the row the network that serves it, by its folder; none where none does."""
    found = []
    for k in KS:
        # With the exact score a network is chosen only if it takes this k.
        network = networks.network(spec.replace_all({"training.k": k, "sampling.source": "exact"}))
        if network is not None:
            found.append((k, network.folder))
    return tuple(found)


def _tile(one: Estimate, marked: bool) -> Tile:
    return Tile(f"k = {one.k}", one.x_hat, number(one.sigma_eff), marked=marked)

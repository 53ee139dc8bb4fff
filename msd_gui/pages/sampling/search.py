"""The button that searches for a good chain of the network in use, and the search behind it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QPushButton

from msd_engine.events import (
    Event,
    Failed,
    Finished,
    Progress,
    TuneCost,
    TuneGrid,
    TuneReport,
    TuneRow,
    TuneTable,
)
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.search.tune import TuneSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import GRACE_MS
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.sampling.search_dialog import SearchDialog
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.panels.spec_form import SpecForm

FIND = "Find a good chain…"
_FINDING = "Finding a good chain…"
_HELP = (
    "Search for the sampler, ladder, step and guidance that draw the best samples from this network within a number of "
    "evaluations."
)
_OTHER = "The settings belong to another network by now."


class ChainSearch(QObject):
    """A search in a thread of its own, at low priority; its window may be closed meanwhile."""

    def __init__(self, page: ResolvedPage, engine: Engine, form: SpecForm) -> None:
        """Add the button to a group of controls.

        Args:
            page: Owner of the runners; knows the network in use.
            engine: Makes the jobs.
            form: The page's controls.
        """
        super().__init__(page)
        self._page, self._engine = page, engine
        self.dialog: SearchDialog | None = None
        self._searched: tuple[ExperimentSpec, Path] | None = None
        self._runner = page.runner(self._show, patient=True)
        self._coster = page.runner(self._show_cost)
        self.button = QPushButton(FIND)
        self.button.setObjectName("sampling.search")
        self.button.clicked.connect(self.open)
        form.add_below("sampling.steps_per_level", self.button, self.button)
        self._runner.running_changed.connect(self.update_button)
        page.actions_changed.connect(self.update_button)

    def _source(self) -> tuple[ExperimentSpec, Path] | None:
        """Return the settings with the folder of the network in use; None without a network."""
        now = self._page.resolved
        return None if now.run is None else (now.spec, now.run)

    def _why_not(self) -> str:
        """Return why no search can start, in one sentence; empty if it can."""
        now = self._page.resolved
        if now.exact:
            return "The exact score has no network: choose a trained one as the source of the score."
        if now.run is None:
            return "Needs a network: train one first."
        if now.learning:
            return "The network is in training: search when it has ended."
        return "" if self._engine.ready else "The engine is being loaded."

    @Slot()
    def update_button(self) -> None:
        """Set the texts of the button, and tell the window what is allowed."""
        why_not, running = self._why_not(), self._runner.running
        self.button.setText(_FINDING if running else FIND)
        self.button.setEnabled(running or not why_not or self.dialog is not None)
        self.button.setToolTip(wrapped(why_not or _HELP))
        if self.dialog is not None:
            self.dialog.show_running(running=running)
            self.dialog.set_why_not(why_not, "" if self._fits() else _OTHER)

    def _fits(self) -> bool:
        """Check whether the searched network is still the one in use."""
        source, searched = self._source(), self._searched
        if source is None or searched is None:
            return searched is None
        same = all(source[0].get(path) == searched[0].get(path) for path in ("data.name", "training.k"))
        return same and source[1] == searched[1]

    @Slot()
    def open(self) -> None:
        """Open the window, or bring it to the front."""
        if self.dialog is None:
            self.dialog = SearchDialog(self._page.window())
            self.dialog.toggled.connect(self._toggle)
            self.dialog.planned.connect(self._predict)
            self.dialog.used.connect(self._use)
            self.update_button()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()
        self._predict()

    def _spec(self) -> tuple[TuneSpec, Path] | None:
        """Return the search that the window plans; None without a network or a window."""
        source = self._source()
        if source is None or self.dialog is None:
            return None
        return TuneSpec.from_fields({"base": source[0].model_dump(), **self.dialog.values()}), source[1]

    @Slot()
    def _predict(self) -> None:
        """Predict the time of the planned search."""
        planned = self._spec()
        if planned is not None and self.dialog is not None and not self._runner.running and not self._why_not():
            self.dialog.show_cost(None)
            self._coster.submit(self._engine.tune_cost(*planned), grace_ms=GRACE_MS)

    @Slot()
    def _toggle(self) -> None:
        """Stop, or search with the present settings."""
        if self._runner.running:
            self._runner.stop()
            return
        planned = self._spec()
        if planned is None or self.dialog is None or self._why_not():
            return
        self.dialog.clear()
        self.dialog.status.setText("Preparing …")
        self._searched = (planned[0].base, planned[1])
        self._runner.submit(self._engine.tune(*planned))

    # -- events --------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, event: Event) -> None:
        dialog = self.dialog
        if dialog is None:
            return
        match event:
            case TuneTable():
                dialog.show_table(event)
            case TuneGrid():
                dialog.show_grid(event)
            case TuneReport():
                dialog.show_report(event)
            case Progress():
                dialog.show_progress(event)
            case Finished():
                dialog.status.setText(event.text)
            case Failed():
                dialog.status.setText(event.text)

    @Slot(object)
    def _show_cost(self, event: Event) -> None:
        if isinstance(event, TuneCost) and self.dialog is not None:
            self.dialog.show_cost(event)

    @Slot(object)
    def _use(self, row: TuneRow) -> None:
        """Use a chain on the page, as one step that can be undone; number and seed of the chains stay."""
        if self._searched is None or not self._fits():
            return
        now = self._page.experiment.spec
        found = self._searched[0].replace_all({"sampling.source": "trained", **row.values}).sampling
        kept = {"chains": now.sampling.chains, "seed": now.sampling.seed}
        self._page.experiment.set(now.replace("sampling", found.replace_all(kept)))

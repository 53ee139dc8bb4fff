"""What the scores page shows: three panels, curves of the error, the table and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QLabel, QWidget

from msd_engine.events import ScoreCurves, ScoreFields, ScoreTable, ScoreTruth
from msd_engine.events.plots import OWN_COLOURS, Axis, Curve, Curves, Key, order_colours
from msd_engine.events.scores.copies import CHANGES, CopiesTested
from msd_engine.events.scores.panels import score_panels
from msd_engine.events.scores.table import PLACE_WORDS, PLACES
from msd_engine.specs.scores.contenders import CONTENDERS
from msd_gui.pages.base import layout
from msd_gui.pages.scores.table import ScoresTable
from msd_gui.views.base.rich import indexed
from msd_gui.views.curves.curves import STEPS, CurvesView
from msd_gui.views.plane.field import FieldView

_ERROR = Axis("error of the score / its size", log=True)
_EMPTY = Curves("Error of the learned scores", STEPS, _ERROR)
_MOVED = Curves("Change of x̂ with the copies", STEPS, Axis("change of x̂ / σ_eff"))
_EXACT, _CHANGE = "exact", "change of x̂, copies"
_STYLES = {"arrows": "as arrows", "map": "as a map"}
_PANELS = ("Exact", "Learned", "Difference")


class ScoresShown(QWidget):
    """The views of a comparison.

    Attributes:
        chosen: Emitted after the user has chosen another objective or another style.
        truth: The exact side; None before the first comparison.
        table_event: The latest table; None before the first.
    """

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.truth: ScoreTruth | None = None
        self.table_event: ScoreTable | None = None
        self._fields: ScoreFields | None = None
        self._curves: ScoreCurves | None = None
        self._copies: CopiesTested | None = None
        self.panels = {name: FieldView(f"{name} score") for name in _PANELS}
        self.objective = _choice("scores.shown", "Objective in the panels")
        self.objective.currentIndexChanged.connect(self._draw_fields)
        self.objective.currentIndexChanged.connect(self._draw_curves)
        self.objective.hide()
        self.style_box = _choice("scores.style", "How scores are drawn")
        for name, words in _STYLES.items():
            self.style_box.addItem(words, name)
        self.style_box.currentIndexChanged.connect(self._draw_fields)
        self.place = _choice("scores.place", "Where the error is measured")
        for name in PLACES:
            self.place.addItem(PLACE_WORDS[name], name)
        self.place.currentIndexChanged.connect(self._draw_curves)
        self.moment = QLabel()
        self.moment.setProperty("role", "muted")
        self.curves = CurvesView(_EMPTY)
        self.table = ScoresTable()
        self.table.contender_chosen.connect(self._choose)
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.verdict.hide()
        self._build()

    def _build(self) -> None:
        top = layout.row(layout.heading("Scores of"), self.objective, self.style_box, self.moment, stretch=(0, 0, 0, 1))
        panels = QWidget()
        layout.fill_row(panels, *self.panels.values())
        self.placeholder = layout.with_placeholder(
            panels, "The exact score, the learned one and their difference will be drawn here, live.", "Start"
        )
        middle = layout.row(layout.heading("Error"), self.place, QWidget(), stretch=(0, 0, 1))
        below = layout.row(self.curves, self.table, stretch=(2, 3))
        whole = layout.column(top, self.placeholder, middle, below, self.verdict, stretch=(0, 5, 0, 4, 0))
        layout.fill_row(self, whole)

    # -- events --------------------------------------------------------------------------------------------------------

    def begin(self, contenders: tuple[str, ...]) -> None:
        """Clear everything for a new comparison."""
        self.truth, self._fields, self._curves, self.table_event, self._copies = None, None, None, None, None
        self._offer_changes(offered=False)
        before = self.objective.currentData()
        self.objective.blockSignals(True)
        self.objective.clear()
        for name in contenders:
            self.objective.addItem(CONTENDERS[name].title, name)  # type: ignore[index]
        self.objective.setCurrentIndex(max(0, self.objective.findData(before)))
        self.objective.setVisible(True)
        self.objective.blockSignals(False)
        self.moment.setText("")
        self.verdict.hide()
        self.table.set_rows(())
        self._draw_curves()

    def show_truth(self, event: ScoreTruth) -> None:
        """Show the exact score."""
        self.truth = event
        self.placeholder.set_ready(True)
        self._draw_fields()

    def show_fields(self, event: ScoreFields) -> None:
        """Show the learned scores of a step."""
        self._fields = event
        self._draw_fields()

    def show_curves(self, event: ScoreCurves) -> None:
        """Show the errors so far."""
        self._curves = event
        self._draw_curves()

    def show_copies(self, event: CopiesTested) -> None:
        """Offer the changes of x̂ with the copies, and show them where they are chosen."""
        if self._copies is None:
            self._offer_changes(offered=True)
        self._copies = event
        self._draw_curves()

    def _offer_changes(self, *, offered: bool) -> None:
        for name in CHANGES:
            at = self.place.findData(name)
            if offered and at < 0:
                self.place.addItem(f"{_CHANGE} {name}", name)
            elif not offered and at >= 0:
                self.place.removeItem(at)

    def show_table(self, event: ScoreTable) -> None:
        """Show the table and the verdict."""
        self.table_event = event
        self.table.set_rows(event.rows)
        self.verdict.setText(indexed(event.text))
        self.verdict.setVisible(bool(event.text))

    @property
    def tests_copies(self) -> bool:
        """Whether a change of x̂ with the copies is chosen, and not an error."""
        return self.place.currentData() in CHANGES

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return the curves as columns for a CSV file, with shape (n,)."""
        event, number = self._measured()
        if event is None:
            return {}
        columns = {"step": event.steps.astype(np.float64)}
        for row, name in enumerate(event.contenders):
            ends = {"": event.mean, ", low": event.low, ", high": event.high}
            columns |= {f"{CONTENDERS[name].title}{end}": values[row, number] for end, values in ends.items()}  # type: ignore[index]
        exact = {} if isinstance(event, ScoreCurves) else {_EXACT: np.full(len(event.steps), event.exact[number])}
        return columns | exact

    def _measured(self) -> tuple[ScoreCurves | CopiesTested | None, int]:
        """Return the chosen measurements, and the number of their place or change."""
        chosen = self.place.currentData()
        return (self._copies, CHANGES.index(chosen)) if self.tests_copies else (self._curves, PLACES.index(chosen))

    # -- drawing -------------------------------------------------------------------------------------------------------

    @Slot(str)
    def _choose(self, contender: str) -> None:
        self.objective.setCurrentIndex(self.objective.findData(contender))

    @Slot()
    def _draw_fields(self) -> None:
        truth, fields = self.truth, self._fields
        if truth is None:
            return
        name = self.objective.currentData()
        known = fields is not None and name in fields.contenders
        learned = fields.scores[fields.contenders.index(name)] if fields is not None and known else None
        title = CONTENDERS[name].title if name else ""
        plots = score_panels(truth, learned, title, self.style_box.currentData())
        for panel, plot in zip(self.panels.values(), plots, strict=True):
            panel.set_plot(plot)
        self.moment.setText(f"seed {fields.seed}, step {fields.step:,}" if fields is not None else "")
        self.chosen.emit()

    @Slot()
    def _draw_curves(self) -> None:
        (event, number), shown = self._measured(), self.objective.currentData()
        empty = _MOVED if self.tests_copies else _EMPTY
        if event is None:
            self.curves.set_plot(empty)
            return
        colours = _colours(event.contenders)
        curves = [
            Curve(
                CONTENDERS[name].title,  # type: ignore[index]
                event.steps.astype(np.float64),
                event.mean[row, number],
                colours[name],
                "dash" if CONTENDERS[name].uses_exact else "line",  # type: ignore[index]
                # Bands of all objectives would hide each other.
                event.low[row, number] if name == shown else None,
                event.high[row, number] if name == shown else None,
                spread="band",
            )
            for row, name in enumerate(event.contenders)
        ]
        if isinstance(event, CopiesTested):
            level = np.full(len(event.steps), event.exact[number])
            curves.append(Curve(_EXACT, event.steps.astype(np.float64), level, "text", "dotted"))
        # Bands are opaque: the only one lies at the back.
        curves.sort(key=lambda curve: curve.low is None)
        keys = tuple(Key(curve.style, curve.colour, curve.words) for curve in curves)
        order = {CONTENDERS[name].title: row for row, name in enumerate(event.contenders)}  # type: ignore[index]
        legend = tuple(sorted(keys, key=lambda key: order.get(key.words, len(order))))
        self.curves.set_plot(replace(empty, curves=tuple(curves), legend=legend))


def _colours(contenders: Sequence[str]) -> dict[str, str]:
    """Return a colour for each contender: colours of their own for the first, ordered ones for the rest."""
    more = order_colours(range(OWN_COLOURS, len(contenders)))
    return {name: more.get(place, f"own {place + 1}") for place, name in enumerate(contenders)}


def _choice(name: str, title: str) -> QComboBox:
    box = QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(title)
    box.setToolTip(title)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return box

"""The column beside the list of runs: the curves of the chosen ones over each other, and all about a single one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from msd_engine.events import HeldOutCurve, RunRow
from msd_gui.pages import frame
from msd_gui.pages.comparisons import Comparison
from msd_gui.pages.runs_details import RunFigures, RunWords
from msd_gui.views.overlay import MOST_CURVES, Curve, OverlayView
from msd_gui.widgets.card import Card

_PLOT_PX, _MANY_PX = 280, 480


class ChosenRuns(QWidget):
    """Curves, figures and words of the chosen runs.

    Attributes:
        curves_asked: Emitted with the paths of the runs whose curves are to be read.
    """

    curves_asked = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self._curves: dict[str, HeldOutCurve] = {}
        self._asked: tuple[RunRow, ...] = ()
        self.overlay = OverlayView()
        self.place = frame.awaiting(
            self.overlay, f"Choose up to {MOST_CURVES} runs: their held-out errors are drawn here.", height_px=_PLOT_PX
        )
        self.seconds = QCheckBox("Over time")
        self.seconds.setToolTip("Draw the errors against seconds of training in the place of steps.")
        self.seconds.toggled.connect(lambda on: self.overlay.set_x("seconds" if on else "steps"))
        self.title, self.words, self.figures = frame.heading("Chosen run"), RunWords(), RunFigures()
        self.card = Card("error", "", "", dismissible=False)
        self._single = QWidget()
        single = QVBoxLayout(self._single)
        single.setContentsMargins(0, 6, 0, 0)
        parts: tuple[QWidget, ...] = (self.title, self.card, self.words, self.figures)
        for part in parts:
            single.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        for widget in (frame.heading("Held-out error"), self.place, self.seconds, self._single):
            column.addWidget(widget)
        column.addStretch(1)

    def show_runs(self, lines: Sequence[RunRow], rows: Sequence[RunRow]) -> None:
        """Show what is chosen.

        Args:
            lines: The chosen lines, runs and comparisons.
            rows: The runs that they stand for.
        """
        one = lines[0] if len(lines) == 1 else None
        whole = isinstance(one, Comparison)
        self.title.setText("Chosen comparison" if whole else "Chosen run")
        self.words.show_run(one)
        self.figures.show_run(one)
        self._single.setVisible(one is not None)
        self.place.set_height(_MANY_PX if len(rows) > 1 else _PLOT_PX)
        problem = one.problem if one is not None else ""
        self.card.setVisible(bool(problem))
        self.card.set_message("error", "Damaged", problem, "")
        # Of a comparison with many runs the first ones, which compare all k with one seed.
        asked = tuple((sorted(rows, key=lambda row: row.created) if whole else rows)[:MOST_CURVES])
        if asked != self._asked:
            self._asked = asked
            self._show_curves()
            self.curves_asked.emit([row.path for row in asked if row.spec_json])

    def concerns(self, paths: set[str]) -> bool:
        """Return whether any of some runs is shown here."""
        return any(row.path in paths for row in self._asked)

    def take(self, curve: HeldOutCurve) -> None:
        """Take the curve of a run."""
        self._curves[curve.path] = curve
        self._show_curves()

    def spec_json(self) -> str:
        """Return the spec of the first of the chosen runs as JSON."""
        return self._asked[0].spec_json if self._asked else ""

    def _show_curves(self) -> None:
        found = [(row.name, self._curves.get(row.path)) for row in self._asked]
        self.overlay.set_curves(
            [Curve(name, c.steps, c.elapsed_s, c.loss) for name, c in found if c is not None and len(c.steps)]
        )
        self.place.set_ready(bool(self.overlay.curves()))

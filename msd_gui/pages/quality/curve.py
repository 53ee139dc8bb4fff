"""The curve of quality against network evaluations: at which points it is measured, and how it is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from msd_engine.events import Quality
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.base import layout
from msd_gui.pages.base.exports import plot_exports
from msd_gui.pages.base.page import Export, Page
from msd_gui.views.curves.quality import CurvePoint, QualityCurveView

CURVE_PX = 210
STEPS = (1, 2, 5, 10, 20)
LONGEST = 2.0
# Figures that are distances, and positive but for chance.
LOGARITHMIC = ("frechet", "fid")


def curve_points(spec: ExperimentSpec) -> tuple[tuple[int, int], ...]:
    """Return pairs (levels, steps per level) from few evaluations to twice those of the spec, its own among them."""
    sampling = spec.sampling
    own = (sampling.levels, sampling.steps_per_level)
    few = {(sampling.levels, steps) for steps in STEPS if steps <= LONGEST * sampling.steps_per_level}
    if sampling.steps_per_level == 1:
        few |= {(max(2, round(sampling.levels * share)), 1) for share in (0.25, 0.5)}
    return tuple(sorted(few | {own}, key=lambda point: point[0] * point[1]))


class MeasuredCurve(QWidget):
    """Button, choice of the figure, and curve.

    Attributes:
        found: What was measured, in the order of measuring.
    """

    def __init__(self) -> None:
        """Say what will be there."""
        super().__init__()
        self.button = QPushButton("Measure curve")
        self.button.setObjectName("measure_curve")
        self.button.setAccessibleName("Measure the quality at several numbers of network evaluations")
        self.figure = QComboBox()
        self.figure.setAccessibleName("Figure on the curve")
        self.figure.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.figure.hide()
        self.view = QualityCurveView()
        self.place = layout.with_placeholder(
            self.view,
            "Measures at several numbers of steps per level: what do more network evaluations buy?",
            "",
            CURVE_PX,
        )
        self.found: list[Quality] = []
        row = QHBoxLayout()
        row.addWidget(self.figure, 1)
        row.addStretch(0)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(layout.heading("Quality against evaluations"))
        column.addLayout(row)
        column.addWidget(self.place)
        self.figure.currentIndexChanged.connect(self._show)

    def clear(self) -> None:
        """Begin a new curve."""
        self.found.clear()

    def show_beside(self, data_name: str) -> None:
        """Show the curve only beside the data that it is of."""
        found = self.found
        ours = bool(found) and ExperimentSpec.from_json(found[0].spec_json).data.name == data_name
        self.place.set_ready(ours)
        self.figure.setVisible(ours)

    def take(self, quality: Quality) -> None:
        """Add a point."""
        self.found.append(quality)
        names = [self.figure.itemData(row) for row in range(self.figure.count())]
        if names != [figure.name for figure in quality.figures]:
            self._offer(quality)
        self.place.set_ready(True)
        self._show()

    def _offer(self, quality: Quality) -> None:
        """Offer the figures that there are, and keep the choice where it is still one of them."""
        chosen = self.figure.currentData()
        self.figure.blockSignals(True)
        self.figure.clear()
        for figure in quality.figures:
            self.figure.addItem(figure.title, figure.name)
            self.figure.setItemData(self.figure.count() - 1, figure.help, Qt.ItemDataRole.ToolTipRole)
        self.figure.setCurrentIndex(max(0, self.figure.findData(chosen)))
        self.figure.blockSignals(False)
        self.figure.show()

    @Slot()
    def _show(self) -> None:
        name, title = self.figure.currentData(), self.figure.currentText()
        points = []
        for quality in self.found:
            for figure in quality.figures:
                if figure.name == name:
                    words = f"{_words(quality)}: {figure.title}"
                    numbers = (figure.value, figure.low, figure.high, figure.real, figure.real_spread)
                    points.append(CurvePoint(words, quality.evaluations, *numbers))
        self.view.set_points(title, points, log=name in LOGARITHMIC)

    def exports(self, page: Page) -> list[Export]:
        """Return the files that a page can make of the curve; none where there is none."""
        if not self.found:
            return []
        first = self.found[0]
        return plot_exports(
            page,
            self.view,
            "Quality against evaluations",
            "quality-curve",
            lambda: first.spec_json,
            table=self.view.data,
        )


def _words(quality: Quality) -> str:
    sampling = ExperimentSpec.from_json(quality.spec_json).sampling
    return f"{quality.evaluations} evaluations, {sampling.levels} × {sampling.steps_per_level}"

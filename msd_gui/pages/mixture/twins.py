"""The one-sample twins of the chains over the plane, and the split of the copies into ȳ and residuals, where wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget

from msd_engine.events import Event, Failed, Split, Started, TwinSegment
from msd_engine.events.plots import NO_TAILS, Axis, Curve, Curves
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base import layout
from msd_gui.pages.base.page import GRACE_MS
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.mixture.play.player import TAIL_STATES, Player
from msd_gui.theme.tips import wrapped
from msd_gui.views.curves.curves import CurvesView
from msd_gui.views.plane.plane import PlaneView
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Reading, Readings

_X, _Y = Axis("lag", "steps"), Axis("autocorrelation")
_EXPLAINED = (
    "The twin is one copy at noise σ/√k with step ε/k, driven by the mean of the same random numbers. With the exact "
    "score it is ȳ to rounding: k changes σ/√k and nothing else. A network departs from it as far as it sees more in "
    "the copies than their mean."
)


class TwinPanel(QWidget):
    """A switch, two figures and a plot.

    Attributes:
        switch: Turns the comparison on.
        said: Why there is no twin; empty otherwise.
        readings: The largest distance, and the thermometer of the residuals.
        curves: The autocorrelation of residuals and of ȳ.
    """

    def __init__(self) -> None:
        super().__init__()
        self.switch = QCheckBox("One-sample twin and split")
        self.switch.setObjectName("mixture.twins")
        self.switch.setToolTip(wrapped(_EXPLAINED))
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setProperty("role", "muted")
        self.readings = Readings("Twin and residuals")
        self.curves = CurvesView(Curves("Autocorrelation along the last level", _X, _Y))
        self.curves.setFixedHeight(170)
        layout.fill_row(self, layout.stacked(self.switch, self.said, self.readings, self.curves))
        self.show_sentence("")
        self.curves.hide()
        self.readings.hide()

    def show_sentence(self, sentence: str) -> None:
        """Say why there is no twin; nothing for an empty sentence."""
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))


class Twins(QObject):
    """Draws the twins of the chains that have come to their end last, and shows those of the state on the screen."""

    def __init__(self, page: ResolvedPage, engine: Engine, player: Player, plane: PlaneView) -> None:
        """Draw nothing until it is switched on.

        Args:
            page: Says which network denoises; owner of the runner.
            engine: Makes the job.
            player: Says which state is shown.
            plane: Shows the twins.
        """
        super().__init__(page)
        self.panel = TwinPanel()
        self._page, self._engine, self._player, self._plane = page, engine, player, plane
        self._runner = page.runner(self._on_event, apart=(Failed,))
        self._wanted: ExperimentSpec | None = None
        self._spec: ExperimentSpec | None = None
        self._steps: NDArray[np.int64] = np.empty(0, np.int64)
        self._path: NDArray[np.float32] = np.empty((0, 0, 2), np.float32)
        self._distance: NDArray[np.float64] = np.empty(0)
        self.panel.switch.toggled.connect(self._switched)
        player.moved.connect(self.show_state)

    @Slot()
    def draw(self) -> None:
        """Draw the twins of the present settings, if they are wanted and not drawn yet."""
        now = self._page.resolved
        if self.panel.switch.isChecked() and now.serves and now.spec != self._wanted:
            self._wanted = now.spec
            self._runner.submit(self._engine.twins(now.spec, now.run), grace_ms=GRACE_MS)

    @Slot(bool)
    def _switched(self, on: bool) -> None:
        if not on:
            self._wanted = None
            self._runner.drop()
            self._forget(None)
            self.panel.show_sentence("")
            self._plane.show_plane(twins=NO_TAILS)
        self.panel.readings.setVisible(on)
        self.panel.curves.setVisible(on)
        self.draw()

    def _forget(self, spec: ExperimentSpec | None) -> None:
        self._spec = spec
        self._steps, self._path = np.empty(0, np.int64), np.empty((0, 0, 2), np.float32)
        self._distance = np.empty(0)

    @Slot(object)
    def _on_event(self, event: Event) -> None:
        match event:
            case Started():
                self._forget(ExperimentSpec.from_json(event.spec_json))
                self.panel.show_sentence("")
            case TwinSegment() if len(event.steps):
                first = not len(self._steps)
                self._steps = np.concatenate((self._steps, event.steps))
                self._path = event.path if first else np.concatenate((self._path, event.path))
                self._distance = np.concatenate((self._distance, event.distance))
                self.show_state()
            case Split():
                self._show_split(event)
            case Failed():
                self._forget(None)
                self._plane.show_plane(twins=NO_TAILS)
                self.panel.readings.set_readings(())
                self.panel.curves.set_plot(Curves("Autocorrelation along the last level", _X, _Y))
                self.panel.show_sentence(event.text)

    @Slot()
    def show_state(self) -> None:
        """Show the twins of the state on the screen, where they are those of the shown chains."""
        if self._spec is None or self._player.index < 0:
            return
        history = self._player.buffer.shown
        step = int(history.at(self._player.index).steps[0])
        end = int(np.searchsorted(self._steps, step, side="right"))
        if history.spec != self._spec or not end:
            self._plane.show_plane(twins=NO_TAILS)
            return
        self._plane.show_plane(twins=self._path[max(0, end - TAIL_STATES) : end])

    def _show_split(self, split: Split) -> None:
        near = float(self._distance[-1]) if len(self._distance) else float("nan")
        self.panel.readings.set_readings(
            (
                Reading("Largest distance to the twin", number(near, 2), "0", _EXPLAINED),
                Reading(
                    "Thermometer of y − ȳ",
                    number(split.thermometer, 3),
                    number(split.predicted, 3),
                    "Variance of the residuals over σ²(1 − 1/k) in the second half of the last level. Theory: "
                    "1/(1 − r/2) for Langevin steps, whatever the data.",
                ),
            )
        )
        curves = (
            Curve("ȳ", split.lags, split.means, "exact", dots=True),
            Curve("y − ȳ", split.lags, split.residuals, "chosen", dots=True),
            Curve("theory (1 − r)^lag", split.lags, split.expected, "text", "dash"),
        )
        known = curves if np.isfinite(split.expected).any() else curves[:2]
        self.panel.curves.set_plot(Curves("Autocorrelation along the last level", _X, _Y, known))

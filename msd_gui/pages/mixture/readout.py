"""The figures beside the plane: those of the state that is shown, with theory where it speaks of that state."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QLabel, QWidget

from msd_engine.events.chain_figures import StateFigures, figures_of_state
from msd_gui.bridge.clock import ScreenClock
from msd_gui.pages.mixture.figures import chain_readings, state_readings
from msd_gui.pages.mixture.play.history import ChainHistory
from msd_gui.pages.mixture.play.player import Player
from msd_gui.views.curves.bars import BarsView
from msd_gui.widgets.panels.readings import Readings

# Chains are independent: so many take less than a millisecond, and more would say little more on the way.
MOST_CHAINS = 500
# While chains are played, figures that change faster cannot be read.
_EVERY_S = 0.1


class Readout(QObject):
    """Keeps bars and table in step with the playhead."""

    def __init__(
        self, page: QWidget, clock: ScreenClock, player: Player, weights: BarsView, readings: Readings, heading: QLabel
    ) -> None:
        """Begin with nothing to show.

        Args:
            page: The page; nothing is computed while it is out of sight.
            clock: The screen's clock.
            player: Says which state is shown.
            weights: Shows the weights of the modes.
            readings: Shows the other figures.
            heading: Says which step they belong to.
        """
        super().__init__(page)
        self._page = page
        self._player = player
        self._weights = weights
        self._readings = readings
        self._heading = heading
        self._due = False
        self._next_s = 0.0
        player.moved.connect(self._note)
        clock.tick.connect(self._on_tick)

    @Slot()
    def _note(self) -> None:
        self._due = True

    @Slot()
    def _on_tick(self) -> None:
        waits = self._player.playhead.playing and time.perf_counter() < self._next_s
        if self._due and not waits and self._page.isVisible() and self._player.index >= 0:
            self._due, self._next_s = False, time.perf_counter() + _EVERY_S
            self._show(self._player.buffer.shown, self._player.index)

    def _show(self, history: ChainHistory, index: int) -> None:
        spec, report, modes = history.spec, history.report, history.modes
        if spec is None:
            return
        step, ended = int(history.at(index).steps[0]), history.complete and index == len(history) - 1
        where = f"step {step} of {history.total}"
        if ended and report is not None:
            self._set_weights(report.mode_weights, report.true_weights)
            self._readings.set_readings(chain_readings(report, spec.sampling))
            self._heading.setText("Chains at their end")
        elif modes is not None:
            figures = state_at(history, index)
            assert figures is not None
            self._set_weights(figures.mode_weights, modes.weights)
            self._readings.set_readings(state_readings(figures, modes.weights, spec.sampling))
            some = f"First {MOST_CHAINS} chains" if spec.sampling.chains > MOST_CHAINS else "Chains"
            self._heading.setText(f"{some} at {where}")
        else:
            # Chains of a file: their positions alone are known.
            self._set_weights(np.zeros(0), np.zeros(0))
            self._readings.set_readings(())
            self._heading.setText("Chains of a file")

    def _set_weights(self, shares: NDArray[np.float64], true: NDArray[np.float64]) -> None:
        self._weights.set_shares([str(mode) for mode in range(1, len(true) + 1)], shares, true)


def state_at(history: ChainHistory, index: int) -> StateFigures | None:
    """Return the figures of one kept state, of its first chains; None before the event of the mixture."""
    if history.modes is None or history.spec is None:
        return None
    state = history.at(index)
    y, x_hat = state.y[0, :MOST_CHAINS], state.x_hat[0, :MOST_CHAINS]
    x = x_hat if history.spec.sampling.jump else None
    return figures_of_state(y, x, float(state.sigma[0]), history.modes, float(state.noise[0]))

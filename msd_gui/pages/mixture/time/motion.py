"""Slow motion: drift and noise of each copy of the chosen chain as two arrows, accepted or rejected."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QToolButton

from msd_engine.events import ChainMoves, Event, Failed
from msd_engine.events.plots import Moves
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import GRACE_MS
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.mixture.play.history import ChainHistory
from msd_gui.pages.mixture.play.player import Player
from msd_gui.theme.tips import wrapped
from msd_gui.views.plane.plane import PlaneView

SLOW_HZ = 1.0
_EXPLAINED = (
    "Play one step per second, and draw the step of the chosen chain at each of its copies: first the drift towards "
    "x̂, then the noise. A dashed arrow with a cross is a proposal that the Metropolis test rejected."
)


class SlowMotion(QObject):
    """Splits the steps of the chosen chain where wanted, and shows the step from the state on the screen.

    Attributes:
        button: Turns it on.
    """

    def __init__(
        self, page: ResolvedPage, engine: Engine, clock: ScreenClock, player: Player, plane: PlaneView
    ) -> None:
        """Show nothing until it is switched on.

        Args:
            page: Owner of the runner; shows why there are no moves.
            engine: Makes the job.
            clock: The screen's clock, after the player.
            player: Says which state is shown and how far the way to the next one is.
            plane: Shows the arrows.
        """
        super().__init__(page)
        self._page, self._engine, self._player, self._plane = page, engine, player, plane
        self._runner = page.runner(self._on_event, apart=(Failed,))
        self._of: tuple[ChainHistory, int] | None = None
        self._parts: list[ChainMoves] = []
        self._shown: tuple[int, float] | None = None
        self._speed_hz = 0.0
        self.button = QToolButton()
        self.button.setText("Slow motion")
        self.button.setObjectName("mixture.slow")
        self.button.setCheckable(True)
        self.button.setToolTip(wrapped(_EXPLAINED))
        self.button.toggled.connect(self._switched)
        clock.tick.connect(self.show_step)

    @Slot(bool)
    def _switched(self, on: bool) -> None:
        if on:
            self._speed_hz = self._player.playhead.speed
            self._player.set_speed(SLOW_HZ)
            # No step follows the last state.
            self._player.play_last_level()
        else:
            self._player.set_speed(self._speed_hz)
            self._runner.drop()
            self._forget(None)
        self.show_step()

    def _forget(self, of: tuple[ChainHistory, int] | None) -> None:
        self._of, self._parts, self._shown = of, [], None
        self._plane.show_plane(moves=None)

    @Slot(object)
    def _on_event(self, event: Event) -> None:
        match event:
            case ChainMoves():
                self._parts.append(event)
            case Failed():
                self._page.noticed.emit(event.text)

    @Slot()
    def show_step(self) -> None:
        """Show the step from the state on the screen; ask for the steps of other chains."""
        if not self.button.isChecked() or self._player.index < 0 or not self._page.isVisible():
            return
        history = self._player.buffer.shown
        of = history, self._player.chosen
        if self._of is None or self._of[0] is not of[0] or self._of[1] != of[1]:
            self._forget(of)
            if history.spec is not None and history.made is not None:
                spec, run = history.spec, history.made.run
                self._runner.submit(self._engine.moves(spec, of[1], run), grace_ms=GRACE_MS)
        step = int(history.at(self._player.index).steps[0])
        share = min(1.0, self._player.playhead.position - step) if self._player.playhead.playing else 1.0
        if (step, share) != self._shown:
            moves = self._moves(step, share)
            self._shown = (step, share) if moves is not None else None
            self._plane.show_plane(moves=moves)

    def _moves(self, step: int, share: float) -> Moves | None:
        for part in self._parts:
            place = int(np.searchsorted(part.steps, step))
            if place < len(part.steps) and part.steps[place] == step:
                accepted = bool(part.accepted[place])
                return Moves(part.y[place], part.drift[place], part.noise[place], accepted, share)
        return None

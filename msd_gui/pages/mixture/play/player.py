"""Plays the chains of a run in the plane: what is known of them, where the handle stands, and what the plane shows."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from msd_engine.events import ChainReport, ChainSegment, Ladder, Modes
from msd_engine.events.plots import NO_LOST
from msd_gui.bridge.clock import ScreenClock
from msd_gui.pages.mixture.play.history import ChainHistory, DoubleBuffer, Playhead
from msd_gui.session.made import Made
from msd_gui.views.base.layers import finite
from msd_gui.views.plane.plane import PlaneView
from msd_gui.views.plane.timeline import Timeline
from msd_gui.widgets.panels.transport import TransportBar

TAIL_STATES = 24
_LONGEST_TICK_S = 1.0
_MARGIN = 1.1


class Player(QObject):
    """Moves through the kept states of the chains with the screen's clock.

    Attributes:
        moved: Emitted when another state is shown.
        turned: Emitted when playing begins or ends.
        chosen: The chosen chain.
    """

    moved = Signal()
    turned = Signal()

    def __init__(
        self, page: QWidget, clock: ScreenClock, plane: PlaneView, timeline: Timeline, transport: TransportBar
    ) -> None:
        """Begin with no chains, ready to play.

        Args:
            page: The page; nothing moves while it is out of sight.
            clock: The screen's clock.
            plane: Shows the chains.
            timeline: Shows the levels and the handle.
            transport: Says how fast.
        """
        super().__init__(page)
        self.buffer = DoubleBuffer()
        self.playhead = Playhead(transport.speed_hz)
        self._page = page
        self._plane = plane
        self._timeline = timeline
        self._transport = transport
        self.chosen = 0
        self._shown_index = -1
        self._before = time.perf_counter()
        clock.tick.connect(self._on_tick)
        timeline.position_changed.connect(self._scrubbed)
        transport.speed_changed.connect(self._set_speed)
        plane.chain_chosen.connect(self._choose)

    # -- chains in -----------------------------------------------------------------------------------------------------

    @Slot(str)
    def begin(self, spec_json: str) -> None:
        """Expect a new run with some settings, while the one before goes on being shown."""
        self.buffer.begin(spec_json)

    @Slot(object)
    def set_ladder(self, ladder: Ladder) -> None:
        """Shade the levels on the timeline."""
        self._timeline.set_levels(ladder.sigma.tolist(), ladder.steps.tolist())

    @Slot(object)
    def append(self, segment: ChainSegment) -> None:
        """Add states of the newest run."""
        if self.buffer.append(segment, self.playhead.position):
            self._timeline.set_available(self.buffer.shown.last_step)
            self._shown_index = -1

    @Slot(object)
    def set_modes(self, modes: Modes) -> None:
        """Learn what the newest run draws from."""
        self.buffer.newest.modes = modes

    def show_points(self, points: NDArray[np.float32], made: Made, spec_json: str) -> None:
        """Show chains of a file at their end, instead of any that are being drawn.

        Args:
            points: ȳ of each chain, with shape (B, 2).
            made: Settings and network of the chains.
            spec_json: The settings as JSON, with a note on the weights.
        """
        last = made.spec.sampling.total_steps
        sigma = np.array([made.spec.sampling.sigma_L])
        state = ChainSegment(
            steps=np.array([last]),
            level=np.zeros(1, np.int64),
            sigma=sigma,
            noise=sigma,
            y=points[None, :, None],
            x_hat=np.full_like(points, np.nan)[None],
            total=last,
        )
        self.begin(spec_json)
        self.buffer.newest.made = made
        self.append(state)
        self.playhead.position, self.playhead.playing = float(last), False

    def set_report(self, report: ChainReport) -> None:
        """Learn the figures of the end of the newest run."""
        self.buffer.newest.report = report
        self.moved.emit()

    @property
    def index(self) -> int:
        """Index of the state that is shown, -1 for none."""
        return self._shown_index

    @property
    def empty(self) -> bool:
        """Whether no state is known."""
        return not len(self.buffer.shown)

    @property
    def sigma(self) -> float | None:
        """Noise of one copy at the state that is shown, None where there is none."""
        if self.empty:
            return None
        history = self.buffer.shown
        return float(history.at(history.index(self.playhead.position)).sigma[0])

    # -- moving --------------------------------------------------------------------------------------------------------

    @property
    def _at_end(self) -> bool:
        shown = self.buffer.shown
        return not self.playhead.playing and shown.complete and self.playhead.position >= shown.total

    def toggle(self) -> None:
        """Play or pause; at the end, play again from the beginning."""
        if self._at_end:
            self.playhead.position = 0.0
        self.playhead.playing = not self.playhead.playing

    def play_last_level(self) -> None:
        """At the end, play the last level again."""
        shown = self.buffer.shown
        if self._at_end and shown.spec is not None:
            self.playhead.position = float(max(0, shown.total - shown.spec.sampling.steps_per_level))
            self.playhead.playing = True

    def step(self, forward: int) -> None:
        """Go some steps on, or back, and pause."""
        self.playhead.step(forward, self.buffer.shown.last_step)

    def restart(self) -> None:
        """Play from the first step."""
        self.playhead.position = 0.0
        self.playhead.playing = True

    def set_speed(self, speed_hz: float) -> None:
        """Set the speed in steps per second."""
        self._transport.set_speed(speed_hz)
        self.playhead.speed = speed_hz

    @Slot()
    def _on_tick(self) -> None:
        now = time.perf_counter()
        # While the machine slept, nothing was seen: the chains go on where they stood.
        elapsed_s, self._before = min(now - self._before, _LONGEST_TICK_S), now
        if not self._page.isVisible():
            return
        shown, was_playing = self.buffer.shown, self.playhead.playing
        self.playhead.advance(elapsed_s, shown.last_step, shown.total)
        self._show()
        if was_playing != self.playhead.playing:
            self.turned.emit()

    @Slot(int)
    def _scrubbed(self, step: int) -> None:
        was_playing, self.playhead.playing = self.playhead.playing, False
        self.playhead.position = float(step)
        self._show()
        if was_playing:
            self.turned.emit()

    @Slot(float)
    def _set_speed(self, speed_hz: float) -> None:
        self.playhead.speed = speed_hz

    @Slot(int)
    def _choose(self, chain: int) -> None:
        self.chosen = chain
        self._shown_index = -1

    # -- showing -------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        if self.empty:
            return
        history = self.buffer.shown
        index = history.index(self.playhead.position)
        if index != self._shown_index:
            self._shown_index = index
            parts = moment(history, index, self.chosen)
            self._plane.show_plane(**parts)
            self._plane.follow(reach(parts) if history.blows_up else 0.0)
            self._timeline.set_position(int(history.at(index).steps[0]))
            self.moved.emit()


def moment(history: ChainHistory, index: int, chosen: int) -> dict[str, Any]:
    """Return the parts of a `Plane` that one kept state of some chains gives."""
    state, path, lost = history.at(index), history.mean_path(index, TAIL_STATES), history.lost(index)
    chosen = min(chosen, state.y.shape[1] - 1)
    copies = (state.y[0, chosen], path[-1, chosen][None], state.x_hat[0, chosen][None])
    return {
        "tails": path,
        "heads": path[-1],
        "lost": lost if lost.any() else NO_LOST,
        "chosen": chosen,
        # Of chains of a file only ȳ is known.
        "copies": None if lost[chosen] or np.isnan(copies[-1]).any() else copies,
    }


def reach(parts: Mapping[str, Any]) -> float:
    """Return how far the plane must extend to show a `moment`, in steps of √2 so that it seldom moves."""
    points = [parts["heads"], *(parts["copies"] or ())]
    farthest = max(float(np.abs(finite(part)).max(initial=1.0)) for part in points)
    return float(2 ** (math.ceil(2 * math.log2(_MARGIN * farthest)) / 2))

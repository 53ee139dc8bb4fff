"""Scrubber for the kept states of one chain: k copies, ȳ and x̂, and branches from any state."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSlider, QToolButton, QVBoxLayout, QWidget

from msd_engine.events import FilmFrame
from msd_engine.specs import Branch
from msd_gui.pages.sampling.copies import low
from msd_gui.theme.tips import wrapped
from msd_gui.views.images.tiles import Tile, TilesView
from msd_gui.widgets.controls.guard import SLIDER_KEYS, KeyGuard
from msd_gui.widgets.controls.numbers import number

COPIES_PX = 78
_HELP = (
    "Continue chains from this state, with the parameters and the seed at the left. With the same noise and parameters "
    "the first one repeats the chain itself."
)


class Scrubber(QWidget):
    """A slider over all kept states, the copies of the chosen state, and a button to branch.

    Attributes:
        moved: Emitted with the number of the chosen state.
        branch_requested: Emitted with a `Branch`.
    """

    moved = Signal(int)
    branch_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._frame: FilmFrame | None = None
        self._chain = 0
        self._may_branch = False
        self.copies = TilesView("All copies of the chosen chain at this state")
        self.copies.setFixedHeight(COPIES_PX)
        self.copies.hide()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("film.scrub")
        self.slider.setAccessibleName("Kept state")
        self.slider.setToolTip("Scrub through every kept state of the chosen chain.")
        KeyGuard(self.slider, SLIDER_KEYS)
        self._words = QLabel("Drag to scrub")
        self._words.setProperty("role", "muted")
        self.branch = QToolButton()
        self.branch.setObjectName("film.branch")
        # Leave room for the arrow of the menu, which Qt paints over the end of the text.
        self.branch.setText("Branch from here   ")
        self.branch.setToolTip(wrapped(_HELP))
        self.branch.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.branch)
        self.same = menu.addAction("With the same noise", lambda: self._branch(same_noise=True))
        self.fresh = menu.addAction("With new noise", lambda: self._branch(same_noise=False))
        self.branch.setMenu(menu)
        self._arrange()
        self.slider.valueChanged.connect(self.moved)
        self._update()

    def _arrange(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.slider, 1)
        row.addWidget(self._words)
        row.addWidget(self.branch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.copies)

    def set_branching(self, on: bool) -> None:
        """Set whether the page can branch."""
        self._may_branch = on
        self._update()

    def clear(self) -> None:
        """Remove the kept states."""
        self._frame = None
        self.set_count(0)
        self.copies.hide()
        self._words.setText("Drag to scrub")
        self._update()

    def set_count(self, count: int) -> None:
        """Set the number of kept states; without a chosen state the handle stays at the newest."""
        self.slider.blockSignals(True)
        self.slider.setMaximum(max(0, count - 1))
        if self._frame is None:
            self.slider.setValue(max(0, count - 1))
        self.slider.blockSignals(False)

    def show_state(self, index: int, frame: FilmFrame, chain: int) -> None:
        """Show the kept state with number `index` of one chain."""
        self._frame, self._chain = frame, chain
        self.slider.blockSignals(True)
        self.slider.setValue(index)
        self.slider.blockSignals(False)
        words = f"step {frame.step}, σ = {number(frame.sigma)}, chain {chain + 1}"
        if chain < len(frame.copies):
            y = frame.copies[chain]
            tiles = [Tile(f"y{low(i + 1)}", one) for i, one in enumerate(y)]
            tiles += [Tile("ȳ", y.mean(axis=0, dtype=np.float64).astype(np.float32)), Tile("x̂", frame.x_hat[chain])]
            self.copies.set_tiles(tiles)
            self.copies.show()
        else:
            self.copies.hide()
            words += f": only the first {len(frame.copies)} chains keep all copies"
        self._words.setText(words)
        self._update()

    @Slot()
    def _update(self) -> None:
        frame = self._frame
        kept = frame is not None and self._chain < len(frame.copies)
        at_end = self.slider.value() >= self.slider.maximum()
        self.branch.setVisible(self._may_branch)
        self.branch.setEnabled(kept and not at_end)
        self.branch.setToolTip(
            wrapped(_HELP if kept and not at_end else f"Drag the slider to an earlier state first. {_HELP}")
        )
        if frame is not None and kept:
            # A chain between two seeds has no random stream of its own to continue.
            self.same.setEnabled(bool(frame.streams[self._chain, 0] >= 0))

    def _branch(self, *, same_noise: bool) -> None:
        frame = self._frame
        if frame is not None and self._chain < len(frame.copies):
            number_, normals, uniforms = (int(value) for value in frame.streams[self._chain])
            y, *carried = (part[self._chain].copy() for part in (frame.copies, *frame.carried))
            stream = (number_, normals, uniforms)
            self.branch_requested.emit(Branch(y, frame.step, stream, tuple(carried), same_noise))

"""The transport bar: play, step, restart and speed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from msd_gui.theme import icon
from msd_gui.widgets.controls.guard import PRESS_KEYS, KeyGuard
from msd_gui.widgets.controls.numbers import format_number
from msd_gui.widgets.controls.scale import SliderScale
from msd_gui.widgets.controls.track import Track

SLOWEST_HZ, FASTEST_HZ = 1.0, 10_000.0


class TransportBar(QWidget):
    """Buttons to play, step and restart chains, and a slider for the speed in steps per second.

    Attributes:
        speed_changed: Emitted with the new speed in steps per second.
        speed_hz: Current speed.
    """

    speed_changed = Signal(float)

    def __init__(self, play: QAction, step: QAction, restart: QAction, usual_hz: float) -> None:
        """Build the bar.

        Args:
            play: Checkable action, whose icon follows its state.
            step: Action that makes one step.
            restart: Action that restarts the chains.
            usual_hz: Initial speed, restored by a double-click.
        """
        super().__init__()
        self._play = play
        self._scale = SliderScale(SLOWEST_HZ, FASTEST_HZ, log=True, whole=False)
        self.speed_hz = usual_hz
        self.track = Track(self)
        self.track.setObjectName("transport.speed")
        self.track.setAccessibleName("Speed")
        self.track.setToolTip("Speed of the chains in steps per second")
        self.track.setMaximumWidth(180)
        self._text = QLabel(self)
        self._text.setProperty("role", "muted")
        self._text.setMinimumWidth(self._text.fontMetrics().horizontalAdvance("10000 steps/s"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for action in (play, step, restart):
            row.addWidget(self._button(action))
        row.addSpacing(8)
        row.addWidget(self.track, 1)
        row.addSpacing(4)
        row.addWidget(self._text)
        self._connect(usual_hz)
        self.set_speed(self.speed_hz)

    def set_speed(self, speed_hz: float) -> None:
        """Show a speed, in steps per second, without emitting `speed_changed`."""
        self.speed_hz = speed_hz
        self.track.set_fraction(self._scale.fraction(speed_hz))
        self._text.setText(f"{format_number(speed_hz)} {'step' if speed_hz == 1.0 else 'steps'}/s")

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(action.text())
        KeyGuard(button, PRESS_KEYS)
        return button

    def _connect(self, usual_hz: float) -> None:
        self._play.toggled.connect(self._on_play)
        self.track.moved.connect(self._on_moved)
        self.track.stepped.connect(self._on_stepped)
        self.track.double_clicked.connect(lambda: self._change(usual_hz))
        self._on_play(self._play.isChecked())

    @Slot(bool)
    def _on_play(self, playing: bool) -> None:
        self._play.setIcon(icon("pause" if playing else "play"))

    @Slot(float)
    def _on_moved(self, fraction: float) -> None:
        self._change(self._scale.value(fraction))

    @Slot(int, bool)
    def _on_stepped(self, count: int, page: bool) -> None:
        self._change(self._scale.stepped(self.speed_hz, count, page=page))

    def _change(self, speed_hz: float) -> None:
        if speed_hz != self.speed_hz:
            self.set_speed(speed_hz)
            self.speed_changed.emit(speed_hz)

"""The one clock of the screen: all views are brought up to date at its ticks, and at no other time."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal

SCREEN_HZ = 30


class ScreenClock(QObject):
    """Ticks `SCREEN_HZ` times a second while it runs."""

    tick = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(round(1000 / SCREEN_HZ))
        self._timer.timeout.connect(self.tick)

    def start(self) -> None:
        """Begin to tick."""
        self._timer.start()

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()

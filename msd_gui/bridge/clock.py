"""The one clock of the screen: views update only at its ticks."""

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
        """Start ticking."""
        self._timer.start()

    def stop(self) -> None:
        """Stop ticking."""
        self._timer.stop()

"""Deferred work: the engine until the first paint event, hidden pages until the window is idle."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

UNSEEN_MS = 1000
# The next page is built after so long without user input.
IDLE_MS = 1500


class IdleWork:
    """Runs deferred work while the window is idle.

    Args:
        window: The window; its end cancels the work.
        start: Starts the engine; called once.
        build_next: Builds one more page and returns whether there was one.
        busy: Returns whether anything moves on the page in front.
    """

    def __init__(
        self,
        window: QWidget,
        start: Callable[[], None],
        build_next: Callable[[], bool],
        busy: Callable[[], bool],
    ) -> None:
        self._window, self._start, self._build_next, self._busy = window, start, build_next, busy
        self._started = self._closed = False
        # Importing torch would delay the first paint event: it begins after it, or after a time without one.
        QTimer.singleShot(UNSEEN_MS, window, self._start_once)
        self._idle = QTimer(window)
        self._idle.setInterval(IDLE_MS)
        self._idle.timeout.connect(self._build_page_ahead)

    def painted(self) -> None:
        """Start the engine after the first paint event."""
        if not self._started:
            QTimer.singleShot(0, self._window, self._start_once)

    def build_pages(self) -> None:
        """Build the other pages from now on, one whenever the window is idle."""
        self._idle.start()

    def close(self) -> None:
        """Cancel all deferred work."""
        self._closed = True
        self._idle.stop()

    def _start_once(self) -> None:
        if not self._started and not self._closed:
            self._started = True
            self._start()

    def _build_page_ahead(self) -> None:
        """Build one more page while the window is idle, so that it opens at once."""
        # Building takes longer than a frame, so not during a drag or an animation.
        held = bool(QGuiApplication.mouseButtons()) or QApplication.activePopupWidget() is not None
        if not held and not self._busy() and not self._build_next():
            self._idle.stop()

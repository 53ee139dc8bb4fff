"""What the window puts off: the engine until its first painting, the pages not yet seen until nobody touches it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

UNSEEN_MS = 1000
# The next page is built when nobody has touched the window for so long.
IDLE_MS = 1500


class IdleWork:
    """Does what can wait when it holds nobody up.

    Args:
        window: The window; what waits ends with it.
        start: Gets the engine ready; called once.
        build_next: Builds one more page and returns whether there was one.
        busy: Whether anything moves on the page in front.
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
        # Importing torch would hold up the first painting: it begins when that is done, or if nobody ever looks.
        QTimer.singleShot(UNSEEN_MS, window, self._start_once)
        self._idle = QTimer(window)
        self._idle.setInterval(IDLE_MS)
        self._idle.timeout.connect(self._build_page_ahead)

    def painted(self) -> None:
        """Get the engine ready behind the first picture of the window."""
        if not self._started:
            QTimer.singleShot(0, self._window, self._start_once)

    def build_pages(self) -> None:
        """Build the other pages from now on, one each time that the window rests."""
        self._idle.start()

    def close(self) -> None:
        """Begin nothing any more."""
        self._closed = True
        self._idle.stop()

    def _start_once(self) -> None:
        if not self._started and not self._closed:
            self._started = True
            self._start()

    def _build_page_ahead(self) -> None:
        """Build one more page while the window rests, so that going there is instant."""
        # Building takes longer than a frame: nobody may be dragging, and nothing may be moving, meanwhile.
        held = bool(QGuiApplication.mouseButtons()) or QApplication.activePopupWidget() is not None
        if not held and not self._busy() and not self._build_next():
            self._idle.stop()

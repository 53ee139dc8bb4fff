"""The program: main, window, actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msd_gui.app.window import MainWindow


def create_window(**options: Any) -> MainWindow:
    """Build the main window without showing it.

    Args:
        options: Passed on to `msd_gui.app.window.MainWindow`.

    Returns:
        The window; its `close()` ends all its jobs and threads.
    """
    from PySide6.QtWidgets import QApplication

    from msd_gui.app.window import MainWindow

    if QApplication.instance() is None:
        QApplication(["msd-gui"])
    return MainWindow(**options)

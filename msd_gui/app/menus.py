"""The menu bar: a menu for each word of the table of actions, and the list of what was opened lately."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from msd_gui.app.actions import Actions
from msd_gui.session.settings import Settings

_LETTERS = 60


class RecentMenu(QMenu):
    """Files and run folders that were opened or saved lately, newest first.

    Attributes:
        chosen: Emitted with the path that is to be opened again.
    """

    chosen = Signal(object)

    def __init__(self, settings: Settings, parent: QWidget) -> None:
        """Make the list; it is read anew whenever it is opened.

        Args:
            settings: Where it is kept.
            parent: The window.
        """
        super().__init__("Open recent", parent)
        self.setObjectName("menu.recent")
        self.setToolTipsVisible(True)
        self._settings = settings
        self.aboutToShow.connect(self.renew)
        self.renew()

    @Slot()
    def renew(self) -> None:
        """List what is still there."""
        self.clear()
        paths = self._settings.recent()
        for path in paths:
            action = self.addAction(_shown(path), partial(self.chosen.emit, path))
            action.setToolTip(str(path))
        if paths:
            self.addSeparator()
            self.addAction("Clear this list", self._settings.forget_recent)
        else:
            self.addAction("Nothing was opened yet").setEnabled(False)


def fill(bar: QMenuBar, commands: Actions, recent: RecentMenu) -> None:
    """Build the menus.

    Args:
        bar: The window's.
        commands: The actions; one whose row begins a group has a line above it.
        recent: Stands below the actions that open something.
    """
    for name, rows in commands.menus().items():
        # Alt and its first letter opens it.
        menu = bar.addMenu(f"&{name}")
        for row in rows:
            if row.begins:
                menu.addSeparator()
            menu.addAction(commands[row.name])
            if row.name == "open_run":
                menu.addMenu(recent)


def _shown(path: Path) -> str:
    """Return a path as it stands in the list: its end, with a sign for what is left out."""
    text = str(path).replace("&", "&&")
    return text if len(text) <= _LETTERS else f"…{text[-_LETTERS:]}"

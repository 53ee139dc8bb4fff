"""The menu bar with its list of what was opened lately, and the main tool bar."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QComboBox, QMenu, QMenuBar, QSizePolicy, QToolBar, QToolButton, QWidget

from msd_engine.specs import load_preset
from msd_gui.app.actions import Actions
from msd_gui.app.pages import PAGES
from msd_gui.session.settings import Settings

_LETTERS = 60
_PRESET_LETTERS, _LEAST_PRESET_PX = 24, 120


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


class MainBar(QToolBar):
    """The bar at the top of the window.

    Attributes:
        preset_chosen: Emitted with the name of the preset that the user chose.
    """

    preset_chosen = Signal(str)

    def __init__(self, commands: Actions) -> None:
        super().__init__("Main")
        self._commands = commands
        self.setObjectName("main-tool-bar")
        self.setMovable(False)
        self.setIconSize(QSize(18, 18))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        group = QActionGroup(self)
        for row in PAGES:
            group.addAction(commands[f"page_{row.name}"])
            self.addAction(commands[f"page_{row.name}"])
        self.addSeparator()
        self.preset = QComboBox()
        self.preset.setObjectName("preset")
        self.preset.setAccessibleName("Preset")
        self.preset.setToolTip("Load a whole experiment: data, network, training and sampling.")
        # As wide on every page, so that the buttons beside it stay where they are; it shrinks in a narrow window.
        self.preset.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.preset.setMinimumContentsLength(_PRESET_LETTERS)
        self.preset.setMinimumWidth(_LEAST_PRESET_PX)
        self.preset.activated.connect(lambda index: self.preset_chosen.emit(self.preset.itemData(index)))
        self.addWidget(self.preset)
        self.addSeparator()
        for name in ("train", "resume", "sample", "stop"):
            self.addAction(commands[name])
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(gap)
        for name in ("undo", "redo"):
            self.addAction(commands[name])
            button = self.widgetForAction(commands[name])
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.addSeparator()
        self.addAction(commands["export"])

    def set_presets(self, names: tuple[str, ...] | None) -> None:
        """Offer the presets of a page; None empties the list on pages that have none."""
        self.preset.clear()
        for name in names or ():
            self.preset.addItem(load_preset(name).title, name)
        self.preset.setEnabled(names is not None)
        self.preset.setPlaceholderText("No presets here" if names is None else "Own settings")

    def set_preset(self, name: str) -> None:
        """Show which preset the settings are; an empty name shows that they are the user's own."""
        self.preset.setCurrentIndex(self.preset.findData(name))

    def below(self, name: str) -> QPoint:
        """Return the place on the screen below the button of an action."""
        button = self.widgetForAction(self._commands[name])
        return button.mapToGlobal(button.rect().bottomLeft())

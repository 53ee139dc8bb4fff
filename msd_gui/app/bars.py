"""The menu bar with its list of recent files, and the main tool bar."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QActionGroup, QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QMenu, QMenuBar, QSizePolicy, QToolBar, QToolButton, QWidget

from msd_engine.specs import load_preset
from msd_gui.app.actions import Actions
from msd_gui.app.pages import PAGES
from msd_gui.session.settings import Settings
from msd_gui.theme import colours_of
from msd_gui.widgets.panels.elided import ElidedCombo

_LETTERS = 60
_DOT_PX = 7
_JOBS = ("train", "resume", "sample", "stop")
_PRESET_LETTERS, _LEAST_PRESET_PX = 24, 120
_SHORT_PRESET_PX = 180


class RecentMenu(QMenu):
    """Recently opened or saved files and run folders, newest first.

    Attributes:
        chosen: Emitted with the path to open.
    """

    chosen = Signal(object)

    def __init__(self, settings: Settings, parent: QWidget) -> None:
        """Create the menu; it reads the list again whenever it opens."""
        super().__init__("Open recent", parent)
        self.setObjectName("menu.recent")
        self.setToolTipsVisible(True)
        self._settings = settings
        self.aboutToShow.connect(self.renew)
        self.renew()

    @Slot()
    def renew(self) -> None:
        """List the paths that still exist."""
        self.clear()
        paths = self._settings.recent()
        for path in paths:
            action = self.addAction(_shown(path), partial(self.chosen.emit, path))
            action.setToolTip(str(path))
        if paths:
            self.addSeparator()
            self.addAction("Clear this list", self._settings.forget_recent)
        else:
            self.addAction("Nothing opened yet").setEnabled(False)


def fill(bar: QMenuBar, commands: Actions, recent: RecentMenu) -> None:
    """Build the menus.

    Args:
        bar: The window's menu bar.
        commands: The actions; a separator precedes each row that begins a group.
        recent: Follows the actions that open something.
    """
    for name, rows in commands.menus().items():
        # Alt and its first letter open it.
        menu = bar.addMenu(f"&{name}")
        for row in rows:
            if row.begins:
                menu.addSeparator()
            menu.addAction(commands[row.name])
            if row.name == "open_run":
                menu.addMenu(recent)


def _shown(path: Path) -> str:
    """Return the end of a path for the menu, with a sign for the omitted part."""
    text = str(path).replace("&", "&&")
    return text if len(text) <= _LETTERS else f"…{text[-_LETTERS:]}"


class Dot(QWidget):
    """A dot in the upper right corner of a button; the mouse works through it."""

    def __init__(self, button: QWidget) -> None:
        super().__init__(button)
        self._button = button
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedSize(_DOT_PX, _DOT_PX)
        button.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner."""
        if event.type() == QEvent.Type.Resize:
            self.move(self._button.width() - _DOT_PX - 2, 2)
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the dot."""
        del event
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours_of(self.palette()).accent))
            painter.drawEllipse(self.rect())


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
        self._dots = {row.name: Dot(self.widgetForAction(commands[f"page_{row.name}"])) for row in PAGES}
        self.addSeparator()
        self.preset = ElidedCombo()
        self.preset.setObjectName("preset")
        self.preset.setAccessibleName("Preset")
        self.preset.setToolTip("Load a whole experiment: data, network, training and sampling.")
        # The same width on every page, so that the buttons beside it do not move; it shrinks in a narrow window.
        self.preset.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.preset.setMinimumContentsLength(_PRESET_LETTERS)
        self.preset.setMinimumWidth(_LEAST_PRESET_PX)
        self.preset.activated.connect(lambda index: self.preset_chosen.emit(self.preset.itemData(index)))
        self.addWidget(self.preset)
        self.addSeparator()
        for name in _JOBS:
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
        self._wanted_px = 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the buttons of the jobs without their words where they would not fit beside a shortened preset."""
        shorter = max(0, self.preset.sizeHint().width() - _SHORT_PRESET_PX)
        self._wanted_px = self._wanted_px or self.sizeHint().width() - shorter
        style = Qt.ToolButtonStyle
        beside = style.ToolButtonTextBesideIcon if event.size().width() >= self._wanted_px else style.ToolButtonIconOnly
        for name in (*_JOBS, "export"):
            button = self.widgetForAction(self._commands[name])
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(beside)
        super().resizeEvent(event)

    def mark(self, names: Collection[str]) -> None:
        """Mark the buttons of pages with a running job by a dot."""
        for name, dot in self._dots.items():
            dot.setVisible(name in names)

    def set_presets(self, names: tuple[str, ...] | None) -> None:
        """List the presets of a page; None empties the list on pages without presets."""
        self.preset.clear()
        for name in names or ():
            self.preset.addItem(load_preset(name).title, name)
        self.preset.setEnabled(names is not None)
        self.preset.setPlaceholderText("No presets here" if names is None else "Own settings")

    def set_preset(self, name: str) -> None:
        """Show the current preset; an empty name stands for the user's own settings."""
        self.preset.setCurrentIndex(self.preset.findData(name))

    def below(self, name: str) -> QPoint:
        """Return the screen position below the button of an action."""
        button = self.widgetForAction(self._commands[name])
        return button.mapToGlobal(button.rect().bottomLeft())

"""The main tool bar: pages, presets, training and sampling, undo, export."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QComboBox, QSizePolicy, QToolBar, QToolButton, QWidget

from msd_engine.specs import load_preset
from msd_gui.app.actions import Actions
from msd_gui.app.pages import PAGES


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
        self.preset.setPlaceholderText("Own settings")
        self.preset.setToolTip("Load a whole experiment: data, network, training and sampling.")
        self.preset.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.preset.activated.connect(lambda index: self.preset_chosen.emit(self.preset.itemData(index)))
        self._of_experiments: list[QAction] = [self.addWidget(self.preset), self.addSeparator()]
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
        """Offer the presets of a page; None hides the list on pages that have none."""
        self.preset.clear()
        for name in names or ():
            self.preset.addItem(load_preset(name).title, name)
        for place in self._of_experiments:
            place.setVisible(names is not None)

    def set_preset(self, name: str) -> None:
        """Show which preset the settings are; an empty name shows that they are the user's own."""
        self.preset.setCurrentIndex(self.preset.findData(name))

    def below(self, name: str) -> QPoint:
        """Return the place on the screen below the button of an action."""
        button = self.widgetForAction(self._commands[name])
        return button.mapToGlobal(button.rect().bottomLeft())

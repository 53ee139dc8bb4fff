"""A button whose menu shows and hides the layers of a view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import QMenu, QToolButton

from msd_gui.theme import icon


class StayingMenu(QMenu):
    """A menu that stays open while its entries are switched on and off with the mouse."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Switch what is under the mouse."""
        action = self.activeAction()
        if action is not None and action.isCheckable() and action.isEnabled():
            action.trigger()
            event.accept()
        else:
            super().mouseReleaseEvent(event)


class LayersButton(QToolButton):
    """Opens a menu with one entry for each layer.

    Attributes:
        layers: The entries by the name of the layer.
    """

    def __init__(self, shown: Mapping[str, bool], set_layer: Callable[[str, bool], None], what: str) -> None:
        """Build the menu.

        Args:
            shown: Which layers there are, and whether each is shown now.
            set_layer: Called with the name of a layer and whether it is to be shown.
            what: What has the layers, for the tooltip.
        """
        super().__init__()
        self.setText("Layers")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIcon(icon("layers"))
        self.setToolTip(f"Choose what {what} shows.")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = StayingMenu(self)
        self.layers: dict[str, QAction] = {}
        for name, on in shown.items():
            action = menu.addAction(name.capitalize())
            action.setObjectName(f"layer.{name}")
            action.setCheckable(True)
            action.setChecked(on)
            action.toggled.connect(partial(set_layer, name))
            self.layers[name] = action
        self.setMenu(menu)

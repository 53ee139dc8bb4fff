"""A button whose menu shows and hides the layers of a view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import QMenu, QToolButton

from msd_gui.theme import icon


class StayingMenu(QMenu):
    """A menu that stays open while the mouse toggles its entries."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Toggle the entry under the mouse."""
        action = self.activeAction()
        if action is not None and action.isCheckable() and action.isEnabled():
            action.trigger()
            event.accept()
        else:
            super().mouseReleaseEvent(event)


class LayersButton(QToolButton):
    """A button with a menu of one entry per layer.

    Attributes:
        layers: The entries by the name of the layer.
    """

    def __init__(self, shown: Mapping[str, bool], set_layer: Callable[[str, bool], None], what: str) -> None:
        """Build the menu.

        Args:
            shown: Visibility of each layer, by name.
            set_layer: Called with the name of a layer and its new visibility.
            what: Name of the view, for the tooltip.
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

"""A heading that folds the rows below it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from msd_gui.theme import icon
from msd_gui.widgets.controls.guard import PRESS_KEYS, KeyGuard

SPACING_PX = 3


class Section(QWidget):
    """A heading and rows below it. Its height follows its rows, also when a message makes one of them taller."""

    def __init__(self, heading: str) -> None:
        """Make an open section without rows; an empty heading makes it unfoldable."""
        super().__init__()
        self._body = QWidget(self)
        self._rows = QVBoxLayout(self._body)
        self._rows.setContentsMargins(2, 0, 0, 4)
        self._rows.setSpacing(SPACING_PX)
        self.button = QToolButton(self)
        self.button.setText(heading)
        self.button.setProperty("role", "heading")
        self.button.setCheckable(True)
        self.button.setChecked(True)
        self.button.setVisible(bool(heading))
        self.button.setIcon(icon("expanded"))
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setToolTip("Fold or unfold these controls.")
        KeyGuard(self.button, PRESS_KEYS)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.button)
        column.addWidget(self._body)
        self.button.toggled.connect(self._on_toggled)

    def add_row(self, row: QWidget) -> None:
        """Append a row."""
        self._rows.addWidget(row)

    def is_open(self) -> bool:
        """Return whether the rows are visible."""
        return self.button.isChecked()

    def set_open(self, is_open: bool) -> None:
        """Show or fold the rows."""
        self.button.setChecked(is_open)

    @Slot(bool)
    def _on_toggled(self, is_open: bool) -> None:
        self._body.setVisible(is_open)
        self.button.setIcon(icon("expanded" if is_open else "collapsed"))

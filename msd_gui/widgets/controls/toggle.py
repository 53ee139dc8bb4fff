"""A boolean, made from the declaration of a field."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout

from msd_engine.specs import Declaration
from msd_gui.widgets.controls.control import Control
from msd_gui.widgets.controls.guard import PRESS_KEYS, KeyGuard


class Toggle(Control):
    """A check box with the title beside it."""

    def __init__(self, declaration: Declaration) -> None:
        """Build the control from the declaration of a boolean."""
        super().__init__(declaration)
        self.check = QCheckBox(declaration.title, self)
        self.check.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        KeyGuard(self.check, PRESS_KEYS)
        self.setFocusProxy(self.check)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.check)
        self.setValue(declaration.default)
        self.check.clicked.connect(self._on_clicked)

    def value(self) -> Any:
        """Return whether the box is checked."""
        return self.check.isChecked()

    def setValue(self, value: Any) -> None:
        """Check or clear the box without emitting `valueChanged`."""
        self.check.setChecked(bool(value))

    @Slot(bool)
    def _on_clicked(self, checked: bool) -> None:
        self.valueChanged.emit(checked)

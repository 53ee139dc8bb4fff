"""Choice of one word, made from the declaration of a field."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QHBoxLayout

from msd_engine.specs import Declaration
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.controls.control import Control
from msd_gui.widgets.controls.guard import LIST_KEYS, KeyGuard


class Choice(Control):
    """Title on the left, list on the right, in one row."""

    def __init__(self, declaration: Declaration) -> None:
        """Build the control from the declaration of a word with choices."""
        super().__init__(declaration)
        self.combo = QComboBox(self)
        self.combo.setAccessibleName(declaration.title)
        # After a click the list must not keep the keys of the player.
        self.combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(9)
        for value, title in zip(declaration.choices, declaration.titles, strict=True):
            self.combo.addItem(title, value)
        KeyGuard(self.combo, LIST_KEYS)
        self.setFocusProxy(self.combo)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.make_label(), 2)
        row.addWidget(self.combo, 3)
        self._value: str = declaration.default
        self.setValue(declaration.default)
        self.combo.activated.connect(self._on_activated)
        self._renew_tooltip()

    def value(self) -> Any:
        """Return the word as in the spec."""
        return self._value

    def setValue(self, value: Any) -> None:
        """Show a word without emitting `valueChanged`."""
        self._value = value
        self.combo.setCurrentIndex(self.combo.findData(value))

    def set_item_enabled(self, value: str, enabled: bool, reason: str = "") -> None:
        """Enable one of the choices, or disable it and give the reason in its tooltip."""
        model = self.combo.model()
        index = self.combo.findData(value)
        if isinstance(model, QStandardItemModel) and index >= 0:
            model.item(index).setEnabled(enabled)
            model.item(index).setToolTip("" if enabled else wrapped(reason))

    def text_of(self, value: Any) -> str:
        """Return the title of a choice."""
        return dict(zip(self.declaration.choices, self.declaration.titles, strict=True))[value]

    @Slot(int)
    def _on_activated(self, index: int) -> None:
        self.change_value(self.combo.itemData(index))

"""What every control of a declared field has: a value, a title, a tooltip, a way back and a reason to be disabled."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QWidget

from msd_engine.specs import Declaration
from msd_gui.widgets.controls.numbers import format_number


def _lowered(text: str) -> str:
    """Return text with every index set low: ``σ_L`` becomes σ with a small L."""
    return re.sub(r"_([A-Za-z0-9]+)", r"<sub>\1</sub>", escape(text))


def label_html(declaration: Declaration) -> str:
    """Return title, symbol in italics and unit as one line."""
    parts = [_lowered(declaration.title)]
    if declaration.symbol:
        parts.append(f"<i>{_lowered(declaration.symbol)}</i>")
    if declaration.unit and declaration.unit != declaration.title.lower():
        parts.append(f"({escape(declaration.unit)})")
    return "&nbsp; ".join(parts)


class Control(QWidget):
    """A control made from the declaration of a field.

    Its objectName is the dotted path of the field, its accessible name the title.

    Attributes:
        valueChanged: Emitted with the new value when the user changes it, never by `setValue`.
        editing_started: Emitted when a drag begins; until `editing_finished` all changes belong together.
        editing_finished: Emitted when a drag ends.
        rejected: Emitted with a sentence when something was typed that is no value of this field.
    """

    valueChanged = Signal(object)
    editing_started = Signal()
    editing_finished = Signal()
    rejected = Signal(str)

    def __init__(self, declaration: Declaration) -> None:
        """Take name, title and tooltip from the declaration.

        Args:
            declaration: What the spec says about the field.
        """
        super().__init__()
        self.declaration = declaration
        self._reset_value: Any = declaration.default
        self._reason = ""
        self.setObjectName(declaration.path)
        self.setAccessibleName(declaration.title)
        self.setAccessibleDescription(declaration.help)
        self._renew_tooltip()

    def value(self) -> Any:
        """Return the value."""
        raise NotImplementedError

    def setValue(self, value: Any) -> None:
        """Show a value without telling anyone."""
        raise NotImplementedError

    def change_value(self, value: Any) -> None:
        """Take a value as if the user had chosen it.

        Args:
            value: The new value; an equal one changes nothing.
        """
        changed = value != self.value()
        self.setValue(value)
        if changed:
            self.valueChanged.emit(value)

    @Slot()
    def reset(self) -> None:
        """Go back to the reset value, as if the user had chosen it."""
        if self.isEnabled():
            self.change_value(self._reset_value)

    def set_reset(self, value: Any) -> None:
        """Set what a double click returns to.

        Args:
            value: The value.
        """
        if value != self._reset_value:
            self._reset_value = value
            self._renew_tooltip()

    def set_enabled(self, enabled: bool, reason: str = "") -> None:
        """Enable the control, or disable it and say why.

        Args:
            enabled: Whether it can be used.
            reason: One sentence for the tooltip, where it cannot.
        """
        self.setEnabled(enabled)
        reason = "" if enabled else reason
        if reason != self._reason:
            self._reason = reason
            self._renew_tooltip()
            self.setAccessibleDescription(reason or self.declaration.help)

    @Slot(str, str)
    def reject_number(self, text: str, reason: str) -> None:
        """Say that a text is no number of this field.

        Args:
            text: What was typed.
            reason: Why it cannot be taken, beside the kind and the bounds of the field; may be empty.
        """
        declared = self.declaration
        kind = "a whole number" if declared.type is int else "a number"
        bounds = ""
        if declared.low is not None and declared.high is not None:
            bounds = (
                f" from {self.text_of(declared.type(declared.low))} to {self.text_of(declared.type(declared.high))}"
            )
        elif declared.low is not None:
            bounds = f" of at least {self.text_of(declared.type(declared.low))}"
        why = f": {reason}" if reason else ""
        self.rejected.emit(f"{declared.title} must be {kind}{bounds}, but is “{text.strip()[:40]}”{why}.")

    def make_label(self) -> QLabel:
        """Return a label with title, symbol and unit whose double click resets."""
        label = ResetLabel(label_html(self.declaration), self)
        label.setTextFormat(Qt.TextFormat.RichText)
        label.double_clicked.connect(self.reset)
        return label

    def _renew_tooltip(self) -> None:
        declaration = self.declaration
        parts = [f"<b>{label_html(declaration)}</b>", _lowered(declaration.help)]
        if declaration.formula:
            parts.append(f"<i>{_lowered(declaration.formula)}</i>")
        if self._reason:
            parts.insert(1, f"<b>{escape(self._reason)}</b>")
        else:
            parts.append(f"Double click: back to {escape(self.text_of(self._reset_value))}.")
        self.setToolTip("<br>".join(parts))

    def text_of(self, value: Any) -> str:
        """Return a value in words."""
        if isinstance(value, bool):
            return "on" if value else "off"
        return format_number(value) if isinstance(value, int | float) else str(value)


class ResetLabel(QLabel):
    """A label that tells of double clicks."""

    double_clicked = Signal()

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Tell of it."""
        self.double_clicked.emit()
        event.accept()

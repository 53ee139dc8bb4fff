"""Base class of the controls of declared fields: value, title, tooltip, reset, reason for being disabled."""

from __future__ import annotations

from html import escape
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QWidget

from msd_engine.specs import Declaration
from msd_gui.theme.tips import typeset
from msd_gui.widgets.controls.numbers import format_number


def label_html(declaration: Declaration) -> str:
    """Return title, italic symbol and unit as one line."""
    parts = [typeset(declaration.title)]
    if declaration.symbol:
        parts.append(f"<i>{typeset(declaration.symbol)}</i>")
    if declaration.unit and declaration.unit != declaration.title.lower():
        parts.append(f"({escape(declaration.unit)})")
    return "&nbsp; ".join(parts)


class Control(QWidget):
    """A control made from the declaration of a field.

    Its objectName is the dotted path of the field, its accessible name the title.

    Attributes:
        valueChanged: Emitted with the new value when the user changes it, never by `setValue`.
        editing_started: Emitted when a drag begins; all changes until `editing_finished` belong together.
        editing_finished: Emitted when a drag ends.
        rejected: Emitted with a sentence when the user types an invalid value.
    """

    valueChanged = Signal(object)
    editing_started = Signal()
    editing_finished = Signal()
    rejected = Signal(str)

    def __init__(self, declaration: Declaration) -> None:
        """Set name, title and tooltip from the declaration."""
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
        """Show a value without emitting `valueChanged`."""
        raise NotImplementedError

    def change_value(self, value: Any) -> None:
        """Set a value as if the user had chosen it; an equal value changes nothing."""
        changed = value != self.value()
        self.setValue(value)
        if changed:
            self.valueChanged.emit(value)

    @Slot()
    def reset(self) -> None:
        """Restore the reset value as if the user had chosen it."""
        if self.isEnabled():
            self.change_value(self._reset_value)

    def set_reset(self, value: Any) -> None:
        """Set the value that a double-click restores."""
        if value != self._reset_value:
            self._reset_value = value
            self._renew_tooltip()

    def set_enabled(self, enabled: bool, reason: str = "") -> None:
        """Enable the control, or disable it and give the reason, one sentence, in its tooltip."""
        self.setEnabled(enabled)
        reason = "" if enabled else reason
        if reason != self._reason:
            self._reason = reason
            self._renew_tooltip()
            self.setAccessibleDescription(reason or self.declaration.help)

    @Slot(str, str)
    def reject_number(self, text: str, reason: str) -> None:
        """Emit a sentence that rejects a text.

        Args:
            text: The typed text.
            reason: Reason other than the kind and the bounds of the field; may be empty.
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
        """Return a label with title, symbol and unit; a double-click resets the control."""
        label = ResetLabel(label_html(self.declaration), self)
        label.setTextFormat(Qt.TextFormat.RichText)
        label.double_clicked.connect(self.reset)
        return label

    def _renew_tooltip(self) -> None:
        declaration = self.declaration
        parts = [f"<b>{label_html(declaration)}</b>", typeset(declaration.help)]
        if declaration.formula:
            parts.append(f"<i>{typeset(declaration.formula)}</i>")
        if self._reason:
            parts.insert(1, f"<b>{typeset(self._reason)}</b>")
        else:
            parts.append(f"Double-click to reset to {escape(self.text_of(self._reset_value))}.")
        self.setToolTip("<br>".join(parts))

    def text_of(self, value: Any) -> str:
        """Return a value as text."""
        if isinstance(value, bool):
            return "on" if value else "off"
        return format_number(value) if isinstance(value, int | float) else str(value)


class ResetLabel(QLabel):
    """A label with a signal for double-clicks."""

    double_clicked = Signal()

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Emit `double_clicked`."""
        self.double_clicked.emit()
        event.accept()

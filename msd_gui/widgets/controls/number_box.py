"""A box for one number that understands 1e-3 and keeps what was typed to the last digit."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QEvent, QLocale, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QPalette, QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QWidget

from msd_gui.theme import colours_of
from msd_gui.widgets.controls.guard import KeyGuard
from msd_gui.widgets.controls.numbers import format_number, read_number


class NumberBox(QAbstractSpinBox):
    """Shows a number and takes another one at Enter or when left.

    Attributes:
        typed: Emitted with the number that was typed.
        refused: Emitted with the text that was typed and cannot be taken, and why; without a reason where it is a
            number outside the bounds.
        left: Emitted when Enter was pressed and accepted.
    """

    typed = Signal(object)
    refused = Signal(str, str)
    left = Signal()

    def __init__(
        self,
        *,
        whole: bool,
        low: float | None,
        high: float | None,
        step: Callable[[float, int], float],
        parent: QWidget | None = None,
    ) -> None:
        """Make an empty box.

        Args:
            whole: Whether only whole numbers are meant.
            low: Smallest number that may be typed, or None.
            high: Largest number that may be typed, or None.
            step: Gives the number some steps of the arrow keys away from another.
            parent: Owner.
        """
        super().__init__(parent)
        self._whole, self._low, self._high, self._step = whole, low, high, step
        self._value: float = 0
        self._good = True
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        KeyGuard(self)

    def value(self) -> float:
        """Return the number, not rounded to what is shown."""
        return self._value

    def setValue(self, value: float) -> None:
        """Show a number without telling anyone."""
        self._value = value
        self.lineEdit().setText(format_number(value))
        self._colour(good=True)

    def sizeHint(self) -> QSize:
        """Return room for nine digits."""
        return QSize(self.fontMetrics().horizontalAdvance("0" * 8) + 16, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return the same: a number that is cut is a wrong number."""
        return self.sizeHint()

    def stepBy(self, steps: int) -> None:
        """Step with arrows, page keys (ten steps) and the wheel."""
        self.typed.emit(self._step(self._value, steps))

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Allow both directions; the ends hold by themselves."""
        return QAbstractSpinBox.StepEnabledFlag.StepUpEnabled | QAbstractSpinBox.StepEnabledFlag.StepDownEnabled

    def validate(self, text: str, position: int) -> object:
        """Let anything be typed: a letter that were swallowed would leave another number."""
        return QValidator.State.Acceptable, text, position

    def event(self, event: QEvent) -> bool:
        """Leave Ctrl+Z to the window while there is nothing in the text to undo."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            keys = QKeySequence.StandardKey
            if not self.lineEdit().isModified() and (event.matches(keys.Undo) or event.matches(keys.Redo)):
                event.ignore()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the number at Enter, give the old one back at Escape."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._take():
                self.left.emit()
            event.accept()
        elif event.key() == Qt.Key.Key_Escape and self.lineEdit().isModified():
            self.setValue(self._value)
            event.accept()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the number; text that is none gives way to the last good one."""
        if not self._take():
            self.setValue(self._value)
        super().focusOutEvent(event)

    def _take(self) -> bool:
        # What is shown may be rounded: the same digits, typed, are another number.
        if not self.lineEdit().isModified():
            return True
        text = self.text()
        try:
            value = read_number(text, whole=self._whole, decimal=QLocale().decimalPoint())
        except ValueError as error:
            return self._refuse(text, str(error))
        low = -math.inf if self._low is None else self._low
        high = math.inf if self._high is None else self._high
        if not low <= value <= high:
            return self._refuse(text, "")
        self._colour(good=True)
        self.lineEdit().setModified(False)
        self.typed.emit(value)
        return True

    def _refuse(self, text: str, reason: str) -> bool:
        self._colour(good=False)
        self.refused.emit(text, reason)
        return False

    def _colour(self, *, good: bool) -> None:
        if good == self._good:
            return
        self._good = good
        palette = QPalette()
        if not good:
            palette.setColor(QPalette.ColorRole.Text, colours_of(self.palette()).error)
        self.setPalette(palette)

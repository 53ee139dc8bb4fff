"""A label and a list whose words may not fit."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolTip,
)

from msd_gui.theme.tips import wrapped


class ElidedLabel(QLabel):
    """A line of plain text that ends in an ellipsis where it does not fit, and does not widen its window.

    Args:
        role: Its role in the style sheet; empty for none.
        last: Whether it gets only the room that others leave; otherwise as much as its text needs, if there is so much.
    """

    def __init__(self, role: str = "", *, last: bool = True) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Ignored if last else policy.Preferred, policy.Preferred)
        if role:
            self.setProperty("role", role)

    def minimumSizeHint(self) -> QSize:
        """Allow any width."""
        return QSize(0, super().minimumSizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Show the whole line as tooltip where there is no other."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and not self.toolTip():
            QToolTip.showText(event.globalPos(), wrapped(self.text()), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as much of the text as fits."""
        del event
        place = self.contentsRect()
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, place.width())
        with QPainter(self) as painter:
            self.style().drawItemText(
                painter, place, int(self.alignment()), self.palette(), self.isEnabled(), shown, self.foregroundRole()
            )


class ElidedCombo(QComboBox):
    """A list whose chosen words end in an ellipsis where they do not fit."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the list with as much of its words as fits."""
        del event
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        kind, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        place = self.style().subControlRect(kind, option, part, self)
        words = self.currentText() or self.placeholderText()
        elided = self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, place.width())
        option.currentText = elided  # type: ignore[attr-defined]
        painter.drawComplexControl(kind, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

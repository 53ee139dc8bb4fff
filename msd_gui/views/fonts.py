"""The font that the views write with."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QWidget


def font_of(widget: QWidget, size: float = 1.0, *, bold: bool = False) -> QFont:
    """A widget's font, made fit for x̂.

    Qt puts the hat of x̂ far above the x in DejaVu Sans, the usual font on Linux, because of the font's own table of
    marks; without that feature the hat is placed by its outline, which is right in every font that was tried.

    Args:
        widget: Whose font.
        size: Size relative to the widget's.
        bold: Whether it is bold.

    Returns:
        The font.
    """
    made = QFont(widget.font())
    made.setPointSizeF(made.pointSizeF() * size)
    made.setBold(bold)
    made.setFeature(QFont.Tag("mark"), 0)
    return made

"""The font that the views write with."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QWidget

from msd_gui.theme import readable


def font_of(widget: QWidget, size: float = 1.0) -> QFont:
    """A widget's font, made fit for x̂.

    Args:
        widget: Whose font.
        size: Size relative to the widget's.

    Returns:
        The font.
    """
    made = readable(widget.font())
    made.setPointSizeF(made.pointSizeF() * size)
    made.setBold(False)
    return made

"""The font of the views."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QWidget

from msd_gui.theme import readable


def font_of(widget: QWidget, size: float = 1.0) -> QFont:
    """Return a widget's font, with a fallback that has x̂."""
    made = readable(widget.font())
    made.setPointSizeF(made.pointSizeF() * size)
    made.setBold(False)
    return made

"""Words with subscripts, such as σ<sub>eff</sub>: painted where no label shows them, plain where nobody sees them."""

from __future__ import annotations

import re

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter, QStaticText, QTextOption

SIGMA_EFF = "σ<sub>eff</sub>"
"""The noise of ȳ, σ/√k, for labels that show rich text."""

_SUB = re.compile(r"<sub>(.*?)</sub>")


def plain(words: str) -> str:
    """Return words without marks, for screen readers and files: σ_eff for its rich form."""
    return _SUB.sub(r"_\1", words)


def rich_size(painter: QPainter, words: str) -> QSizeF:
    """Return the room that words with subscripts need in the painter's font."""
    return _prepared(painter, words).size()


def draw_rich(painter: QPainter, rect: QRectF, words: str) -> None:
    """Paint words with subscripts at the right of a rectangle, in its middle, with the painter's font and pen."""
    text = _prepared(painter, words)
    size = text.size()
    painter.drawStaticText(QPointF(rect.right() - size.width(), rect.center().y() - size.height() / 2), text)


def _prepared(painter: QPainter, words: str) -> QStaticText:
    text = QStaticText(words)
    text.setTextFormat(Qt.TextFormat.RichText)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    text.setTextOption(option)
    text.prepare(painter.transform(), painter.font())
    return text

"""Words with subscripts, such as σ<sub>eff</sub>: painted where no label shows them, plain where nobody sees them."""

from __future__ import annotations

import html
import re
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter, QPalette, QStaticText, QTextOption
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

SIGMA_EFF = "σ<sub>eff</sub>"
"""The noise of ȳ, σ/√k, for labels that show rich text."""

_PLAIN = "σ_eff"
_SUB = re.compile(r"<sub>(.*?)</sub>")


def plain(words: str) -> str:
    """Return words without marks, for screen readers and files: σ_eff for its rich form."""
    return _SUB.sub(r"_\1", words)


def has_index(words: str) -> bool:
    """Whether plain words have a sign whose index is to stand below the line."""
    return _PLAIN in words


def indexed(words: str) -> str:
    """Return plain words as rich text: signs that would be marks escaped, the index of σ_eff below the line."""
    return html.escape(words, quote=False).replace(_PLAIN, SIGMA_EFF)


def static_text(words: str) -> QStaticText:
    """Return plain words to be painted again and again; rich text, ten times as slow, only where they need it."""
    rich = indexed(words)
    if "<" in rich:
        return _static(rich)
    text = QStaticText(words)
    text.setTextFormat(Qt.TextFormat.PlainText)
    return text


def rich_size(painter: QPainter, words: str) -> QSizeF:
    """Return the room that words with subscripts need in the painter's font."""
    return _prepared(painter, words).size()


def draw_rich(painter: QPainter, rect: QRectF, words: str, *, left: bool = False) -> None:
    """Paint words with subscripts in a rectangle, half way up, with the painter's font and pen.

    Args:
        painter: Paints.
        rect: The rectangle.
        words: The words, as rich text.
        left: Whether they begin at its left edge; else they end at its right one.
    """
    text = _prepared(painter, words)
    size = text.size()
    across = rect.left() if left else rect.right() - size.width()
    painter.drawStaticText(QPointF(across, rect.center().y() - size.height() / 2), text)


class IndexedCells(QStyledItemDelegate):
    """Cells whose σ_eff has its index below the line; what is copied or spoken stays plain."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint a cell."""
        cell: Any = QStyleOptionViewItem(option)
        self.initStyleOption(cell, index)
        words = cell.text
        if not has_index(words):
            super().paint(painter, option, index)
            return
        cell.text = ""
        style = cell.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, cell, painter, cell.widget)
        chosen = bool(cell.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text
        margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, None, cell.widget) + 1
        painter.save()
        painter.setFont(cell.font)
        painter.setPen(cell.palette.color(role))
        draw_rich(painter, QRectF(cell.rect.adjusted(margin, 0, -margin, 0)), indexed(words), left=True)
        painter.restore()


def _prepared(painter: QPainter, words: str) -> QStaticText:
    text = _static(words)
    text.prepare(painter.transform(), painter.font())
    return text


def _static(words: str) -> QStaticText:
    text = QStaticText(words)
    text.setTextFormat(Qt.TextFormat.RichText)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    text.setTextOption(option)
    return text

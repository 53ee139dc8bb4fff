"""Text with subscripts, such as σ<sub>eff</sub>: painted as rich text without a label, plain for screen readers."""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter, QPalette, QStaticText, QTextOption
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from msd_gui.theme.tips import typeset

SIGMA_EFF = "σ<sub>eff</sub>"
"""The noise of ȳ, σ/√k, for labels that show rich text."""

_PLAIN = "σ_eff"
_SUB = re.compile(r"<sub>(.*?)</sub>")


def plain(words: str) -> str:
    """Remove the markup, for screen readers and files: σ_eff for its rich form."""
    return _SUB.sub(r"_\1", words)


def has_index(words: str) -> bool:
    """Return whether plain text has a sign with a subscript."""
    return _PLAIN in words


def indexed(words: str) -> str:
    """Convert plain text to rich text: escape markup signs, set the index of σ_eff as a subscript."""
    return typeset(words)


def static_text(words: str) -> QStaticText:
    """Return text prepared for repeated painting; rich text, ten times slower, only if necessary."""
    rich = indexed(words)
    if "<" in rich:
        return _static(rich)
    text = QStaticText(words)
    text.setTextFormat(Qt.TextFormat.PlainText)
    return text


def rich_size(painter: QPainter, words: str) -> QSizeF:
    """Return the size of text with subscripts in the painter's font."""
    return _prepared(painter, words).size()


def draw_rich(painter: QPainter, rect: QRectF, words: str, *, left: bool = False) -> None:
    """Paint text with subscripts in a rectangle, vertically centred, with the painter's font and pen.

    Args:
        painter: Paints.
        rect: The rectangle.
        words: Rich text.
        left: Whether to align it left; else right.
    """
    text = _prepared(painter, words)
    size = text.size()
    across = rect.left() if left else rect.right() - size.width()
    painter.drawStaticText(QPointF(across, rect.center().y() - size.height() / 2), text)


class IndexedCells(QStyledItemDelegate):
    """Cells that show the index of σ_eff as a subscript; copied and spoken text stays plain."""

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

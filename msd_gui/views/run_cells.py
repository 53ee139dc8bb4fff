"""Cells of a list of runs: a small picture with name and caption, and a status that is told by a mark and a word."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QImageReader, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from msd_gui.theme import SMALL_FONT, colours_of

Index = QModelIndex | QPersistentModelIndex

PICTURE = Qt.ItemDataRole.UserRole + 1
"""Role: a small picture as the bytes of a PNG, empty for none."""

CAPTION = Qt.ItemDataRole.UserRole + 2
"""Role: words in small letters below the name."""

STATUS = Qt.ItemDataRole.UserRole + 3
"""Role: status, which chooses the colour of its mark."""

ROW_PX = 48
PICTURE_PX = 40
_MARGIN_PX = 4
# Larger pictures are none of ours; they are not even decoded.
_LARGEST_PX = 512
_MARKS = {"running": "accent", "finished": "good", "failed": "error", "damaged": "error", "interrupted": "warning"}


@lru_cache(maxsize=512)
def decoded(png: bytes) -> QPixmap:
    """Decode a small picture.

    Args:
        png: Its bytes.

    Returns:
        The picture; a null one where there is none, or none that is small.
    """
    data = QByteArray(png)
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(b"png"))
    size = reader.size()
    if not size.isValid() or max(size.width(), size.height()) > _LARGEST_PX:
        return QPixmap()
    return QPixmap.fromImage(reader.read())


class RunCells(QStyledItemDelegate):
    """Paints the cells; all others are left to the style."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the size of a cell: all rows have the same height."""
        return QSize(super().sizeHint(option, index).width(), ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell."""
        caption, status = index.data(CAPTION), index.data(STATUS)
        if caption is None and status is None:
            super().paint(painter, option, index)
            return
        place: Any = option.rect  # type: ignore[attr-defined]
        self.initStyleOption(option, index)
        words = option.text  # type: ignore[attr-defined]
        option.text = ""  # type: ignore[attr-defined]
        style = option.widget.style()  # type: ignore[attr-defined]
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if status is not None:
            self._paint_status(painter, option, QRectF(place), words, status)
        else:
            self._paint_name(painter, option, QRectF(place), words, caption, index.data(PICTURE))
        painter.restore()

    def _paint_name(
        self, painter: QPainter, option: Any, place: QRectF, words: str, caption: str, picture: bytes
    ) -> None:
        left = place.left() + _MARGIN_PX
        box = QRectF(left, place.center().y() - PICTURE_PX / 2, PICTURE_PX, PICTURE_PX)
        colours = colours_of(option.palette)
        pixmap = decoded(picture) if picture else QPixmap()
        if pixmap.isNull():
            painter.setPen(QColor(colours.border))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        else:
            size = QSize(pixmap.size()).scaled(QSize(PICTURE_PX, PICTURE_PX), Qt.AspectRatioMode.KeepAspectRatio)
            shown = QRectF(0, 0, size.width(), size.height())
            shown.moveCenter(box.center())
            # Under dots on a transparent ground, which would not be seen on the colour of the selection.
            painter.fillRect(shown, QColor(colours.base))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(shown, pixmap, QRectF(pixmap.rect()))
        rest = place.adjusted(PICTURE_PX + 3 * _MARGIN_PX, _MARGIN_PX, -_MARGIN_PX, -_MARGIN_PX)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        upper = rest.adjusted(0, 0, 0, -rest.height() / 2)
        _write(painter, option, upper, words, colours.on_accent if chosen else colours.text, bottom=True)
        font = option.font
        font.setPointSizeF(font.pointSizeF() * SMALL_FONT)
        painter.setFont(font)
        lower = rest.adjusted(0, rest.height() / 2, 0, 0)
        _write(painter, option, lower, caption, colours.on_accent if chosen else colours.muted, bottom=False)

    def _paint_status(self, painter: QPainter, option: Any, place: QRectF, words: str, status: str) -> None:
        colours = colours_of(option.palette)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        mark = QColor(colours.on_accent if chosen else getattr(colours, _MARKS.get(status, "muted")))
        centre = QPointF(place.left() + 11, place.center().y())
        painter.setPen(Qt.PenStyle.NoPen if status != "stopped" else mark)
        painter.setBrush(mark if status != "stopped" else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(centre, 4, 4)
        text = colours.on_accent if chosen else colours.text
        inside = place.adjusted(21, 0, -_MARGIN_PX, 0)
        painter.setPen(QColor(text))
        painter.setFont(option.font)
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)


def _write(painter: QPainter, option: Any, place: QRectF, words: str, colour: str, *, bottom: bool) -> None:
    if bottom:
        painter.setFont(option.font)
    painter.setPen(QColor(colour))
    metrics = QFontMetrics(painter.font())
    shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(place.width()))
    across = Qt.AlignmentFlag.AlignLeft | (Qt.AlignmentFlag.AlignBottom if bottom else Qt.AlignmentFlag.AlignTop)
    painter.drawText(place, across, shown)

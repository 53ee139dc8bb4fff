"""Cells of a list of runs: a small picture with name and caption, and a status that is told by a mark and a word."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
)
from PySide6.QtGui import QColor, QFontMetrics, QImageReader, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from msd_gui.theme import SMALL_FONT, colours_of

Index = QModelIndex | QPersistentModelIndex

PICTURE = int(Qt.ItemDataRole.UserRole) + 1
"""Role: a small picture as the bytes of a PNG, empty for none."""

CAPTION = int(Qt.ItemDataRole.UserRole) + 2
"""Role: words in small letters below the name."""

# Decoding takes a millisecond or two each: a few in one painting, the others in the next ones.
MOST_AT_ONCE = 3
MOST_KEPT = 1000

ROW_PX = 48
PICTURE_PX = 40
_MARGIN_PX = 4
# Larger pictures are none of ours; they are not even decoded.
_LARGEST_PX = 512
_MARKS = {"running": "accent", "finished": "good", "failed": "error", "damaged": "error", "interrupted": "warning"}


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


class _Cells(QStyledItemDelegate):
    """Cells whose ground is the style's and whose content is painted here."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell."""
        cell: Any = option
        place = QRectF(cell.rect)
        self.initStyleOption(option, index)
        words, cell.text = cell.text, ""
        cell.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, cell.widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_inside(painter, cell, place, words, index)
        painter.restore()

    def paint_inside(self, painter: QPainter, option: Any, place: QRectF, words: str, index: Index) -> None:
        """Paint what is in the cell."""
        raise NotImplementedError


class NameCells(_Cells):
    """A small picture, the name, and a caption below it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures: dict[bytes, QPixmap] = {}
        self._room = MOST_AT_ONCE
        self._waiting: list[QRect] = []

    def paint_inside(self, painter: QPainter, option: Any, place: QRectF, words: str, index: Index) -> None:
        """Paint what is in the cell."""
        picture = self._picture(index.data(PICTURE), option)
        self._paint_name(painter, option, place, words, index.data(CAPTION), picture)

    def _picture(self, png: bytes, option: Any) -> QPixmap:
        """Return a picture, a null one where there is none or where it has to wait for the next round of events."""
        found = self._pictures.get(png) if png else QPixmap()
        if found is not None:
            return found
        if not self._waiting and self._room == MOST_AT_ONCE:
            QTimer.singleShot(0, self, partial(self._go_on, option.widget.viewport()))
        if not self._room:
            self._waiting.append(QRect(option.rect))
            return QPixmap()
        self._room -= 1
        if len(self._pictures) >= MOST_KEPT:
            self._pictures.clear()
        picture = self._pictures[png] = decoded(png)
        return picture

    def _go_on(self, viewport: QWidget) -> None:
        self._room = MOST_AT_ONCE
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            viewport.update(place)

    def _paint_name(
        self, painter: QPainter, option: Any, place: QRectF, words: str, caption: str, pixmap: QPixmap
    ) -> None:
        left = place.left() + _MARGIN_PX
        box = QRectF(left, place.center().y() - PICTURE_PX / 2, PICTURE_PX, PICTURE_PX)
        colours = colours_of(option.palette)
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


class StatusCells(_Cells):
    """A mark whose colour and shape tell the status, and the word for it."""

    def paint_inside(self, painter: QPainter, option: Any, place: QRectF, words: str, index: Index) -> None:
        """Paint what is in the cell."""
        del index
        colours = colours_of(option.palette)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        mark = QColor(colours.on_accent if chosen else getattr(colours, _MARKS.get(words, "muted")))
        centre = QPointF(place.left() + 11, place.center().y())
        painter.setPen(Qt.PenStyle.NoPen if words != "stopped" else mark)
        painter.setBrush(mark if words != "stopped" else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(centre, 4, 4)
        painter.setPen(QColor(colours.on_accent if chosen else colours.text))
        painter.setFont(option.font)
        inside = place.adjusted(21, 0, -_MARGIN_PX, 0)
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)


def _write(painter: QPainter, option: Any, place: QRectF, words: str, colour: str, *, bottom: bool) -> None:
    if bottom:
        painter.setFont(option.font)
    painter.setPen(QColor(colour))
    metrics = QFontMetrics(painter.font())
    shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(place.width()))
    across = Qt.AlignmentFlag.AlignLeft | (Qt.AlignmentFlag.AlignBottom if bottom else Qt.AlignmentFlag.AlignTop)
    painter.drawText(place, across, shown)

"""Cells of the list of runs: a small picture with name and caption, a status with its mark, and plain text.

Qt's own cells query seven roles each; with a model in Python a screenful of them takes longer than a frame.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImageReader, QPainter, QPixmap, QStaticText
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from msd_gui.theme import SMALL_FONT, colours_of
from msd_gui.views.base.rich import static_text

Index = QModelIndex | QPersistentModelIndex

PICTURE = int(Qt.ItemDataRole.UserRole) + 1
"""Role: a small picture as the bytes of a PNG, empty for none."""

CAPTION = int(Qt.ItemDataRole.UserRole) + 2
"""Role: small text below the name."""

# Decoding takes a millisecond or two each: only a few per paint event.
MOST_AT_ONCE = 2
MOST_KEPT = 1000
_MOST_LINES = 20_000

ROW_PX = 48
PICTURE_PX = 40
MARGIN_PX = 4
_MARK_PX = 21
_SELECTED = QStyle.StateFlag.State_Selected.value
# The program makes no larger pictures; they are not decoded.
_LARGEST_PX = 512
_MARKS = {"running": "accent", "finished": "good", "failed": "error", "damaged": "error", "interrupted": "warning"}


def decoded(png: bytes, largest_px: int = 0) -> QPixmap:
    """Decode a small picture.

    Args:
        png: Its bytes.
        largest_px: Largest width and height; larger pictures are scaled down. 0 keeps the size.

    Returns:
        The picture; a null one if there is none or it is too large.
    """
    buffer = QBuffer()
    buffer.setData(QByteArray(png))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(b"png"))
    size = reader.size()
    if not size.isValid() or max(size.width(), size.height()) > _LARGEST_PX:
        return QPixmap()
    image = reader.read()
    if 0 < largest_px < max(size.width(), size.height()) and not image.isNull():
        wanted = QSize(largest_px, largest_px)
        image = image.scaled(wanted, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return QPixmap.fromImage(image)


class _Lines:
    """Lines of text in one font, laid out once for each width."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self._metrics = QFontMetrics(font)
        self.height = self._metrics.height()
        self._kept: dict[tuple[str, int], tuple[QStaticText, int]] = {}

    def write(self, painter: QPainter, words: str, left: int, top: float, room: int, *, right: bool = False) -> None:
        """Write a line, shortened with an ellipsis if it does not fit."""
        found = self._kept.get((words, room)) or self._laid_out(words, room)
        painter.drawStaticText(QPointF(left + found[1] if right else left, top), found[0])

    def _laid_out(self, words: str, room: int) -> tuple[QStaticText, int]:
        if len(self._kept) >= _MOST_LINES:
            self._kept.clear()
        spare = room - self._metrics.horizontalAdvance(words)
        shown = words if spare >= 0 else self._metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        text = static_text(shown)
        text.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
        made = self._kept[words, room] = (text, max(spare, 0))
        return made


class RunCells(QStyledItemDelegate):
    """Paints the cells of a list of runs.

    Args:
        view: The list.
        status: The column of the status.
        right: Columns with right-aligned text, for numbers.
    """

    def __init__(self, view: QAbstractItemView, status: int, right: frozenset[int]) -> None:
        super().__init__(view)
        self._view = view
        # Stored here: querying a model in Python takes longer than painting.
        self._status, self._right = status, right
        self._pictures: dict[tuple[bytes, float], QPixmap] = {}
        self._room = MOST_AT_ONCE
        self._waiting: list[QRect] = []
        self.follow_view()

    def follow_view(self) -> None:
        """Copy the font and the colours of the list; called after each change."""
        font = self._view.font()
        small = QFont(font)
        small.setPointSizeF(font.pointSizeF() * SMALL_FONT)
        self._lines, self._captions = _Lines(font), _Lines(small)
        self._colours = colours = colours_of(self._view.palette())
        # Colours of text and captions, by selection.
        self._inks = (QColor(colours.text), QColor(colours.muted)), (QColor(colours.on_accent),) * 2
        self._ground = QColor(colours.accent)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of all rows; columns have their own widths."""
        del option, index
        return QSize(0, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell."""
        cell: Any = option
        place: QRect = cell.rect
        chosen = bool(cell.state.value & _SELECTED)
        column, words = index.column(), index.data()
        ink, faint = self._inks[chosen]
        if chosen:
            painter.fillRect(place, self._ground)
        painter.setPen(ink)
        painter.setFont(self._lines.font)
        left, room, middle = place.left() + MARGIN_PX, place.width() - 2 * MARGIN_PX, place.top() + ROW_PX / 2
        if column == 0:
            start, taken = left, PICTURE_PX + 2 * MARGIN_PX
            left, room = left + taken, room - taken
            self._lines.write(painter, words, left, middle - self._lines.height, room)
            painter.setPen(faint)
            painter.setFont(self._captions.font)
            self._captions.write(painter, index.data(CAPTION), left, middle, room)
            box = QRect(start, round(middle - PICTURE_PX / 2), PICTURE_PX, PICTURE_PX)
            self._paint_picture(painter, box, self._picture(index.data(PICTURE), place))
            return
        if column == self._status:
            mark = ink if chosen else QColor(getattr(self._colours, _MARKS.get(words, "muted")))
            _paint_mark(painter, QPointF(place.left() + 11, middle), mark, hollow=words == "stopped")
            left, room = place.left() + _MARK_PX, place.width() - _MARK_PX - MARGIN_PX
        top = middle - self._lines.height / 2
        self._lines.write(painter, words, left, top, room, right=column in self._right)

    def _paint_picture(self, painter: QPainter, box: QRect, picture: QPixmap) -> None:
        if picture.isNull():
            painter.setPen(QColor(self._colours.border))
            painter.drawRect(box.adjusted(0, 0, -1, -1))
            return
        size = picture.deviceIndependentSize()
        if max(size.width(), size.height()) < PICTURE_PX:
            size = size.scaled(PICTURE_PX, PICTURE_PX, Qt.AspectRatioMode.KeepAspectRatio)
        shown = QRectF(0, 0, size.width(), size.height())
        shown.moveCenter(QRectF(box).center())
        # Under dots on a transparent background, invisible on the colour of the selection.
        painter.fillRect(shown, QColor(self._colours.base))
        painter.drawPixmap(shown, picture, QRectF(picture.rect()))

    def _picture(self, png: bytes, place: QRect) -> QPixmap:
        """Return a picture, or a null one if there is none or it waits for the next event loop."""
        ratio = self._view.devicePixelRatioF()
        found = self._pictures.get((png, ratio))
        if found is not None or not png:
            return found or QPixmap()
        if self._room == MOST_AT_ONCE:
            QTimer.singleShot(0, self, self._next_round)
        if not self._room:
            self._waiting.append(QRect(place))
            return QPixmap()
        self._room -= 1
        if len(self._pictures) >= MOST_KEPT:
            self._pictures.clear()
        picture = self._pictures[png, ratio] = decoded(png, round(PICTURE_PX * ratio))
        picture.setDevicePixelRatio(ratio)
        return picture

    def _next_round(self) -> None:
        self._room = MOST_AT_ONCE
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            self._view.viewport().update(place)


def _paint_mark(painter: QPainter, middle: QPointF, ink: QColor, *, hollow: bool) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(ink if hollow else Qt.PenStyle.NoPen)
    painter.setBrush(Qt.BrushStyle.NoBrush if hollow else ink)
    painter.drawEllipse(middle, 4, 4)
    painter.restore()

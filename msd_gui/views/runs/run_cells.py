"""Cells of a list of runs: a small picture with name and caption, and a status that is told by a mark and a word."""

from __future__ import annotations

from enum import IntEnum
from functools import partial
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImageReader, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from msd_gui.theme import Colours
from msd_gui.views.runs.cells import MARGIN_PX, Index, Rounds, WordCells

PICTURE = int(Qt.ItemDataRole.UserRole) + 1
"""Role: a small picture as the bytes of a PNG, empty for none."""

CAPTION = int(Qt.ItemDataRole.UserRole) + 2
"""Role: words in small letters below the name."""

FOLD = int(Qt.ItemDataRole.UserRole) + 4
"""Role: a `Fold`."""


class Fold(IntEnum):
    """What a line is among lines that can be folded into one."""

    ALONE = 0
    FOLDED = 1
    OPEN = 2
    INSIDE = 3


# Decoding takes a millisecond or two each: a few in one painting, the others in the next ones.
MOST_AT_ONCE = 2
MOST_KEPT = 1000

ROW_PX = 48
PICTURE_PX = 40
MARK_PX = 16
"""Room for the mark of a line that can be unfolded, which all lines keep free."""

_INSIDE_PX = 18
# Larger pictures are none of ours; they are not even decoded.
_LARGEST_PX = 512
_MARKS = {"running": "accent", "finished": "good", "failed": "error", "damaged": "error", "interrupted": "warning"}


def decoded(png: bytes, largest_px: int = 0) -> QPixmap:
    """Decode a small picture.

    Args:
        png: Its bytes.
        largest_px: Width or height to which it is made smaller where it is larger; 0 leaves it as it is.

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
    image = reader.read()
    if 0 < largest_px < max(size.width(), size.height()) and not image.isNull():
        wanted = QSize(largest_px, largest_px)
        image = image.scaled(wanted, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return QPixmap.fromImage(image)


class NameCells(WordCells):
    """A small picture, the name, and a caption below it."""

    def __init__(self, parent: QObject | None = None, rounds: Rounds | None = None) -> None:
        super().__init__(parent, rounds)
        self._pictures: dict[tuple[bytes, float], QPixmap] = {}
        self._room = MOST_AT_ONCE
        self._waiting: list[QRect] = []
        # Name and fold of the line that is being painted.
        self._line: tuple[str, Fold] = ("", Fold.ALONE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the first cell of a row, unless the row has to wait for the next round of events."""
        cell: Any = option
        place = cell.rect
        self._line = index.data(), index.data(FOLD)
        if self.rounds is not None:
            known = self.words.knows(self._line[0], place.right() - _left(place, self._line[1]) - MARGIN_PX)
            if not self.rounds.begin(index.row(), place, known=known):
                return
        super().paint(painter, option, index)

    def paint_inside(
        self, painter: QPainter, option: Any, place: QRect, index: Index, colours: Colours, *, chosen: bool
    ) -> None:
        """Paint what is in the cell."""
        name, fold = self._line
        left = _left(place, fold)
        start = left - PICTURE_PX - 2 * MARGIN_PX
        middle, room = place.top() + place.height() / 2, place.right() - left - MARGIN_PX
        self.words.paint(painter, name, left, middle - self.words.height, room)
        painter.setPen(QColor(colours.on_accent if chosen else colours.muted))
        painter.setFont(self.small.font)
        self.small.paint(painter, index.data(CAPTION), left, middle, room)
        if fold in (Fold.FOLDED, Fold.OPEN):
            ink = colours.on_accent if chosen else colours.text
            self._paint_mark(painter, place.left() + MARK_PX / 2, middle, ink, is_open=fold == Fold.OPEN)
        box = QRect(start, round(middle - PICTURE_PX / 2), PICTURE_PX, PICTURE_PX)
        self._paint_picture(painter, box, self._picture(index.data(PICTURE), option), colours)

    @staticmethod
    def _paint_mark(painter: QPainter, x: float, y: float, colour: str, *, is_open: bool) -> None:
        """Paint the angle that points to the right, or down where the line is unfolded."""
        a, b = (4.0, 2.0) if is_open else (2.0, 4.0)
        tip = QPointF(x, y + b) if is_open else QPointF(x + a, y)
        ends = (
            (QPointF(x - a, y - b), QPointF(x + a, y - b))
            if is_open
            else (QPointF(x - a, y - b), QPointF(x - a, y + b))
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colour), 1.6))
        painter.drawPolyline([ends[0], tip, ends[1]])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def _paint_picture(self, painter: QPainter, box: QRect, picture: QPixmap, colours: Colours) -> None:
        if picture.isNull():
            painter.setPen(QColor(colours.border))
            painter.drawRect(box.adjusted(0, 0, -1, -1))
            return
        size = picture.deviceIndependentSize()
        if max(size.width(), size.height()) < PICTURE_PX:
            size = size.scaled(PICTURE_PX, PICTURE_PX, Qt.AspectRatioMode.KeepAspectRatio)
        shown = QRectF(0, 0, size.width(), size.height())
        shown.moveCenter(QRectF(box).center())
        # Under dots on a transparent ground, which would not be seen on the colour of the selection.
        painter.fillRect(shown, QColor(colours.base))
        painter.drawPixmap(shown, picture, QRectF(picture.rect()))

    def _picture(self, png: bytes, option: Any) -> QPixmap:
        """Return a picture, a null one where there is none or where it has to wait for the next round of events."""
        if not png:
            return QPixmap()
        ratio = option.widget.devicePixelRatioF()
        found = self._pictures.get((png, ratio))
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
        picture = self._pictures[png, ratio] = decoded(png, round(PICTURE_PX * ratio))
        picture.setDevicePixelRatio(ratio)
        return picture

    def _go_on(self, viewport: QWidget) -> None:
        self._room = MOST_AT_ONCE
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            viewport.update(place)


def _left(place: QRect, fold: Fold) -> int:
    """Return where the words begin in the first cell of a row."""
    return place.left() + MARK_PX + (_INSIDE_PX if fold == Fold.INSIDE else 0) + PICTURE_PX + 2 * MARGIN_PX


class StatusCells(WordCells):
    """A mark whose colour and shape tell the status, and the word for it."""

    def paint_inside(
        self, painter: QPainter, option: Any, place: QRect, index: Index, colours: Colours, *, chosen: bool
    ) -> None:
        """Paint what is in the cell."""
        del option
        words = index.data()
        left, top = place.left() + 21, place.top() + (place.height() - self.words.height) / 2
        self.words.paint(painter, words, left, top, place.right() - left - MARGIN_PX)
        mark = QColor(colours.on_accent if chosen else getattr(colours, _MARKS.get(words, "muted")))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen if words != "stopped" else mark)
        painter.setBrush(mark if words != "stopped" else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(place.left() + 11, place.top() + place.height() / 2), 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

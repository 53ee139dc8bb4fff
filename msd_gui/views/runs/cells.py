"""Cells of a long list, painted with few calls: words are laid out once and kept.

Qt's own cells ask the model for seven roles and lay their words out anew at each painting; with a model in Python that
takes a screenful of rows beyond a frame's time.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QStaticText, QTextOption
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from msd_gui.theme import SMALL_FONT, Colours, colours_of
from msd_gui.views.base.rich import indexed

Index = QModelIndex | QPersistentModelIndex

MARGIN_PX = 4
_MOST_WORDS = 20_000
NEW_ROWS = 5
"""Rows that are painted for the first time in one round."""


class Words:
    """Lines of text in one font, each laid out once for each room that it had."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self._metrics = QFontMetrics(font)
        self.height = self._metrics.height()
        self._kept: dict[tuple[str, int], tuple[QStaticText, int]] = {}

    def paint(self, painter: QPainter, words: str, left: int, top: float, room: int, *, right: bool = False) -> None:
        """Paint a line, cut off with an ellipsis where there is too little room.

        Args:
            painter: Paints, in the colour of its pen.
            words: The line.
            left: Where the room begins.
            top: Top of the line.
            room: Width of the room.
            right: Whether the line ends where the room ends.
        """
        found = self._kept.get((words, room))
        if found is None:
            found = self._laid_out(words, room)
        text, spare = found
        painter.drawStaticText(QPointF(left + spare if right else left, top), text)

    def knows(self, words: str, room: int) -> bool:
        """Return whether a line is laid out for a room already."""
        return (words, room) in self._kept

    def _laid_out(self, words: str, room: int) -> tuple[QStaticText, int]:
        if len(self._kept) >= _MOST_WORDS:
            self._kept.clear()
        shown = self._metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        known = indexed(shown)
        # Rich text takes ten times as long: only where an index is to stand below the line.
        rich = "<" in known
        text = QStaticText(known if rich else shown)
        text.setTextFormat(Qt.TextFormat.RichText if rich else Qt.TextFormat.PlainText)
        if rich:
            option = QTextOption()
            option.setWrapMode(QTextOption.WrapMode.NoWrap)
            text.setTextOption(option)
        text.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
        made = self._kept[words, room] = (text, room - self._metrics.horizontalAdvance(shown))
        return made


class Rounds(QObject):
    """Spreads the first painting of many rows over rounds of events: a screenful at once takes most of a frame.

    Args:
        view: The list that is painted.
    """

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._view = view
        self._left = NEW_ROWS
        self._put_off = -1
        self._waiting: list[QRect] = []

    def puts_off(self, row: int) -> bool:
        """Return whether the row that is being painted waits for the next round."""
        return row == self._put_off

    def begin(self, row: int, place: QRect, *, known: bool) -> bool:
        """Begin to paint a row, and return whether it is to be painted in this round.

        Args:
            row: The row.
            place: Where one of its cells is.
            known: Whether it was painted before.
        """
        self._put_off = -1
        if known:
            return True
        if self._left == NEW_ROWS and not self._waiting:
            QTimer.singleShot(0, self, self._go_on)
        if self._left:
            self._left -= 1
            return True
        self._put_off = row
        self._waiting.append(QRect(0, place.top(), self._view.viewport().width(), place.height()))
        return False

    def _go_on(self) -> None:
        self._left, self._put_off = NEW_ROWS, -1
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            self._view.viewport().update(place)


class WordCells(QStyledItemDelegate):
    """One line of words on the ground of the list or of the selection.

    Args:
        parent: Owns it.
        rounds: Says which rows are painted in this round; None paints all.
        right: Columns whose words stand to the right, as numbers do.
    """

    def __init__(
        self, parent: QObject | None = None, rounds: Rounds | None = None, right: Collection[int] = ()
    ) -> None:
        super().__init__(parent)
        self.rounds = rounds
        # Known here: asking a model in Python takes longer than painting.
        self._right = frozenset(right)
        self.words = Words(QFont())
        self.small = Words(QFont())
        self._font: QFont | None = None
        self._colours: tuple[int, Colours] | None = None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell."""
        cell: Any = option
        if self.rounds is not None and self.rounds.puts_off(index.row()):
            return
        self._follow(cell.font)
        colours = self._colours_of(cell.palette)
        place, state = cell.rect, cell.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(place, QColor(colours.accent))
        elif state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(colours.muted))
            painter.drawRect(place.adjusted(0, 0, -1, -1))
        painter.setPen(QColor(colours.on_accent if chosen else colours.text))
        painter.setFont(self.words.font)
        self.paint_inside(painter, cell, place, index, colours, chosen=chosen)

    def paint_inside(
        self, painter: QPainter, option: Any, place: QRect, index: Index, colours: Colours, *, chosen: bool
    ) -> None:
        """Paint what is in the cell; pen and font are those of its words.

        Args:
            painter: Paints.
            option: The style option of the cell.
            place: The cell.
            index: Whose cell.
            colours: The named colours.
            chosen: Whether the row is selected.
        """
        del option, colours, chosen
        top = place.top() + (place.height() - self.words.height) / 2
        room = place.width() - 2 * MARGIN_PX
        right = index.column() in self._right
        self.words.paint(painter, index.data(), place.left() + MARGIN_PX, top, room, right=right)

    def _follow(self, font: QFont) -> None:
        if self._font is None or self._font != font:
            self._font = QFont(font)
            small = QFont(font)
            small.setPointSizeF(font.pointSizeF() * SMALL_FONT)
            self.words, self.small = Words(self._font), Words(small)

    def _colours_of(self, palette: Any) -> Colours:
        key = palette.cacheKey()
        if self._colours is None or self._colours[0] != key:
            self._colours = (key, colours_of(palette))
        return self._colours[1]

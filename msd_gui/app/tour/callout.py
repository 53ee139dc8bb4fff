"""The frame around a widget of the tour, and the words beside it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from msd_gui.theme import colours_of
from msd_gui.widgets.controls.guard import PRESS_KEYS, KeyGuard

_WIDTH_PX, _GAP_PX, _PEN_PX = 300, 8, 3


class Ring(QWidget):
    """A frame around a part of the window; the mouse works through it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def surround(self, target: QRect | None) -> None:
        """Surround a rectangle of the window; None hides the frame."""
        if target is not None:
            self.setGeometry(target.adjusted(-_GAP_PX // 2, -_GAP_PX // 2, _GAP_PX // 2, _GAP_PX // 2))
            self.raise_()
        self.setVisible(target is not None)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame."""
        del event
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(colours_of(self.palette()).accent), _PEN_PX))
            inset = _PEN_PX / 2
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 4, 4)


class Callout(QFrame):
    """Title, words and buttons of a stop, beside its widget.

    Attributes:
        next_pressed: Emitted by the button *Next*.
        back_pressed: Emitted by the button *Back*.
        leave_pressed: Emitted by the button *Leave*.
        return_pressed: Emitted by the button that goes to the page of the stop.
    """

    next_pressed = Signal()
    back_pressed = Signal()
    leave_pressed = Signal()
    return_pressed = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("callout")
        self.setFixedWidth(_WIDTH_PX)
        self._place, self._title, self._words = QLabel(), QLabel(), QLabel()
        self._place.setProperty("role", "muted")
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        for label in (self._title, self._words):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.back, self.next, self.leave, self.there = QPushButton(), QPushButton(), QPushButton(), QPushButton()
        signals = (self.back_pressed, self.next_pressed, self.leave_pressed, self.return_pressed)
        for button, name, signal in zip(self.buttons(), ("back", "next", "leave", "return"), signals, strict=True):
            button.setObjectName(f"tour.{name}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            KeyGuard(button, PRESS_KEYS)
            button.clicked.connect(signal)
        self.back.setText("Back")
        self.leave.setText("Leave")
        self.leave.setToolTip("Leave the tour (Esc).")
        row = QHBoxLayout()
        row.addWidget(self._place, 1)
        for button in (self.leave, self.back, self.next):
            row.addWidget(button)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        for part in (self._title, self._words, self.there):
            column.addWidget(part)
        column.addLayout(row)
        self.hide()

    def buttons(self) -> tuple[QPushButton, ...]:
        """Return the buttons: back, next, leave, and to the page of the stop."""
        return self.back, self.next, self.leave, self.there

    def words(self) -> str:
        """Return the words."""
        return self._words.text()

    def set_words(self, title: str, words: str, place: str, following: str) -> None:
        """Show a stop.

        Args:
            title: Title.
            words: One to three sentences.
            place: Place in the tour, such as ``2 of 8``.
            following: Text of the button that goes on.
        """
        self._title.setText(title)
        self._words.setText(words)
        self._place.setText(place)
        self.next.setText(following)
        self.setAccessibleName(f"Tour, {place}: {title}. {words}")

    def set_elsewhere(self, page: str) -> None:
        """Offer the way to the stop's page, by its title; empty while it is in front."""
        self.there.setText(f"Go to {page}")
        self.there.setVisible(bool(page))

    def stand_beside(self, target: QRect | None, inside: QRect) -> None:
        """Move beside a rectangle of the window within another, or into the lower right corner for None."""
        size = QSize(_WIDTH_PX, min(self._column.totalHeightForWidth(_WIDTH_PX), inside.height()))
        self.setGeometry(QRect(beside(target, size, inside), size))
        self.raise_()


def beside(target: QRect | None, size: QSize, inside: QRect) -> QPoint:
    """Return the place of a rectangle that covers as little of a target as it can, near to it and inside another.

    Args:
        target: What it stands beside; None for the lower right corner.
        size: Its size.
        inside: Where it must lie.
    """
    most = QPoint(inside.right() + 1 - size.width() - _GAP_PX, inside.bottom() + 1 - size.height() - _GAP_PX)
    if target is None:
        return QPoint(max(inside.left(), most.x()), max(inside.top(), most.y()))
    middle = target.center() - QPoint(size.width() // 2, size.height() // 2)
    wanted = (
        QPoint(target.right() + 2 * _GAP_PX, middle.y()),
        QPoint(middle.x(), target.bottom() + 2 * _GAP_PX),
        QPoint(target.left() - 2 * _GAP_PX - size.width(), middle.y()),
        QPoint(middle.x(), target.top() - 2 * _GAP_PX - size.height()),
    )
    least = inside.topLeft() + QPoint(_GAP_PX, _GAP_PX)
    places = [QPoint(max(least.x(), min(one.x(), most.x())), max(least.y(), min(one.y(), most.y()))) for one in wanted]

    def covered(place: QPoint) -> int:
        common = QRect(place, size).intersected(target)
        return max(0, common.width()) * max(0, common.height())

    return min(places, key=covered)

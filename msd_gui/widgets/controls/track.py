"""The bare slider: a track with a handle, and an optional mark, such as the wall."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSlider, QWidget

from msd_gui.theme import SMALL_FONT, colours_of, with_alpha
from msd_gui.widgets.controls.guard import SLIDER_KEYS, KeyGuard

# Qt sliders use whole numbers: far more of them than pixels.
TICKS = 100_000
HANDLE_PX = 6.0
GROOVE_PX = 4.0
# Below the middle of the groove: half the height of the number box beside it.
_BELOW_PX = 10.0

STEPS = {
    Qt.Key.Key_Left: (-1, False),
    Qt.Key.Key_Down: (-1, False),
    Qt.Key.Key_Right: (1, False),
    Qt.Key.Key_Up: (1, False),
    Qt.Key.Key_PageDown: (-1, True),
    Qt.Key.Key_PageUp: (1, True),
}


class Track(QSlider):
    """A slider from 0 to 1 whose handle jumps to a press.

    Attributes:
        moved: Emitted with the fraction on a press and while the user drags.
        stepped: Emitted with a number of steps and whether they are large, for keys and wheel.
        drag_started: Emitted when a drag begins.
        drag_finished: Emitted when a drag ends.
        double_clicked: Emitted on a double-click.
    """

    moved = Signal(float)
    stepped = Signal(int, bool)
    drag_started = Signal()
    drag_finished = Signal()
    double_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        """Make a horizontal track with the handle at its left end."""
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, TICKS)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._mark: float | None = None
        self._mark_text = ""
        self._dragging = False
        self._wheel_left = 0
        KeyGuard(self, SLIDER_KEYS)

    def fraction(self) -> float:
        """Return the position of the handle, from 0 to 1."""
        return self.value() / TICKS

    def set_fraction(self, fraction: float) -> None:
        """Move the handle to a position from 0 to 1 without emitting `moved`."""
        self.setValue(round(fraction * TICKS))

    def set_mark(self, fraction: float | None, text: str = "") -> None:
        """Mark a position beyond which values are dangerous.

        Args:
            fraction: The position, from 0 to 1; None for no mark.
            text: Short text at the mark.
        """
        if (fraction, text) != (self._mark, self._mark_text):
            self._mark, self._mark_text = fraction, text
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """Return a size that includes the text of the mark."""
        above = self._text_height() + HANDLE_PX + 1 if self._mark_text else _BELOW_PX
        return QSize(120, round(above + _BELOW_PX))

    def minimumSizeHint(self) -> QSize:
        """Return the smallest usable size."""
        return QSize(60, self.sizeHint().height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the handle to the pointer and begin a drag."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._dragging = True
        self.drag_started.emit()
        self._drag_to(event.position())
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the handle."""
        if self._dragging:
            self._drag_to(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._end_drag()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Emit `double_clicked`; the second press begins no drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step by arrow and page keys, go to the ends by Home and End."""
        key = Qt.Key(event.key())
        if key in STEPS:
            self.stepped.emit(*STEPS[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.moved.emit(0.0 if key == Qt.Key.Key_Home else 1.0)
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step once per notch."""
        self._wheel_left += event.angleDelta().y()
        count = int(self._wheel_left / 120)
        self._wheel_left -= 120 * count
        if count:
            self.stepped.emit(count, False)
        event.accept()

    def hideEvent(self, event: QHideEvent) -> None:
        """End the drag: a hidden widget gets no release."""
        self._end_drag()
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """End the drag when the track is disabled."""
        if event.type() == QEvent.Type.EnabledChange and not self.isEnabled():
            self._end_drag()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw groove, mark and handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = colours_of(self.palette())
        enabled = self.isEnabled()
        middle, at = self._middle(), self._x(self.fraction())
        left, right = 1.0, self.width() - 1.0
        fill = QColor(colours.accent) if enabled else with_alpha(colours.muted, 0.4)
        self._bar(painter, left, right, QColor(colours.border))
        self._bar(painter, left, at, fill)
        if self._mark is not None and enabled:
            self._paint_mark(painter, QColor(colours.error), self._x(self._mark), right)
        role = QPalette.ColorRole
        painter.setBrush(self.palette().color(role.Base if enabled else role.Window))
        painter.setPen(QPen(fill, 3.0 if self.hasFocus() else 2.0))
        radius = HANDLE_PX - (0.5 if self.hasFocus() else 1.0) + (0.5 if self.underMouse() or self._dragging else 0.0)
        painter.drawEllipse(QPointF(at, middle), radius, radius)

    def _paint_mark(self, painter: QPainter, colour: QColor, x: float, right: float) -> None:
        middle = self._middle()
        self._bar(painter, x, right, with_alpha(colour.name(), 0.55))
        painter.setPen(QPen(colour, 2.0))
        painter.drawLine(QPointF(x, middle - HANDLE_PX - 1), QPointF(x, middle + HANDLE_PX))
        painter.setFont(self._small_font())
        width = painter.fontMetrics().horizontalAdvance(self._mark_text)
        start = min(max(x - width / 2, 0.0), self.width() - width - 1.0)
        box = QRectF(start, 0.0, width + 1, self._text_height())
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._mark_text)

    def _bar(self, painter: QPainter, left: float, right: float, colour: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        box = QRectF(left, self._middle() - GROOVE_PX / 2, max(right - left, 0.0), GROOVE_PX)
        painter.drawRoundedRect(box, GROOVE_PX / 2, GROOVE_PX / 2)

    def _text_height(self) -> float:
        return QFontMetricsF(self._small_font()).height()

    def _small_font(self) -> QFont:
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL_FONT)
        return font

    def _middle(self) -> float:
        """Return the height of the groove; a mark needs space for its text above it."""
        centre = self.height() / 2
        return max(centre, self.height() - _BELOW_PX) if self._mark_text else centre

    def _x(self, fraction: float) -> float:
        return HANDLE_PX + 1 + fraction * (self.width() - 2 * HANDLE_PX - 2)

    def _drag_to(self, position: QPointF) -> None:
        room = max(self._x(1.0) - self._x(0.0), 1.0)
        self.moved.emit(min(max((position.x() - self._x(0.0)) / room, 0.0), 1.0))

    def _end_drag(self) -> None:
        if self._dragging:
            self._dragging = False
            self.update()
            self.drag_finished.emit()

"""The timeline of a run: levels of the ladder, the computed part, and a handle to drag."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy

from msd_gui.theme import with_alpha
from msd_gui.views.base.canvas import Canvas
from msd_gui.views.base.colour_maps import between
from msd_gui.widgets.controls.numbers import number

_MARGIN_PX, _HANDLE_PX = 8.0, 6.0


class Timeline(Canvas):
    """Each level is a bar as high as log σ; the handle marks the displayed step."""

    position_changed = Signal(int)

    def __init__(self) -> None:
        super().__init__("Timeline of the chains")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._sigmas: tuple[float, ...] = ()
        self._ends: tuple[int, ...] = ()
        self._available = 0
        self._position = 0
        self._mark: int | None = None
        self._painted: tuple[object, tuple[QPixmap, QPixmap]] | None = None

    def set_levels(self, sigmas: Sequence[float], steps: Sequence[int]) -> None:
        """Set the levels of the run.

        Args:
            sigmas: σ of each level, in order.
            steps: Steps in each level.
        """
        before = self._sigmas, self._ends
        self._sigmas = tuple(float(s) for s in sigmas)
        self._ends = tuple(accumulate(steps))
        if before == (self._sigmas, self._ends):
            return
        self._available = min(self._available, self.total())
        self._position = min(self._position, self.total())
        self.update()

    def set_available(self, step: int) -> None:
        """Set the last computed step."""
        if step != self._available:
            self._available = step
            self.update()

    def set_position(self, step: int) -> None:
        """Move the handle without a signal."""
        if step != self._position:
            self._position = step
            self.update()

    def set_mark(self, step: int | None) -> None:
        """Mark a step, such as that of a branch; None for no mark."""
        if step != self._mark:
            self._mark = step
            self.update()

    def go_to_level(self, by: int) -> None:
        """Move the handle to the start of the level after (1) or before (-1) the present one."""
        starts = (0, *self._ends)
        if by > 0:
            self._go(min((s for s in starts if s > self._position), default=self.total()))
        else:
            self._go(max((s for s in starts if s < self._position), default=0))

    def total(self) -> int:
        """Return the total number of steps."""
        return self._ends[-1] if self._ends else 0

    def position(self) -> int:
        """Return the step of the handle."""
        return self._position

    def level_of(self, step: int) -> int:
        """Return the index of a step's level; the state after the last step of a level belongs to that level."""
        return int(np.searchsorted(self._ends, step, side="left")) if step < self.total() else len(self._ends) - 1

    def text(self) -> str:
        """Return step, level and σ as text."""
        if not self._sigmas:
            return ""
        level = self.level_of(self._position)
        where = f"step {self._position} of {self.total()}"
        return f"{where}   level {level + 1} of {len(self._sigmas)}   σ = {number(self._sigmas[level])}"

    def sizeHint(self) -> QSize:
        """Return the size of the bars with a line of text below."""
        return QSize(400, self.line_height() + 40)

    def minimumSizeHint(self) -> QSize:
        """Return the same height with a smaller width."""
        return QSize(200, self.line_height() + 40)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint levels, computed part, handle and text."""
        del event
        with self.begin() as painter:
            if not self._sigmas:
                return
            ratio = self.devicePixelRatioF()
            edges = (0.0, round(self._x_of(self._available) * ratio), self.width() * ratio)
            for picture, (left, right) in zip(self._levels_pictures(), pairwise(edges), strict=True):
                part = QRectF(left, 0, right - left, self.height() * ratio)
                painter.drawPixmap(QRectF(left / ratio, 0, part.width() / ratio, self.height()), picture, part)
            x, bottom = self._x_of(self._position), self._bar().bottom()
            painter.setPen(Qt.PenStyle.NoPen)
            if self._mark is not None:
                painter.setBrush(QColor(self.colours.chosen))
                painter.drawRect(QRectF(self._x_of(self._mark) - 1, 2, 2, bottom - 2))
            painter.setBrush(QColor(self.colours.accent))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawRect(QRectF(x - 1, 2, 2, bottom - 2))
            tip = [QPointF(x - _HANDLE_PX, 1), QPointF(x + _HANDLE_PX, 1), QPointF(x, 1 + 1.4 * _HANDLE_PX)]
            painter.drawPolygon(QPolygonF(tip))
            painter.setPen(QColor(self.colours.text))
            below = QRectF(_MARGIN_PX, bottom + 2, self.width() - 2 * _MARGIN_PX, self.line_height() + 2)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self.text())
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(with_alpha(self.colours.accent, 0.7))
                painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _levels_pictures(self) -> tuple[QPixmap, QPixmap]:
        """Return the levels as computed and as not yet, painted again only after a change of levels, size or theme."""
        ratio = self.devicePixelRatioF()
        key = (self._sigmas, self._ends, self.size(), ratio, self.colours)
        if self._painted is None or self._painted[0] != key:
            self._painted = (key, (self._levels_picture(ratio, done=True), self._levels_picture(ratio, done=False)))
        return self._painted[1]

    def _levels_picture(self, ratio: float, *, done: bool) -> QPixmap:
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        with QPainter(picture) as painter:
            self._paint_levels(painter, done=done)
        return picture

    def _paint_levels(self, painter: QPainter, *, done: bool) -> None:
        bar, colours = self._bar(), self.colours
        logs = np.log(np.maximum(self._sigmas, 1e-12))
        span = float(np.ptp(logs)) or 1.0
        for level, (end, value) in enumerate(zip(self._ends, logs, strict=True)):
            left, right = self._x_of(self._ends[level - 1] if level else 0), self._x_of(end)
            # Even the smallest σ keeps a visible bar.
            height = bar.height() * (0.25 + 0.75 * (float(value) - logs.min()) / span)
            shade = 0.42 if level % 2 else 0.30
            share = shade + 0.25 if done else 0.4 * shade
            place = QRectF(left, bar.bottom() - height, right - left, height)
            painter.fillRect(place, between(colours.base, colours.data, share))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the handle to the mouse."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._go(self._step_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the handle."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(self._step_at(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move by a level with Page up and down, to the ends with Home and End; leave other keys to the page."""
        match event.key():
            case Qt.Key.Key_Home:
                self._go(0)
            case Qt.Key.Key_End:
                self._go(self._available)
            case Qt.Key.Key_PageDown:
                self.go_to_level(1)
            case Qt.Key.Key_PageUp:
                self.go_to_level(-1)
            case _:
                super().keyPressEvent(event)

    def _go(self, step: int) -> None:
        step = max(0, min(step, self._available, self.total()))
        if step != self._position:
            self.set_position(step)
            self.position_changed.emit(step)

    def _bar(self) -> QRectF:
        return QRectF(_MARGIN_PX, 4, self.width() - 2 * _MARGIN_PX, self.height() - self.line_height() - 8)

    def _x_of(self, step: int) -> float:
        bar = self._bar()
        return bar.left() + bar.width() * step / max(1, self.total())

    def _step_at(self, x: float) -> int:
        bar = self._bar()
        return round((x - bar.left()) / max(1.0, bar.width()) * self.total())

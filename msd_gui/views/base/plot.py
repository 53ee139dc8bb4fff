"""Base class of the plots: axes, legend, read-out, theme, and no drawing while hidden."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QLabel

from msd_engine.events.plots import Bounds, Key, Plot
from msd_gui.theme import Colours, colours_of
from msd_gui.views.base.fonts import font_of
from msd_gui.views.base.legend import Legend
from msd_gui.views.base.log_axis import LogAxis


class PlotView(pg.PlotWidget):
    """A plot with axes and a legend above it.

    Args:
        name: Accessible name, and the plot's name in exported files.
        x_label: Label of the x axis.
        y_label: Label of the y axis.
    """

    def __init__(self, name: str, x_label: str = "", y_label: str = "") -> None:
        super().__init__(axisItems={side: LogAxis(side) for side in ("bottom", "left")}, enableMenu=False)
        self.setAccessibleName(name)
        self.setMinimumSize(220, 160)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self._stale = True
        self._labels = {"bottom": x_label, "left": y_label}
        self.colours: Colours = colours_of(self.palette())
        self.box: Any = self.getPlotItem().getViewBox()
        self.legend_row = Legend(self)
        self._readout = QLabel(self)
        self._readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._readout.hide()
        self._pointer: QPointF | None = None
        self._build()

    def _build(self) -> None:
        item = self.getPlotItem()
        item.hideButtons()
        item.layout.removeItem(item.titleLabel)
        item.titleLabel.setVisible(False)
        item.layout.addItem(self.legend_row, 0, 0, 1, 3)
        item.layout.setContentsMargins(2, 2, 10, 2)
        # A fixed width: otherwise a longer tick label triggers a layout of the whole plot.
        item.getAxis("left").setWidth(self.fontMetrics().height() + self.fontMetrics().horizontalAdvance("0.0000"))
        for side in self._labels:
            item.getAxis(side).enableAutoSIPrefix(False)
        self.box.setDefaultPadding(0.0)
        self.box.disableAutoRange()
        self._paint_frame()

    # Overridden by views

    def plot(self) -> Plot:
        """Return the current content, for a file."""
        raise NotImplementedError

    def legend_entries(self) -> tuple[Key, ...]:
        """Return the legend entries of the current content."""
        return self.plot().entries()

    def refresh(self) -> None:
        """Update the drawing; called only while the view is visible."""

    def frame(self) -> None:
        """Fit the axes to all data."""

    def readout_at(self, x: float, y: float) -> str:
        """Return the read-out for a position in data units; empty for none."""
        del x, y
        return ""

    # Shared by all views

    def set_label(self, side: str, words: str) -> None:
        """Change the label of an axis, ``bottom`` or ``left``."""
        if words != self._labels[side]:
            self._labels[side] = words
            self._paint_frame()

    def changed(self) -> None:
        """Draw new data now if the view is visible, else when it appears."""
        self._stale = True
        if self.isVisible():
            self.bring_up_to_date()

    def bring_up_to_date(self) -> None:
        """Call `refresh` if there are new data since the last call."""
        if self._stale:
            self._stale = False
            self.refresh()
            self.legend_row.set_entries(self.legend_entries())

    def showEvent(self, event: QShowEvent) -> None:
        """Draw data that arrived while the view was hidden."""
        self.bring_up_to_date()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Update theme and font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and hasattr(self, "_readout"):
            self.colours = colours_of(self.palette())
            self._paint_frame()
            self._stale = True
            self.changed()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the values under the mouse."""
        super().mouseMoveEvent(event)
        self._show_values(event.position())

    def _show_values(self, position: QPointF) -> None:
        """Show the values at a place of the widget."""
        self._pointer = QPointF(position)
        self.refresh_values()

    def refresh_values(self) -> None:
        """Show the values of the present data under a mouse that rests."""
        position = self._pointer
        if position is None:
            return
        inside = self.box.sceneBoundingRect().contains(self.mapToScene(position.toPoint()))
        at = self.box.mapSceneToView(self.mapToScene(position.toPoint()))
        self._show_readout(self.readout_at(at.x(), at.y()) if inside else "")

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the values."""
        super().leaveEvent(event)
        self._pointer = None
        self._show_readout("")

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom; inside a scrolling column only with Ctrl, otherwise scroll the column."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier or not self._is_in_scrolled():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _is_in_scrolled(self) -> bool:
        above = self.parentWidget()
        while above is not None and not isinstance(above, QAbstractScrollArea):
            above = above.parentWidget()
        return above is not None and above.verticalScrollBar().maximum() > 0

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Frame the data."""
        self.frame()
        event.accept()

    def _show_readout(self, text: str) -> None:
        self._readout.setVisible(bool(text))
        if text and text != self._readout.text():
            self._readout.setText(text)
            self._readout.adjustSize()
            # On the line of the axis label, so that it covers no data.
            left = max(0, (self.width() - self._readout.width()) // 2)
            self._readout.move(left, self.height() - self._readout.height() - 2)

    def bounds(self) -> Bounds:
        """Return the axis limits, in plotted units: (x least, x most, y least, y most)."""
        (left, right), (low, high) = self.box.viewRange()
        return left, right, low, high

    def _paint_frame(self) -> None:
        colours, font = self.colours, font_of(self)
        self.setBackground(colours.base)
        self.legend_row.update()
        for side, words in self._labels.items():
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(colours.border, width=1))
            axis.setTextPen(QColor(colours.text))
            axis.setTickFont(font)
            # Upright, the narrow double bar of a norm would run together to a block.
            axis.setLabel(words.replace("‖", "∥"), color=colours.text)
            axis.label.setFont(font)
        self._readout.setStyleSheet(f"background: {colours.base}; color: {colours.text}; padding: 0 6px;")

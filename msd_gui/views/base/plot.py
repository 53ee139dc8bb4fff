"""The common frame of the plots: axes, legend, read-out, theme and the rule that nothing is done while out of sight."""

from __future__ import annotations

from typing import Any, Self

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QLabel

from msd_gui.theme import Colours, colours_of
from msd_gui.views.base.fonts import font_of
from msd_gui.views.base.layers import Drawing, Layer
from msd_gui.views.base.legend import Entry, Legend, Mat
from msd_gui.views.base.log_axis import LogAxis


class PlotView(pg.PlotWidget):
    """A plot with axes and a legend above it.

    Args:
        name: Accessible name, and what the plot is called in exported files.
        x_label: Words under the x axis.
        y_label: Words beside the y axis.
        log: Names of the axes, out of ``bottom`` and ``left``, that show powers of ten of the plotted values.
        colours: Colours to keep whatever the theme; None follows the theme.
    """

    def __init__(
        self,
        name: str,
        x_label: str,
        y_label: str,
        *,
        log: tuple[str, ...] = (),
        colours: Colours | None = None,
    ) -> None:
        super().__init__(axisItems={side: LogAxis(side) for side in log}, enableMenu=False)
        self.setAccessibleName(name)
        self.setMinimumSize(220, 160)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self._kept_colours = colours
        self._stale = True
        self._labels = {"bottom": x_label, "left": y_label}
        self.colours: Colours = colours or colours_of(self.palette())
        self.box: Any = self.getPlotItem().getViewBox()
        self.legend_row = Legend(self)
        self._readout = QLabel(self)
        self._readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._readout.hide()
        self._build()

    def _build(self) -> None:
        item = self.getPlotItem()
        item.hideButtons()
        item.layout.removeItem(item.titleLabel)
        item.titleLabel.setVisible(False)
        item.layout.addItem(self.legend_row, 0, 0, 1, 3)
        item.layout.setContentsMargins(2, 2, 10, 2)
        # A fixed width: otherwise a longer tick label lays the whole plot out again.
        item.getAxis("left").setWidth(self.fontMetrics().height() + self.fontMetrics().horizontalAdvance("0.0000"))
        for side in self._labels:
            item.getAxis(side).enableAutoSIPrefix(False)
        self.box.setDefaultPadding(0.0)
        self.box.disableAutoRange()
        self._paint_frame()

    # What a view says

    def legend_entries(self) -> list[Entry]:
        """The rows of the legend for what is shown now."""
        return []

    def refresh(self) -> None:
        """Brings what is drawn up to date; called only when the view can be seen."""

    def frame(self) -> None:
        """Chooses the axes so that all data can be seen."""

    def readout_at(self, x: float, y: float) -> str:
        """The read-out for a position in data units; empty for none."""
        del x, y
        return ""

    def copy(self, colours: Colours) -> Self:
        """A copy that never appears on a screen, for a picture in fixed colours."""
        raise NotImplementedError

    def drawings(self) -> list[Drawing]:
        """What paints the data, from below, each fit to be recorded by itself for a picture."""
        return [layer.draw for layer in self.layers()]

    # What every view does

    def layers(self) -> list[Layer]:
        """The layers with the data, from below."""
        return [item for item in self.box.childGroup.childItems() if isinstance(item, Layer)]

    def set_label(self, side: str, words: str) -> None:
        """Writes other words beside an axis, ``bottom`` or ``left``."""
        self._labels[side] = words
        self._paint_frame()

    def for_figure(self, ratio: float) -> None:
        """Lays out and brings up to date without waiting for the event loop, for a picture.

        Args:
            ratio: Pixels of the picture for each pixel of the view.
        """
        for side in self._labels:
            # The pen of an axis is in pixels of the device: unlike everything else it must be widened by hand.
            self.getPlotItem().getAxis(side).setPen(pg.mkPen(self.colours.muted, width=ratio))
        self.bring_up_to_date()
        self.legend_row.set_entries(self.legend_entries())
        for _ in range(2):  # the legend's height is known only after the width is
            self.getPlotItem().layout.activate()
        # An SVG of Qt's knows no clipping: what leaves the axes is covered, below axes (0.5) and legend.
        self.legend_row.setZValue(1.0)
        Mat(self.box.geometry(), QRectF(self.rect()), self.colours.base, self.getPlotItem()).setZValue(0.25)

    def changed(self) -> None:
        """Says that data are new: drawn now if the view can be seen, else when it appears."""
        self._stale = True
        if self.isVisible():
            self.bring_up_to_date()

    def bring_up_to_date(self) -> None:
        """Calls `refresh` if data have come since the last time."""
        if self._stale:
            self._stale = False
            self.refresh()
            self.legend_row.set_entries(self.legend_entries())

    def showEvent(self, event: QShowEvent) -> None:
        """Draws what came while the view was out of sight."""
        self.bring_up_to_date()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follows the theme and the font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and hasattr(self, "_readout"):
            self.colours = self._kept_colours or colours_of(self.palette())
            self._paint_frame()
            self._stale = True
            self.changed()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Shows the values under the mouse."""
        super().mouseMoveEvent(event)
        position = QPointF(event.position())
        inside = self.box.sceneBoundingRect().contains(self.mapToScene(position.toPoint()))
        at = self.box.mapSceneToView(self.mapToScene(position.toPoint()))
        self._show_readout(self.readout_at(at.x(), at.y()) if inside else "")

    def leaveEvent(self, event: QEvent) -> None:
        """Hides the values."""
        super().leaveEvent(event)
        self._show_readout("")

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms; in a column that can be scrolled only with Ctrl, and else lets the column scroll."""
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
        """Frames the data."""
        self.frame()
        event.accept()

    def _show_readout(self, text: str) -> None:
        self._readout.setVisible(bool(text))
        if text and text != self._readout.text():
            self._readout.setText(text)
            self._readout.adjustSize()
            # On the line of the axis label, so that no data are covered.
            left = max(0, (self.width() - self._readout.width()) // 2)
            self._readout.move(left, self.height() - self._readout.height() - 2)

    def _ranges(self) -> tuple[None, tuple[float, float], tuple[float, float]]:
        """The axes now, as the view box's own ``setRange`` takes them."""
        across, up = self.box.viewRange()
        return None, tuple(across), tuple(up)

    def _paint_frame(self) -> None:
        colours, font = self.colours, font_of(self)
        self.setBackground(colours.base)
        for side, words in self._labels.items():
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(colours.border, width=1))
            axis.setTextPen(QColor(colours.text))
            axis.setTickFont(font)
            # Upright, the narrow double bar of a norm would run together to a block.
            axis.setLabel(words.replace("‖", "∥"), color=colours.text)
            axis.label.setFont(font)
        self._readout.setStyleSheet(f"background: {colours.base}; color: {colours.text}; padding: 0 6px;")

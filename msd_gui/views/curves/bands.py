"""The held-out error by band of σ_eff, over that of the exact score."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter

from msd_gui.theme import Colours
from msd_gui.views.base.layers import Layer, ToPixels, draw_curve, draw_dots, draw_polylines, finite, pen
from msd_gui.views.base.legend import Entry
from msd_gui.views.base.plot import PlotView
from msd_gui.views.base.rich import SIGMA_EFF
from msd_gui.widgets.controls.numbers import number


class BandView(PlotView):
    """Mean squared error at each σ_eff, both axes logarithmic.

    Args:
        colours: Colours to keep whatever the theme; None follows the theme.
    """

    def __init__(self, colours: Colours | None = None) -> None:
        words = ("Error by noise", SIGMA_EFF, "‖x̂ − x‖²")
        super().__init__(*words, log=("bottom", "left"), colours=colours)
        self._sigma_eff: NDArray[Any] = np.empty(0)
        self._error: NDArray[Any] = np.empty(0)
        self._mmse: NDArray[Any] = np.empty(0)
        self._layer = Layer(self._draw)
        self.box.addItem(self._layer, ignoreBounds=True)

    def set_bands(self, sigma_eff: NDArray[Any], error: NDArray[Any], mmse: NDArray[Any]) -> None:
        """Shows the errors of now.

        Args:
            sigma_eff: Centres of the bands, with shape (bands,).
            error: Mean squared error in each band, with shape (bands,).
            mmse: Error of the exact score on the same draws, NaN where it is not known, with shape (bands,).
        """
        self._sigma_eff, self._error, self._mmse = sigma_eff, error, mmse
        self.changed()

    def refresh(self) -> None:
        """Frames the bands if they have left the axes, and paints."""
        (left, right), (low, high) = self.box.viewRange()
        points = finite(np.concatenate([self._curve(self._error), self._curve(self._mmse)]))
        corner, far = np.array([left, low]), np.array([right, high])
        if len(points):
            spread = np.ptp(points, axis=0)
            inside = (points >= corner).all() and (points <= far).all()
            if not inside or (spread < 0.4 * (far - corner)).any():
                self.frame()
        self._layer.update()

    def frame(self) -> None:
        """Shows all bands."""
        points = finite(np.concatenate([self._curve(self._error), self._curve(self._mmse)]))
        if len(points):
            (left, low), (right, high) = points.min(axis=0), points.max(axis=0)
            across, up = max(0.05 * (right - left), 0.05), max(0.12 * (high - low), 0.1)
            self.box.setRange(xRange=(left - across, right + across), yRange=(low - up, high + up), padding=0)

    def readout_at(self, x: float, y: float) -> str:
        """The band nearest to the mouse."""
        del y
        if not len(self._sigma_eff):
            return ""
        band = int(np.abs(np.log10(self._sigma_eff) - x).argmin())
        words = f"{SIGMA_EFF} = {number(float(self._sigma_eff[band]))} · error {number(float(self._error[band]))}"
        least = float(self._mmse[band])
        return f"{words} · exact score {number(least)}" if np.isfinite(least) else words

    def legend_entries(self) -> list[Entry]:
        """The curves that have values."""
        entries = [Entry("line", self.colours.learned, "held-out")] if len(self._error) else []
        if np.isfinite(self._mmse).any():
            entries.append(Entry("dash", self.colours.exact, "exact score, same draws"))
        return entries

    def copy(self, colours: Colours) -> Self:
        """A copy for a picture in fixed colours, over the same range."""
        made = type(self)(colours)
        made._sigma_eff, made._error, made._mmse = self._sigma_eff, self._error, self._mmse
        made.box.setRange(*self._ranges(), padding=0)
        return made

    def _curve(self, values: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(divide="ignore", invalid="ignore"):
            curve = np.log10(np.stack([self._sigma_eff, values], axis=1))
        return np.where(np.isfinite(curve), curve, np.nan)

    def _draw(self, painter: QPainter, to_px: ToPixels) -> None:
        painter.setPen(pen(self.colours.exact, 1.6, Qt.PenStyle.DashLine))
        draw_polylines(painter, to_px(self._curve(self._mmse))[None])
        error = to_px(self._curve(self._error))
        draw_curve(painter, error, self.colours.learned, 1.8)
        painter.setBrush(QColor(self.colours.learned))
        draw_dots(painter, error, 2.6)

"""The views of the noise page: pictures with their way to noise, or clouds of points, and the figures beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QLabel, QStackedWidget

from msd_engine.events.noise import Forward
from msd_gui.pages.base import layout
from msd_gui.pages.noise import words
from msd_gui.views.curves.curves import CurvesView
from msd_gui.views.images.tiles import Tile, TilesView
from msd_gui.views.plane.ellipse import EllipseView
from msd_gui.views.plane.plane import PlaneView
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Readings

PLACEHOLDER = "A picture on its way to noise appears here."
_LAYERS = frozenset({"data"})
# Numbers of the views that wait for a tick; before them the strips.
_CORRELATIONS, _FIGURES = 2, 3
_SPECTRA_PX, _LAGS_PX, _MAPS_PX, _STRIP_PX = 190, 140, 110, 84
# Half width of the plane over the largest coordinate of the data.
_ROOM = 1.3
# Size of the ellipse over that.
_ELLIPSE = 0.6


class NoiseShown:
    """Shows frames.

    Attributes:
        middle: Pictures or clouds.
        right: Figures, spectra, correlations and sentences.
    """

    def __init__(self) -> None:
        self.frame: Forward | None = None
        # Views that wait for a tick, by number and in their order, with the frames that they show.
        self._waiting: dict[int, Forward | None] = dict.fromkeys(range(4))
        self.now = TilesView("The picture, under white and under the chosen noise")
        self.strips = (TilesView("The way to white noise"), TilesView("The way to the chosen noise"))
        self.heads = (layout.heading(""), layout.heading(""))
        self.planes = (PlaneView(), EllipseView())
        self.names = (QLabel(), QLabel())
        self.spectra, self.lags = CurvesView(words.NO_SPECTRA), CurvesView(words.NO_AUTOCOVARIANCE)
        self.maps = TilesView("Correlation of the middle pixel with every other one")
        self.figures = Readings("Figures of the noise", ("", "value", ""))
        self.likelihood = Readings("Log-likelihood of the data", ("", "flow", "exact"), wrap=True)
        self.sentences = QLabel()
        self.sentences.setWordWrap(True)
        self._lay_out()

    def _lay_out(self) -> None:
        for strip in self.strips:
            strip.setMinimumHeight(_STRIP_PX)
        title = layout.heading("One white draw, made into both noises")
        above = [part for pair in zip(self.heads, self.strips, strict=True) for part in pair]
        pictures = layout.column(title, self.now, *above, stretch=(0, 5, 0, 2, 0, 2))
        clouds = [
            layout.column(name, plane, stretch=(0, 1)) for name, plane in zip(self.names, self.planes, strict=True)
        ]
        points = layout.FoldingRow(*clouds, share=True)
        self.stack = QStackedWidget()
        for part in (pictures, points):
            self.stack.addWidget(part)
        self.middle = layout.with_placeholder(self.stack, PLACEHOLDER)
        self.spectra.setFixedHeight(_SPECTRA_PX)
        self.lags.setFixedHeight(_LAGS_PX)
        self.maps.setFixedHeight(_MAPS_PX)
        self.of_pictures = layout.stacked(
            layout.heading("Spectra"),
            self.spectra,
            layout.heading("Correlation by distance"),
            self.lags,
            layout.heading("Correlation with the middle pixel"),
            self.maps,
        )
        self.right = layout.column(
            layout.heading("What is seen"), self.sentences, self.figures, self.likelihood, self.of_pictures
        )

    def show(self, frame: Forward) -> None:
        """Show a frame."""
        before, self.frame = self.frame, frame
        pictures = frame.x.ndim == 3
        self.stack.setCurrentIndex(0 if pictures else 1)
        self.middle.set_ready(True)
        self.of_pictures.setVisible(pictures)
        if pictures:
            self._show_pictures(frame)
        else:
            self._show_figures(frame)
            self._show_clouds(frame, others=before is None or not np.array_equal(before.x, frame.x))

    def clear(self) -> None:
        """Show nothing, after a failure."""
        self.frame, self._waiting = None, dict.fromkeys(range(4))
        self.middle.set_ready(False)
        self.of_pictures.setVisible(False)
        self.figures.set_readings(())
        self.likelihood.set_readings(())
        self.sentences.clear()

    def catch_up(self) -> None:
        """Show strips, correlations or figures of the newest frame, those that are the furthest behind.

        Painting all views takes longer than a tick while a slider is dragged.
        """
        while late := [place for place, frame in self._waiting.items() if frame is not self.frame]:
            if self._show_next(late[0]):
                return

    def _show_pictures(self, frame: Forward) -> None:
        self.now.set_tiles([Tile("x", frame.x), *(Tile(side.name, side.y) for side in frame.sides)])
        self.spectra.set_plot(words.spectra(frame))
        if None in self._waiting.values():
            for place in tuple(self._waiting):
                self._show_next(place)

    def _show_next(self, place: int) -> bool:
        """Show the newest strip, 0 or 1, correlations, 2, or figures, 3; return whether they differ from before."""
        frame, before = self.frame, self._waiting.pop(place)
        self._waiting[place] = frame
        if frame is not None and place == _FIGURES:
            return self._show_figures(frame)
        if frame is None or not frame.available:
            return False
        known = before.sides if before is not None and before.available else None
        if place < _CORRELATIONS:
            return self._show_strip(frame, place, None if known is None else known[place].strip)
        if known is not None and np.array_equal(known[1].correlation, frame.sides[1].correlation):
            return False
        self.lags.set_plot(words.autocovariance(frame))
        self.maps.set_tiles([Tile(side.name, side.correlation[None].astype(np.float32)) for side in frame.sides])
        return True

    def _show_figures(self, frame: Forward) -> bool:
        rows, sentences = words.readings(frame), words.sentences(frame)
        shown = self.figures.texts(), self.sentences.text()
        self.figures.set_readings(rows)
        self.sentences.setText(sentences)
        return shown != (self.figures.texts(), sentences)

    def _show_strip(self, frame: Forward, place: int, shown: NDArray[np.float32] | None) -> bool:
        side = frame.sides[place]
        self.heads[place].setText(f"{side.name}, by time")
        if shown is not None and np.array_equal(shown, side.strip):
            return False
        moments = zip(frame.times, side.strip, strict=True)
        self.strips[place].set_tiles([Tile(f"t = {number(float(t), 2)}", picture) for t, picture in moments])
        return True

    def _show_clouds(self, frame: Forward, *, others: bool) -> None:
        half = _ROOM * float(np.abs(frame.x).max())
        for plane, name, side in zip(self.planes, self.names, frame.sides, strict=True):
            name.setText(side.name)
            plane.show_plane(data=side.y, on=_LAYERS)
            if others:
                plane.set_bounds((-half, half, -half, half))
        matrix = frame.sides[1].covariance
        even = np.array_equal(matrix, frame.sides[0].covariance)
        self.planes[1].set_ellipse(None if even else matrix, _ELLIPSE * half)

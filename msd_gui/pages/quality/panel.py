"""Measurement of samples: figures beside those of real images, shares of the classes, nearest training images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from msd_engine.events import Event, Failed, Figure, Neighbours, Notice, Progress, Quality
from msd_engine.events.pixels import to_data
from msd_engine.events.verdicts import in_words
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.experiment import same_data
from msd_gui.bridge.engine import Engine, Images
from msd_gui.pages.base import layout
from msd_gui.pages.base.page import Page
from msd_gui.pages.quality.curve import MeasuredCurve, curve_points
from msd_gui.theme.tips import wrapped
from msd_gui.views.curves.bars import class_shares
from msd_gui.views.images.tiles import Tile, TilesView
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Reading, Readings

COUNTS = (256, 512, 1024, 2048, 4096)
USUAL_COUNT = 1024
_SHARES_PX, _NEAR_PX = 170, 64
# A figure beyond these multiples of the figure of real images is marked.
_POOR = {"lower": 2.0, "higher": 0.9, "yield": 0.98}
_MEMORY, _SHARE = 0.5, (0.6, 1.5)
_NEAR = "Choose a sample to see the training images that are nearest to it."
_MEASURE = ("Measure", "Draw this number of samples with these settings and compare them with real images.")
_MEASURE_CURVE = ("Measure curve", "Measure at several numbers of steps per level and plot a figure against them.")

Source = Callable[[], tuple[ExperimentSpec, Path | None] | None]


class Measuring(QWidget):
    """The panel "Quality": a button, figures, and the training images nearest to the chosen sample.

    Attributes:
        measured: Emitted with each `Quality`.
        neighbours: The training images nearest to the chosen sample; None before the first.
        near_spec_json: Settings of that sample as JSON.
        quality: The last measurement; None before the first.
        shares: Shares of the classes.
        why_not: Why no samples can be drawn, in one sentence; empty if they can.
    """

    measured = Signal(object)

    def __init__(self, page: Page, engine: Engine, source: Source, images: Callable[[], Images | None]) -> None:
        """Build the panel without figures.

        Args:
            page: Owner of the runners.
            engine: Makes the jobs.
            source: Returns the experiment and its run, without run for the exact score; None before the first network.
            images: Returns the visible images, shape (N, C, H, W); None without images.
        """
        super().__init__()
        self._page, self._engine, self._source, self._images = page, engine, source, images
        self.quality: Quality | None = None
        self.neighbours: Neighbours | None = None
        self.near_spec_json = ""
        self._near_spec_json = ""
        self._measured: ExperimentSpec | None = None
        self._run: Path | None = None
        self.why_not = ""
        self._on_curve = False
        self._shown: ExperimentSpec | None = None
        self._runner = page.runner(self._show, apart=(Notice,))
        self._finder = page.runner(self._show_neighbours)
        self._build()
        self._runner.running_changed.connect(self.update_button)
        self.button.clicked.connect(self._pressed)
        self.curve.button.clicked.connect(self._pressed_curve)
        self.update_button()

    def _build(self) -> None:
        self.count = QComboBox()
        for count in COUNTS:
            self.count.addItem(f"{count:,} samples", count)
        self.count.setCurrentIndex(COUNTS.index(USUAL_COUNT))
        self.count.setAccessibleName("Number of samples to measure")
        self.count.setToolTip(
            wrapped("A Fréchet distance depends on the number of samples: compare equal numbers only.")
        )
        self.button = QPushButton("Measure")
        self.button.setObjectName("measure")
        self.button.setAccessibleName("Measure the quality of samples")
        self.note = QLabel(
            "Draws samples from the network and compares them with real images: distance, variety, confidence of a "
            "classifier, and repeated training images."
        )
        self.note.setWordWrap(True)
        self.note.setProperty("role", "muted")
        self.readings = Readings("Quality of the samples", ("", "samples", "real"))
        self.readings.hide()
        self.shares = class_shares()
        self.shares.setFixedHeight(_SHARES_PX)
        self.shares.hide()
        self.curve = MeasuredCurve()
        self._near_heading = layout.heading("Nearest training images")
        self.near = TilesView("Nearest training images")
        self.near.setToolTip(
            wrapped(
                "The chosen sample and the training images with the smallest difference. One far below the usual "
                "difference means that the network memorised an image."
            )
        )
        self.near.setFixedHeight(_NEAR_PX)
        self.near_note = QLabel(_NEAR)
        self.near_note.setWordWrap(True)
        self.near_note.setProperty("role", "muted")
        near: tuple[QWidget, ...] = (self._near_heading, self.near, self.near_note)
        self._show_near(False)
        head = QHBoxLayout()
        head.addWidget(layout.heading("Quality"), 1)
        head.addWidget(self.count)
        head.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        rows: tuple[QWidget, ...] = (self.note, self.readings, self.shares, self.curve, *near)
        for row in rows:
            column.addWidget(row)

    # -- requests ------------------------------------------------------------------------------------------------------

    @Slot()
    def update_button(self) -> None:
        """Set the texts of the buttons, and note changed settings."""
        running, source = self._runner.running, self._source()
        missing = (self.why_not or "Needs a network: train one first.") if source is None else ""
        # Nothing can be measured, nothing was: no controls without an effect.
        self.setVisible(running or source is not None or self.quality is not None)
        self.near_note.setVisible(self._images() is not None)
        for button, words, help_ in ((self.button, *_MEASURE), (self.curve.button, *_MEASURE_CURVE)):
            mine = running and (button is self.curve.button) == self._on_curve
            button.setText("Stop" if mine else words)
            button.setEnabled(mine or (not running and source is not None))
            tip = "The other measurement runs: wait for it or stop it." if running else missing or help_
            button.setToolTip("Stop measuring." if mine else wrapped(tip))
        if self.quality is not None and self._measured is not None and not running:
            now = (_sampled_by(source[0]), source[1]) if source is not None else None
            same = now == (_sampled_by(self._measured), self._run)
            self.note.setText(("" if same else "The settings have changed since. ") + caption(self.quality))

    def show_beside(self, spec: ExperimentSpec) -> None:
        """Show measurements only for the data of these settings."""
        if self._shown is not None and same_data(spec, self._shown):
            return
        self._shown = spec
        self._finder.drop()
        self._show_near(False)
        self.near_note.setText(_NEAR)
        self._show_ours()
        self.curve.show_beside(spec)

    def _show_ours(self) -> None:
        """Show the figures if they belong to the data on the page."""
        quality, measured = self.quality, self._measured
        if quality is not None and measured is not None:
            ours = self._shown is not None and same_data(measured, self._shown)
            self.readings.setVisible(ours)
            self.shares.setVisible(ours and bool(quality.class_names))

    @Slot()
    def _pressed(self) -> None:
        self._toggle(curve=False)

    @Slot()
    def _pressed_curve(self) -> None:
        self._toggle(curve=True)

    def _toggle(self, *, curve: bool) -> None:
        """Stop, or measure the present settings: once, or at several numbers of evaluations."""
        if self._runner.running:
            self._runner.stop()
            self.note.setText("Stopped.")
            return
        source = self._source()
        if source is None:
            return
        spec, self._run = source
        self._on_curve = curve
        self.note.setText("Measuring …")
        spec = spec.replace("sampling.chains", int(self.count.currentData()))
        if curve:
            self.curve.clear()
        self._runner.submit(self._engine.evaluate(spec, self._run, curve=curve_points(spec) if curve else ()))

    @Slot(int)
    def choose(self, chain: int) -> None:
        """Find the training images nearest to one of the visible images."""
        images, source = self._images(), self._source()
        if images is None or source is None or chain >= len(images):
            return
        image = images[chain].astype(np.float32)
        if images.dtype == np.uint8:
            image = to_data(image)
        self._near_spec_json = source[0].to_json()
        self._finder.submit(self._engine.nearest(source[0], image))

    # -- events in -----------------------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Notice():
                self.note.setText(event.text)
            case Progress():
                of = f", step {event.step} of {event.total}" if event.total else ""
                self.note.setText(f"{event.text}{of} …")
            case Quality():
                self._add_quality(event)
            case Failed():
                self.note.setText("Not measured.")

    def _add_quality(self, event: Quality) -> None:
        if self._on_curve:
            self.curve.add_point(event)
            source = self._source()
            if source is None or _sampled_by(ExperimentSpec.from_json(event.spec_json)) != _sampled_by(source[0]):
                return
        self.quality = event
        self._show_quality(event)
        self.measured.emit(event)

    def _show_quality(self, quality: Quality) -> None:
        self._measured = ExperimentSpec.from_json(quality.spec_json)
        self.note.setText(caption(quality))
        self.readings.set_readings(tuple(reading(figure, quality) for figure in quality.figures))
        if quality.class_names:
            self.shares.set_shares(quality.class_names, quality.shares, quality.real_shares)
        self._show_ours()

    @Slot(object)
    def _show_neighbours(self, event: Event) -> None:
        if isinstance(event, Neighbours):
            self.neighbours, self.near_spec_json = event, self._near_spec_json
            tiles = [Tile("", event.image, "sample", marked=True)]
            for image, pixels in zip(event.neighbours, event.pixels, strict=True):
                tiles.append(Tile("", image, number(float(pixels), 2)))
            self.near.set_tiles(tiles)
            self.near_note.setText(neighbours_note(event))
            self._show_near(True)

    def _show_near(self, on: bool) -> None:
        self._near_heading.setVisible(on)
        self.near.setVisible(on)


def caption(quality: Quality) -> str:
    """Describe the number of surviving chains and the compared sets of images."""
    dead, spec = in_words(quality.dead), ExperimentSpec.from_json(quality.spec_json)
    text = (
        f"{quality.lived} of {quality.n} survived{f' (dead: {dead})' if dead else ''}. {quality.n} samples"
        f"{f', {spec.begun},' * spec.begins_at_data} and "
        f"{quality.real_n} real training images, both against {quality.reference_n} held-out images. Features: "
        f"{quality.features}."
    )
    return f"{text} {quality.refused}".strip()


def reading(figure: Figure, quality: Quality | None = None) -> Reading:
    """Format the row of a figure, with a mark if it is far from that of real images."""
    spread = (figure.high - figure.low) / 2
    value = number(figure.value) + (f" ± {number(spread, 2)}" if np.isfinite(spread) else "")
    interval = (
        f" 95 % interval over the choice of the images: {number(figure.low)} to {number(figure.high)}; ± is half of it."
    )
    interval = interval if np.isfinite(spread) else ""
    severity = "warning" if _poor(figure) else ""
    if figure.name != "yield" or quality is None:
        real = number(figure.real) + (f" ± {number(figure.real_spread, 2)}" if np.isfinite(figure.real_spread) else "")
        return Reading(figure.title, value, real, figure.help + interval, severity)
    dead = in_words(quality.dead)
    counted = f" {quality.lived} of {quality.n} survived{f'; dead: {dead}' if dead else ''}."
    shown = f"{100 * figure.value:.1f} % of {quality.n}"
    return Reading(figure.title, shown, f"{100 * figure.real:.1f} %", figure.help + counted + interval, severity)


def neighbours_note(event: Neighbours) -> str:
    """Compare the distance to the nearest training image with that of held-out images."""
    nearest, (low, high) = float(event.pixels[0]), event.usual
    verdict = "as far as new images are"
    if nearest < low:
        verdict = "nearer than 39 in 40 new images: memorised, or nearly so"
    if nearest > high:
        verdict = "further than 39 in 40 new images"
    features, name = "", f" ({event.labels[0]})" if event.labels[0] else ""
    if np.isfinite(event.features).all():
        apart = ", ".join(number(float(one), 2) for one in event.features)
        features = f" In the features: {apart} ({event.feature_name})."
    return (
        f"Root mean square difference {number(nearest, 2)}{name}; held-out images: "
        f"{number(event.typical, 2)}. This is {verdict}.{features}"
    )


def _sampled_by(spec: ExperimentSpec) -> tuple[object, ...]:
    """Collect the settings that determine samples, without their number and seed."""
    return spec.data, spec.training.k, spec.sampling.replace_all({"chains": 1, "seed": 0})


def _poor(figure: Figure) -> bool:
    match figure.better:
        case "lower":
            # Significantly above: a kernel distance of real images is 0 except by chance.
            surely = figure.low if np.isfinite(figure.low) else figure.value
            return surely > _POOR["lower"] * max(figure.real, 0.0)
        case "higher":
            surely = figure.high if np.isfinite(figure.high) else figure.value
            return surely < _POOR.get(figure.name, _POOR["higher"]) * figure.real
        case _:
            ratio = figure.value / figure.real if figure.real else 1.0
            if figure.name == "nearest":
                return ratio < _MEMORY
            by_chance = figure.low <= figure.real <= figure.high
            return not (by_chance or _SHARE[0] <= ratio <= _SHARE[1])

"""The views of a comparison of white and coloured noise: losses, chains side by side, and the table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QLabel, QSlider, QToolButton, QWidget

from msd_engine.events.noise import NOISE_TITLES, Noise, NoiseCurve, NoiseMoment, NoiseSamples, NoiseTable
from msd_engine.events.noise.charts import by_steps, losses
from msd_engine.events.plots import Axis, Curves
from msd_engine.specs.reproduction import NoisesSpec
from msd_gui.pages.base import layout
from msd_gui.pages.noise.table import NoiseTableView
from msd_gui.pages.noise.words import CHOSEN, WHITE
from msd_gui.theme import icon
from msd_gui.theme.tips import wrapped
from msd_gui.views.curves.curves import CurvesView
from msd_gui.views.images.tiles import Tile, TilesView
from msd_gui.widgets.controls.guard import LIST_KEYS, SLIDER_KEYS, KeyGuard

COLOURS: dict[Noise, str] = {"white": WHITE, "coloured": CHOSEN}
PLACEHOLDER = "The same network, trained under white and under coloured noise, is compared here."
NO_LOSSES = losses((), COLOURS)
NO_FIGURES = Curves("Figures by steps", Axis("steps", log=True), Axis("distance"))
# Samples of each noise on the screen.
_SHOWN = 16
_LOSS_PX, _FIGURES_PX, _CHAINS_PX = 170, 180, (140, 120)
_BUTTONS = (
    ("train", "Train both", "train", "Train the network of this set under white and under the chosen noise, and draw."),
    ("stop", "Stop", "stop", "Stop. What has been measured stays on the screen."),
)


class Trainings:
    """Shows a comparison.

    Attributes:
        middle: Buttons, losses and chains.
        right: Sentence, table and curves by steps.
        buttons: The buttons by the name of their action.
        plan: The comparison on the screen; None before the first.
        table_event: The latest table; None before the first.
    """

    def __init__(self) -> None:
        self.plan: NoisesSpec | None = None
        self.table_event: NoiseTable | None = None
        self._curves: list[NoiseCurve] = []
        self._samples: dict[tuple[Noise, int], NoiseSamples] = {}
        self._steps: tuple[int, ...] = ()
        self._follows = True
        self.buttons = {name: _button(name, *parts) for name, *parts in _BUTTONS}
        self.losses, self.figures = CurvesView(NO_LOSSES), CurvesView(NO_FIGURES)
        self.heads = {noise: layout.heading(title) for noise, title in NOISE_TITLES.items()}
        self.chains = {noise: TilesView(f"Chains of {title.lower()}") for noise, title in NOISE_TITLES.items()}
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("noise.steps")
        self.slider.setAccessibleName("Steps of the chains")
        self.slider.setToolTip(wrapped("Steps of the chains on the screen. It follows the chains until you move it."))
        KeyGuard(self.slider, SLIDER_KEYS)
        self.slider.valueChanged.connect(self._show_chains)
        self.slider.sliderPressed.connect(self._stop_following)
        self.words = QLabel()
        self.words.setProperty("role", "muted")
        self.figure = QComboBox()
        self.figure.setObjectName("noise.figure")
        self.figure.setAccessibleName("Figure of the table")
        self.figure.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        KeyGuard(self.figure, LIST_KEYS)
        self.figure.currentIndexChanged.connect(self._show_figure)
        self.table = NoiseTableView()
        self.finding = QLabel()
        self.finding.setWordWrap(True)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setProperty("role", "muted")
        self._lay_out()

    def _lay_out(self) -> None:
        self.losses.setFixedHeight(_LOSS_PX)
        self.figures.setFixedHeight(_FIGURES_PX)
        buttons = layout.row(*self.buttons.values(), QWidget(), stretch=(0, 0, 1))
        sides = []
        for noise, view in self.chains.items():
            view.setMinimumSize(*_CHAINS_PX)
            sides.append(layout.column(self.heads[noise], view, stretch=(0, 1)))
        chains = layout.row(*sides, stretch=(1, 1))
        steps = layout.row(layout.heading("Steps"), self.slider, self.words, stretch=(0, 1, 0))
        content = layout.column(layout.heading("Held-out loss"), self.losses, chains, steps, stretch=(0, 0, 1, 0))
        self.content = layout.with_placeholder(content, PLACEHOLDER)
        self.middle = layout.column(buttons, self.content, stretch=(0, 1))
        self.right = layout.column(
            layout.heading("What is found"),
            self.finding,
            layout.row(layout.heading("By steps"), self.figure, stretch=(0, 1)),
            self.table,
            self.figures,
            self.note,
        )

    # -- events --------------------------------------------------------------------------------------------------------

    def begin(self, plan: NoisesSpec) -> None:
        """Clear everything for a comparison."""
        self.plan, self._steps = plan, tuple(sorted(plan.steps, reverse=True))
        self._curves, self._samples, self.table_event, self._follows = [], {}, None, True
        self.slider.setRange(0, len(self._steps) - 1)
        self.slider.setValue(0)
        self.content.set_ready(True)
        self.losses.set_plot(NO_LOSSES)
        self.figures.set_plot(NO_FIGURES)
        self.figure.clear()
        self.table.set_rows(())
        self.finding.setText("")
        self.note.setText("")
        self._show_chains()

    def show_why_not(self, reason: str) -> None:
        """Show why no comparison can begin, where none has been shown; empty if it can."""
        self.content.placeholder.set_sentence(f"{PLACEHOLDER} {reason}".strip())

    def show_curve(self, event: NoiseCurve) -> None:
        """Add a measurement to the losses."""
        self._curves.append(event)
        order = sorted(self._curves, key=lambda one: (one.seed, one.noise, one.step))
        self.losses.set_plot(losses(order, COLOURS))

    def show_moment(self, event: NoiseMoment) -> None:
        """Show chains on their way, where their number of steps is chosen."""
        if self._follows and event.steps in self._steps:
            self.slider.setValue(self._steps.index(event.steps))
        if self.chosen == event.steps:
            self.heads[event.noise].setText(f"{NOISE_TITLES[event.noise]}, step {event.step} of {event.steps}")
            self.chains[event.noise].set_tiles(_tiles(event.y))

    def show_samples(self, event: NoiseSamples) -> None:
        """Keep the samples of the newest seed, and show them where their number of steps is chosen."""
        self._samples[event.noise, event.steps] = event
        if self.chosen == event.steps:
            self._show_chains()

    def show_table(self, event: NoiseTable) -> None:
        """Show the table so far."""
        self.table_event = event
        before = self.figure.currentText()
        titles = list(dict.fromkeys(row.title for row in event.rows))
        if titles != [self.figure.itemText(index) for index in range(self.figure.count())]:
            self.figure.blockSignals(True)
            self.figure.clear()
            self.figure.addItems(titles)
            self.figure.setCurrentText(before)
            self.figure.blockSignals(False)
        self.finding.setText(event.finding or "Both noises need samples at the most and at the fewest steps.")
        words = (
            f"{event.note} {event.chains} samples each, by {event.features}. Mean over seeds with its 95 % interval; "
            "distances shrink with the number of samples. The paper's figures are FID on CIFAR-10: only their course "
            "compares."
        )
        self.note.setText(words.strip())
        self._show_figure()

    # -- what is chosen ------------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> int:
        """The chosen number of steps; 0 before the first comparison."""
        return self._steps[self.slider.value()] if self._steps else 0

    @Slot()
    def _stop_following(self) -> None:
        self._follows = False

    @Slot()
    def _show_chains(self, *_: object) -> None:
        self.words.setText(f"{self.chosen}" if self.chosen else "")
        for noise, view in self.chains.items():
            kept = self._samples.get((noise, self.chosen))
            self.heads[noise].setText(NOISE_TITLES[noise] if kept is None else f"{NOISE_TITLES[noise]}, samples")
            view.set_tiles([] if kept is None else _tiles(kept.x_hat))

    @Slot()
    def _show_figure(self, *_: object) -> None:
        table, title = self.table_event, self.figure.currentText()
        if table is None or not title:
            return
        self.table.set_rows([row for row in table.rows if row.title == title])
        self.figures.set_plot(next(plot for plot in by_steps(table, COLOURS) if plot.name == title))


def _tiles(pictures: NDArray[np.float32] | NDArray[np.uint8]) -> list[Tile]:
    return [Tile("", picture) for picture in pictures[:_SHOWN]]


def _button(name: str, words: str, glyph: str, help_text: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(f"noise.{name}")
    button.setText(words)
    button.setIcon(icon(glyph))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setToolTip(wrapped(help_text))
    return button

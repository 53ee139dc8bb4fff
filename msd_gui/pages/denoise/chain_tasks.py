"""Chains by hand on the denoising page: the masked part of a picture painted anew, or a row between two seeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from msd_engine.events import Event, FilmFrame, ImageFrame, Samples, Started
from msd_engine.specs import Branch, ChainTask, ExperimentSpec, JobName, for_painting
from msd_gui.bridge.engine import Engine, Job
from msd_gui.pages.base.page import Page
from msd_gui.pages.denoise.networks import Missing
from msd_gui.pages.denoise.painting import painters
from msd_gui.pages.sampling.gallery import Gallery

DrawRequest = Callable[[], tuple[ExperimentSpec, Path | None] | None]
"""Returns settings and the run whose network is used where they ask for one; None where nothing can be drawn."""

# Chains in a row between two seeds.
ROW = 12

_PAINTED = "The marked part of the picture, painted anew by each chain, will be shown here."
_IN_A_ROW = "A row of images that leads from the seed to the second seed will be shown here."
_PAINT_HELP = (
    "Draw chains that keep what is not marked. After each step the known pixels of all copies are given the noise of "
    "the level anew (replacement: Song et al. 2021, §5; RePaint, 2022): not the exact conditional, but near it where "
    "σ is small. Which chains paint is said beside this button, and chosen at the left under “Painting anew”."
)
_ROW_HELP = (
    "Draw a row of chains from the seed to the second seed: chain j sees the noise cos θ z_a + sin θ z_b, whose ends "
    "are the two seeds' own chains."
)


class ChainTasks(QWidget):
    """Two buttons above a gallery of chains, and the runner of these chains.

    Attributes:
        shown: Emitted when chains begin.
        remedy_requested: Emitted when the button in the empty grid is pressed, but there is no denoiser to draw with.
    """

    shown = Signal()
    remedy_requested = Signal()

    def __init__(self, page: Page, engine: Engine, wanted: DrawRequest) -> None:
        """Draw nothing yet.

        Args:
            page: Owner of the runner; told of progress and failures.
            engine: Makes the jobs.
            wanted: Returns the present settings.
        """
        super().__init__()
        self._page = page
        self._engine = engine
        self._requested = wanted
        self._runner = page.runner(self._show, "Chains")
        self._task: ChainTask = "draw"
        self._marked = False
        self._able = True
        self._data_name = ""
        self.paint = QPushButton("Paint the marked part anew")
        self.paint.setObjectName("chain_task.paint")
        self.paint.setToolTip(_PAINT_HELP)
        self.row = QPushButton("Go from seed to second seed")
        self.row.setObjectName("chain_task.row")
        self.row.setToolTip(_ROW_HELP)
        self.words = QLabel()
        self.words.setProperty("role", "muted")
        # A long sentence must not widen the window.
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.words.setWordWrap(True)
        self.gallery = Gallery()
        self.gallery.repeat.hide()
        head = QHBoxLayout()
        head.addWidget(self.paint)
        head.addWidget(self.row)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.addLayout(head)
        column.addWidget(self.words)
        column.addWidget(self.gallery, 1)
        self.paint.clicked.connect(lambda: self.draw("inpaint"))
        self.row.clicked.connect(lambda: self.draw("interpolate"))
        self.gallery.requested.connect(self._begin)
        self.gallery.scrubber.set_branching(True)
        self.gallery.scrubber.branch_requested.connect(self._branch)

    def show_settings(self, spec: ExperimentSpec, missing: Missing | None) -> None:
        """Say by which chains the marked part would be painted, if one is, and why there is no denoiser, if so."""
        if spec.data.name != self._data_name:
            # Chains of other data would stand beside these settings, and could not be gone on with.
            self._data_name = spec.data.name
            self._runner.drop()
            self.gallery.clear()
        self._marked, self._able = bool(spec.denoise.mask), missing is None
        self.paint.setEnabled(self._marked and self._able)
        self.row.setEnabled(self._able)
        hint = "Use “Mask” on a part of the picture to have it painted anew."
        if self._marked:
            hint = f"Painting: {painters(spec)}"
        self.words.setText(hint if missing is None else f"{missing.title}.")
        paints = self.task == "inpaint"
        sentence = _PAINTED if paints else _IN_A_ROW
        button = "Paint anew" if paints else "Draw the row"
        if missing is not None:
            sentence, button = f"{sentence} {missing.title}: {missing.text}", missing.remedy
        self.gallery.set_placeholder(sentence, button)

    @property
    def task(self) -> ChainTask:
        """What was drawn last, or what the button in the empty place draws."""
        if self._task == "draw":
            return "inpaint" if self._marked else "interpolate"
        return self._task

    def drawn_by(self, spec: ExperimentSpec) -> tuple[ExperimentSpec, JobName]:
        """Return the settings and the job that draw what is shown, or what the button in the empty place draws."""
        task: Literal["inpaint", "interpolate"] = "interpolate" if self.task == "interpolate" else "inpaint"
        return _fitting(task, spec), task

    @property
    def running(self) -> bool:
        """Whether chains are being drawn."""
        return self._runner.running

    @property
    def playing(self) -> bool:
        """Whether chains are being drawn and not held."""
        return self._runner.running and not self._runner.held

    def draw(self, task: ChainTask) -> None:
        """Draw chains that paint the marked part anew, or a row of them from seed to seed."""
        wanted = self._requested()
        if wanted is None:
            return
        spec, run = wanted
        self._task = task
        self._submit(self._engine.chain_task(task, _fitting(task, spec), run))

    @Slot()
    def _begin(self) -> None:
        """Do what the button in the empty grid promises."""
        if self._able:
            self.draw(self.task)
        else:
            self.remedy_requested.emit()

    @Slot(object)
    def _branch(self, start: Branch) -> None:
        """Let the chains go on from a kept state; those that paint a part anew go on to keep the rest."""
        wanted = self._requested()
        if wanted is not None:
            spec, run = wanted
            task: ChainTask = "inpaint" if self._task == "inpaint" else "draw"
            self._submit(self._engine.chain_task(task, _fitting(task, spec), run, start=start))

    def stop(self) -> None:
        """Stop the chains."""
        self._runner.stop()

    def hold(self) -> None:
        """Hold the chains, or let them go on."""
        self._runner.hold()

    def _submit(self, job: Job) -> None:
        self.shown.emit()
        self._runner.submit(job)

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self.gallery.begin(event.total, event.step, event.spec_json)
            case ImageFrame() | FilmFrame() | Samples():
                self.gallery.take(event)


def _fitting(task: ChainTask, spec: ExperimentSpec) -> ExperimentSpec:
    """Return the spec of some work by hand: chains that settle at each noise paint, and a row can be looked along."""
    if task == "interpolate":
        return spec.replace("sampling.chains", min(ROW, spec.sampling.chains))
    return for_painting(spec) if task == "inpaint" else spec

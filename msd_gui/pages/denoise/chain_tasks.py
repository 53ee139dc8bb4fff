"""Chains on the denoise page: inpainting of the marked part, or interpolation between two seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from msd_engine.events import Event, FilmFrame, ImageFrame, RestoredImages, Samples, Started
from msd_engine.specs import Branch, ChainTask, ExperimentSpec, JobName, for_painting
from msd_engine.specs.experiment import same_data
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base import layout
from msd_gui.pages.base.drawing import DrawsChains
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.denoise.painting import painters
from msd_gui.pages.sampling.gallery import Gallery
from msd_gui.session.resolve import Resolved
from msd_gui.theme.tips import wrapped

# Number of chains between two seeds.
ROW = 12

_PAINTED = "Each chain inpaints the marked part of the picture here."
_IN_A_ROW = "A row of images from the seed to the second seed appears here."
_PAINT_HELP = (
    "Draw chains that keep the unmarked part. After each step the known pixels of all copies receive fresh noise of "
    "the level (replacement: Song et al. 2021, §5; RePaint, 2022): not the exact conditional, but close to it for "
    "small σ. The text below names the sampler; choose it at the left under “Inpainting”."
)
_ROW_HELP = (
    "Draw a row of chains from the seed to the second seed: chain j uses the noise cos θ z_a + sin θ z_b; its ends are "
    "the two seeds' own chains."
)


class ChainTasks(QWidget, DrawsChains):
    """Two buttons above a gallery of chains, and the runner of these chains.

    Attributes:
        shown: Emitted when chains start.
    """

    shown = Signal()

    def __init__(self, page: ResolvedPage, engine: Engine) -> None:
        super().__init__()
        self._page = page
        self._engine = engine
        self._runner = page.runner(self._show, "Chains")
        self._task: ChainTask = "draw"
        self._begun = page.resolved.made
        # Chains have begun, and no picture of them has come.
        self._hidden = False
        self.paint = QPushButton("Inpaint the marked part")
        self.paint.setObjectName("chain_task.paint")
        self.paint.setToolTip(wrapped(_PAINT_HELP))
        self.row = QPushButton("Interpolate seeds")
        self.row.setObjectName("chain_task.row")
        self.row.setToolTip(wrapped(_ROW_HELP))
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

    def show_resolved(self, before: Resolved) -> None:
        """Enable the buttons, and name the sampler for a marked part or the missing network."""
        now, problem = self._page.resolved, self._page.resolved.problem
        if not same_data(now.spec, before.spec):
            # The old chains belong to other data and cannot be continued.
            self._runner.drop()
            self.gallery.clear()
        marked = bool(now.spec.denoise.mask)
        self.paint.setEnabled(marked and now.serves)
        self.row.setEnabled(now.serves)
        hint = "Use “Mask” on the part of the picture to inpaint."
        if marked:
            hint = f"Inpainting: {painters(now.spec)}"
        self.words.setText(hint if problem is None else f"{problem.title}.")
        paints = self.task == "inpaint"
        sentence = _PAINTED if paints else _IN_A_ROW
        button = "Inpaint" if paints else "Interpolate"
        if problem is not None:
            sentence, button = f"{sentence} {problem.title}: {problem.text}", problem.remedies[0].label
        self.gallery.set_placeholder(sentence, button)
        made = replace(now.made, spec=_fitting(self.task, now.spec))
        self.gallery.set_beside(made, drawing=self.running)

    @property
    def task(self) -> ChainTask:
        """Last task, or the task of the button in the empty gallery."""
        if self._task == "draw":
            return "inpaint" if self._page.resolved.spec.denoise.mask else "interpolate"
        return self._task

    def drawn_by(self, spec: ExperimentSpec) -> tuple[ExperimentSpec, JobName]:
        """Return settings and job of the visible chains, or those of the button in the empty gallery."""
        task: Literal["inpaint", "interpolate"] = "interpolate" if self.task == "interpolate" else "inpaint"
        return _fitting(task, spec), task

    def draw(self, task: ChainTask) -> None:
        """Draw chains that inpaint the marked part, or interpolate between the seeds."""
        if self._page.can("sample"):
            self._task = task
            self._submit(task)

    @Slot()
    def _begin(self) -> None:
        """Carry out the action of the button in the empty grid."""
        problem = self._page.resolved.problem
        if problem is None:
            self.draw(self.task)
        else:
            self._page.carry_out(problem.remedies[0])

    @Slot(object)
    def _branch(self, start: Branch) -> None:
        """Continue chains from a kept state; inpainting chains still keep the unmarked part."""
        if self._page.can("sample"):
            self._submit("inpaint" if self._task == "inpaint" else "draw", start)

    def show_restored(self, event: RestoredImages, task: ChainTask) -> None:
        """Show the images of an opened file instead of new chains."""
        self._runner.drop()
        self._task = task
        self.gallery.show_restored(event)
        self.gallery.set_beside(self._page.resolved.made, drawing=False)
        self.shown.emit()

    def _submit(self, task: ChainTask, start: Branch | None = None) -> None:
        self.shown.emit()
        now = self._page.resolved.made
        self._begun = made = replace(now, spec=_fitting(task, now.spec))
        self._runner.submit(self._engine.chain_task(task, made.spec, made.run, start=start))

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self.gallery.begin(event.total, event.step, self._begun, event.spec_json)
                self._hidden = True
            case ImageFrame() | FilmFrame() | Samples():
                self.gallery.receive(event)
                if self._hidden:
                    self._hidden = False
                    # The pictures take their room first.
                    QTimer.singleShot(0, self._reveal)

    @Slot()
    def _reveal(self) -> None:
        layout.reveal(self.gallery)


def _fitting(task: ChainTask, spec: ExperimentSpec) -> ExperimentSpec:
    """Adapt the spec to a task: a sampler that settles at each noise for inpainting, at most `ROW` chains in a row."""
    if task == "interpolate":
        return spec.replace("sampling.chains", min(ROW, spec.sampling.chains))
    return for_painting(spec) if task == "inpaint" else spec

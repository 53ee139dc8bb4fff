"""A button that has the chains on the screen judged by features too, where they were judged by their pixels alone."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPushButton

from msd_engine.events import Event, Verdicts
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import Page
from msd_gui.pages.sampling.gallery import Gallery

_ASK = "Judge by a classifier too"
_ASK_COLOUR = "Judge by features too"
_HELP = (
    "Call chains off the data where the features of the images see no member of any class in them. The network that "
    "gives the features is made where none ships, and kept: from then on every sampling is judged by it at once."
)


class JudgeButton(QPushButton):
    """Hidden where the chains have been judged by features, or where that would take too long."""

    def __init__(self, page: Page, engine: Engine, gallery: Gallery) -> None:
        """Begin hidden.

        Args:
            page: Owner of the runner; told of failures.
            engine: Makes the job.
            gallery: Has the chains, and shows the verdicts.
        """
        super().__init__()
        self._page, self._engine, self._gallery = page, engine, gallery
        self._ask = _ASK
        self.setObjectName("judge")
        self.setToolTip(_HELP)
        self.hide()
        self._runner = page.runner(self._show, "")
        self._runner.running_changed.connect(self._on_running)
        gallery.judged.connect(self._offer)
        gallery.cleared.connect(self._withdraw)
        self.clicked.connect(self._pressed)

    @Slot(object)
    def _offer(self, verdicts: Verdicts) -> None:
        """Offer it for chains that no features have judged."""
        data = ExperimentSpec.from_json(verdicts.spec_json).data
        grey = data.kind == "images" and data.shape[0] == 1
        self._ask = _ASK if grey else _ASK_COLOUR
        self.setVisible(not verdicts.features)
        if not self._runner.running:
            self.setText(self._ask)

    @Slot()
    def _withdraw(self) -> None:
        """There is nothing to be judged any more."""
        self._runner.stop()
        self.hide()

    @Slot()
    def _pressed(self) -> None:
        """Judge, or stop judging."""
        samples = self._gallery.samples
        if self._runner.running:
            self._runner.stop()
        elif samples is not None:
            self._runner.submit(self._engine.judge(samples))

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Verdicts() if self._gallery.samples is not None:
                # Other chains may have ended meanwhile.
                if event.spec_json == self._gallery.samples.spec_json:
                    self._gallery.take(event)
                if event.left_out:
                    self._page.noticed.emit(event.left_out)

    @Slot(bool)
    def _on_running(self, running: bool) -> None:
        self.setText("Stop judging" if running else self._ask)

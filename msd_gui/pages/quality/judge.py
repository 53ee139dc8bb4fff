"""A button to judge chains by features, too, after a judgement by pixels alone."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPushButton

from msd_engine.events import Event, Verdicts
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import Page
from msd_gui.pages.sampling.gallery import Gallery
from msd_gui.theme.tips import wrapped

_BY_CLASSIFIER = "Judge by a classifier too"
_BY_FEATURES = "Judge by features too"
_HELP = (
    "Call chains off the data if their features match no class of the images. If no feature network ships with the "
    "program, one is trained and kept; from then on it judges every sampling at once."
)


class JudgeButton(QPushButton):
    """Hidden after a judgement by features; `gallery` has the chains and shows the verdicts."""

    def __init__(self, page: Page, engine: Engine, gallery: Gallery) -> None:
        super().__init__()
        self._page, self._engine, self._gallery = page, engine, gallery
        self._label = _BY_CLASSIFIER
        self.setObjectName("judge")
        self.setToolTip(wrapped(_HELP))
        self.hide()
        self._runner = page.runner(self._show, "")
        self._runner.running_changed.connect(self._on_running)
        gallery.judged.connect(self._on_judged)
        gallery.cleared.connect(self._on_cleared)
        self.clicked.connect(self._pressed)

    @Slot(object)
    def _on_judged(self, verdicts: Verdicts) -> None:
        """Show the button for chains judged without features."""
        data = ExperimentSpec.from_json(verdicts.spec_json).data
        grey = data.kind == "images" and data.shape[0] == 1
        self._label = _BY_CLASSIFIER if grey else _BY_FEATURES
        self.setVisible(not verdicts.features)
        if not self._runner.running:
            self.setText(self._label)

    @Slot()
    def _on_cleared(self) -> None:
        """Stop judging removed chains."""
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
                # Other chains may have finished since.
                if event.spec_json == self._gallery.samples.spec_json:
                    self._gallery.receive(event)
                if event.left_out:
                    self._page.noticed.emit(event.left_out)

    @Slot(bool)
    def _on_running(self, running: bool) -> None:
        self.setText("Stop judging" if running else self._label)

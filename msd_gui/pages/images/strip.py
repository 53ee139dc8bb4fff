"""The strip of held-out images for a shipped network, which no training on this page shows."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.events import Event, Failed, Notice, Started, StripFrame
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.experiment import same_data
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import Page
from msd_gui.pages.training.shown import STRIP_BUTTON, STRIP_WORDS, TrainingShown
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.networks import Network
from msd_gui.session.resolve import Resolved


class ShippedStrip(QObject):
    """Fill the strip by the shipped network in use, as long as no training fills it.

    Attributes:
        wanted: Emitted when the button of the empty strip is pressed and asks for a training.
    """

    wanted = Signal()

    def __init__(self, page: Page, engine: Engine, trainer: Trainer, shown: TrainingShown) -> None:
        super().__init__(page)
        self._page, self._engine, self._trainer, self._shown = page, engine, trainer, shown
        self._runner = page.runner(self._show, apart=(Failed, Notice))
        self._watched = False
        self._network: Network | None = None
        self._requested: Network | None = None
        self._spec: ExperimentSpec | None = None
        # Name of the missing image set, and the engine's sentence about it; empty if nothing is missing.
        self._missing = self._said = ""
        shown.strip_place.placeholder.pressed.connect(self._pressed)
        trainer.began.connect(self._give_way)

    def set_watched(self, watched: bool) -> None:
        """Set whether the page is visible; a hidden page asks for nothing."""
        self._watched = watched
        self._request()

    def show_resolved(self, now: Resolved) -> None:
        """Follow the data and the network in use."""
        network, shown = now.in_use, self._shown.held_out_spec
        if shown is not None and not same_data(shown, now.spec):
            self._shown.clear_strip()
            self._requested = None
        self._network = network if network is not None and network.card is not None else None
        self._request()

    def retry(self) -> None:
        """Ask again for images that were missing."""
        if self._missing:
            self._requested = None
            self._request()

    def _request(self) -> None:
        network = self._network
        if network is None or network == self._requested or not self._watched or not self._engine.ready:
            return
        if not self._trainer.running:
            self._requested = network
            self._runner.submit(self._engine.held_out_strip(network.folder))

    @Slot()
    def _give_way(self) -> None:
        """Leave the strip to a training, until another shipped network is chosen."""
        self._runner.drop()
        self._missing = ""
        self._requested = self._network
        self._shown.set_placeholder(STRIP_WORDS, STRIP_BUTTON)

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self._spec = ExperimentSpec.from_json(event.spec_json)
            case StripFrame() if self._spec is not None and self._requested is not None:
                self._missing = ""
                self._shown.set_strip(event, self._spec, f"denoised by {self._requested.name}")
            case Failed():
                self._shown.strip_place.set_ready(False)
                self._missing, self._said = event.missing, event.text
                if not event.missing or self._spec is None:
                    self._page.failed.emit(event.text, event.details)
                    return
                title = self._spec.data.title
                words = f"Held-out images of {title}, denoised by this network, appear here after a download."
                self._shown.set_placeholder(words, f"Download {title}…")

    @Slot()
    def _pressed(self) -> None:
        if self._missing:
            self._page.data_missed.emit(self._said, self._missing)
        else:
            self.wanted.emit()

"""The experiment on why chains die or miss the shares of the data, run in the background when a card asks."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from msd_engine.events import Event, Explained
from msd_engine.events.causes import Fault
from msd_gui.bridge.engine import Engine
from msd_gui.pages.advice.adviser import Adviser
from msd_gui.pages.advice.chains import MORE
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.session.made import Made


class Why(QObject):
    """Run the experiment for the chains behind the advice of a page, and give its counts to the adviser."""

    def __init__(self, page: ResolvedPage, engine: Engine, adviser: Adviser) -> None:
        super().__init__(page)
        self._page, self._engine, self._adviser = page, engine, adviser
        self._runner = page.runner(self._show, patient=True)
        self._runner.running_changed.connect(self._on_running)
        self._made: Made | None = None
        adviser.requested.connect(self._on_request)

    @property
    def running(self) -> bool:
        """Whether the experiment runs."""
        return self._runner.running

    @Slot(str)
    def _on_request(self, what: str) -> None:
        match what:
            case "why":
                self._start("deaths")
            case "why shares":
                self._start("shares")
            case "stop":
                self.stop()
            case _:
                # A longer training of the same network, where it can be resumed.
                self._page.act("resume" if self._page.can("resume") else what)

    def _start(self, fault: Fault) -> None:
        made, explained = self._adviser.made, self._adviser.facts.explained
        if made is None or not self._engine.ready:
            return
        self._made = made
        again = explained is not None and explained.complete and explained.fault == fault
        chains = MORE * explained.chains if again and explained is not None else 0
        self._runner.submit(self._engine.why(made.spec, made.run, chains=chains, fault=fault))

    def stop(self) -> None:
        """Stop the experiment and forget its counts."""
        self._runner.drop()

    def follow(self) -> None:
        """Stop if the present settings are no longer those of the experiment."""
        if self._runner.running and not self._fits():
            self.stop()

    @Slot(object)
    def _show(self, event: Event) -> None:
        if isinstance(event, Explained) and self._fits():
            self._adviser.set_explained(event)

    def _fits(self) -> bool:
        made = self._adviser.made
        return made is not None and self._made is not None and made.key == self._made.key

    @Slot(bool)
    def _on_running(self, running: bool) -> None:
        explained = self._adviser.facts.explained
        if not running and explained is not None and not explained.complete:
            # Stopped or failed on the way.
            self._adviser.set_explained(None)

"""What the pages share that train a network and draw chains with it: state of the jobs, going on, and stopping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from msd_engine.events import Event, Started
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import Status
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.made import Made
from msd_gui.session.networks import network_in
from msd_gui.session.resolve import EngineState


class Chains(QObject):
    """The chains of a page.

    Attributes:
        made: What the chains are made with that were asked for last; None before the first.
        begun: What the chains are made with that began last; others may have been asked for since.
    """

    def __init__(self, page: ResolvedPage, engine: Engine, trainer: Trainer) -> None:
        """Draw nothing yet.

        Args:
            page: Says what denoises; owner of the runner; told of progress and failures.
            engine: Makes the jobs.
            trainer: May be training the network, and then has the status bar.
        """
        super().__init__(page)
        self._page, self._engine, self._trainer = page, engine, trainer
        self._runner = page.runner(self._show)
        self.made: Made | None = None
        self.begun = page.resolved.made

    def _begin(self, event: Started) -> None:
        """Note what the chains are made with that begin: by now others may have been asked for."""
        spec, network = ExperimentSpec.from_json(event.spec_json), self._page.resolved.network
        self.begun = Made(spec, network if spec.sampling.source == "trained" else None)

    @property
    def running(self) -> bool:
        """Whether chains are being drawn."""
        return self._runner.running

    @property
    def playing(self) -> bool:
        """Whether chains are being drawn and not held."""
        return self._runner.running and not self._runner.held

    @property
    def drawn(self) -> Made | None:
        """What the chains are made with that are being drawn, None where none are."""
        return self.made if self._runner.running else None

    def hold(self) -> None:
        """Hold the chains, or let them go on."""
        self._runner.hold()

    def stop(self) -> None:
        """Stop the chains."""
        self._runner.stop()

    def _show(self, event: Event) -> None:
        """Show what the job of the chains emits."""
        raise NotImplementedError


class TrainingPage(ResolvedPage):
    """A page with a network in training and chains.

    Attributes:
        trainer: Has the network; made by the page.
        chains: The chains; made by the page.
    """

    trainer: Trainer
    chains: Chains

    def connect_trainer(self) -> None:
        """Follow the training."""
        self.trainer.checkpointed.connect(self.take_weights)
        self.trainer.ended.connect(self._on_trained)

    def has_states(self) -> bool:
        """Return whether there are states to step through."""
        raise NotImplementedError

    def state(self) -> EngineState:
        """Return what the page's jobs are doing."""
        trainer = self.trainer
        return EngineState(
            ready=self.engine.ready,
            training=trainer.spec if trainer.running else None,
            stopped=trainer.stopped,
            drawing=self.chains.running,
            drawn=self.chains.made is not None,
            states=self.has_states(),
        )

    def open_run(self, spec: ExperimentSpec, run: Path) -> None:
        """Show a run with its network and its curves; a network that ships has none."""
        network = network_in(run, spec)
        if network.card is None:
            self.trainer.adopt(run, spec)
        self.show_experiment(spec, network)

    @Slot()
    def take_weights(self) -> None:
        """Take newer weights; a network that has its first ones is used from now on."""
        network = self.trainer.network
        if network is not None:
            if all(one.folder != network.folder for one in self.store.known):
                self.networks = replace(self.networks, chosen=network)
            self.store.add(network)
        self.renew()

    @Slot()
    def _on_trained(self) -> None:
        self.set_status(Status())
        self.take_weights()
        self.actions_changed.emit()

    def do_train(self) -> None:
        """Train a network with the present settings."""
        self.trainer.start(self.experiment.spec)
        self.renew()

    def do_resume(self) -> None:
        """Go on with the stopped run."""
        self.trainer.resume(self.experiment.spec)

    def do_stop(self) -> None:
        """Stop training and sampling."""
        self.trainer.stop()
        self.chains.stop()

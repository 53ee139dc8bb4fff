"""Base classes of pages that train a network and draw chains: state of the jobs, resume, and stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from msd_engine.events import Event, Started
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.drawing import DrawsChains
from msd_gui.pages.base.page import Status
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.made import Made
from msd_gui.session.networks import network_in
from msd_gui.session.resolve import EngineState


class Chains(QObject, DrawsChains):
    """The chains of a page.

    Attributes:
        made: Settings and network of the last requested chains; None before the first.
        begun: Settings and network of the last started chains.
    """

    def __init__(self, page: ResolvedPage, engine: Engine, trainer: Trainer) -> None:
        """Create a runner on the page; while the trainer runs, the status bar is its own."""
        super().__init__(page)
        self._page, self._engine, self._trainer = page, engine, trainer
        self._runner = page.runner(self._show)
        self.made: Made | None = None
        self.begun = page.resolved.made

    def _begin(self, event: Started) -> None:
        """Record the settings of the started chains; the page may have requested others since."""
        spec, network = ExperimentSpec.from_json(event.spec_json), self._page.resolved.network
        self.begun = Made(spec, network if spec.sampling.source == "trained" else None)

    @property
    def drawn(self) -> Made | None:
        """Settings and network of the running chains; None without any."""
        return self.made if self._runner.running else None

    def _show(self, event: Event) -> None:
        """Show an event of the chains' job."""
        raise NotImplementedError


class TrainingPage(ResolvedPage):
    """A page with training and chains; subclasses create `trainer` and `chains`."""

    trainer: Trainer
    chains: Chains

    def connect_trainer(self) -> None:
        """Connect to the events of the training."""
        self.trainer.checkpointed.connect(self.use_weights)
        self.trainer.ended.connect(self._on_trained)
        self.trainer.opened.connect(self._on_opened)

    def has_states(self) -> bool:
        """Check whether there are states to step through."""
        raise NotImplementedError

    def state(self) -> EngineState:
        """Describe the state of the page's jobs."""
        trainer = self.trainer
        return EngineState(
            ready=self.engine.ready,
            training=trainer.spec if trainer.running else None,
            stopped=trainer.stopped,
            elsewhere=trainer.elsewhere,
            drawing=self.chains.running,
            drawn=self.chains.made is not None,
            states=self.has_states(),
        )

    def open_run(self, spec: ExperimentSpec, run: Path) -> None:
        """Show a run with its network and its curves; shipped networks have no curves."""
        network = network_in(run, spec)
        if network.card is None:
            self.trainer.adopt(run, spec)
        self.show_experiment(spec, network)

    @Slot()
    def use_weights(self) -> None:
        """Use the newest weights, and choose the network when its first weights arrive."""
        network = self.trainer.network
        if network is not None:
            if all(one.folder != network.folder for one in self.store.known):
                self.networks = replace(self.networks, chosen=network)
            self.store.add(network)
        self.renew()

    @Slot()
    def _on_trained(self) -> None:
        self.set_status(Status())
        self.use_weights()
        self.actions_changed.emit()

    @Slot()
    def _on_opened(self) -> None:
        self.renew()
        self.actions_changed.emit()

    def do_train(self) -> None:
        """Train a network with the present settings; a branch belongs to the chains alone."""
        self.trainer.start(self.experiment.spec.replace("branch", None))
        self.renew()

    def do_resume(self) -> None:
        """Resume the stopped run."""
        self.trainer.resume(self.experiment.spec)

    def do_stop(self) -> None:
        """Stop training and sampling."""
        self.trainer.stop()
        self.chains.stop()

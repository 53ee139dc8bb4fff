"""Base class of pages for one experiment with a network or the exact score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Slot

from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import ExperimentPage
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import Network, Networks, NetworkStore
from msd_gui.session.resolve import EngineState, Remedy, Resolved, resolve
from msd_gui.session.rules import source_rule


class ResolvedPage(ExperimentPage):
    """A page that resolves its settings, networks and jobs to one frozen state after each change.

    Attributes:
        networks: Available networks, and the chosen one.
        resolved: Present state.
    """

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock, store: NetworkStore) -> None:
        """Resolve the first settings; `store` has the networks of all pages."""
        super().__init__(experiment, engine, clock)
        self.store = store
        self.networks = Networks(store.known)
        # Another page trains the network that this page has asked for.
        self._elsewhere = False
        self.resolved = resolve(experiment.spec, self.networks, EngineState())
        experiment.changed.connect(self.renew)
        self.actions_changed.connect(self.renew)
        store.changed.connect(self._on_store)

    def state(self) -> EngineState:
        """Describe the state of the page's jobs."""
        raise NotImplementedError

    def show_resolved(self, before: Resolved) -> None:
        """Show the changes since `before`."""
        raise NotImplementedError

    @Slot()
    def renew(self) -> None:
        """Resolve again, and show the differences."""
        now = resolve(self.experiment.spec, self.networks, self.state())
        # The network stays in use until the user or other data choose another.
        chosen = self.networks.chosen
        if not now.exact or (chosen is not None and not chosen.fits(now.spec)):
            self.networks = replace(self.networks, chosen=None if now.exact else now.network)
        if now != self.resolved:
            before, self.resolved = self.resolved, now
            self.show_resolved(before)

    def why_not(self, action: str) -> str:
        """Explain why an action of this page is not allowed; empty if it is."""
        return self.resolved.actions.get(action, "")

    def can(self, action: str) -> bool:
        """Check whether the page has an action and allows it now."""
        return hasattr(self, f"do_{action}") and not self.why_not(action)

    # -- networks ------------------------------------------------------------------------------------------------------

    @Slot()
    def _on_store(self) -> None:
        known, before = self.store.known, {one.folder for one in self.networks.known}
        self.networks = self.networks.after(known)
        if self._elsewhere and known[0].folder not in before and known[0].fits(self.experiment.spec):
            self.networks, self._elsewhere = replace(self.networks, chosen=known[0]), False
        self.renew()

    def show_experiment(self, spec: ExperimentSpec, network: Network | None = None) -> None:
        """Load an experiment with a network; None for the default network of the settings."""
        self.networks = replace(self.networks, chosen=network)
        if network is not None:
            self.store.add(network)
        self.experiment.load(spec)
        self.renew()

    @Slot(object)
    def use(self, network: Network, *, with_settings: bool = False) -> None:
        """Use a network; if it does not fit, or `with_settings`, load its data, number of copies and ladder too."""
        if with_settings or not network.fits(self.experiment.spec):
            self.show_experiment(self.settings_for(network), network)
            return
        self.networks = replace(self.networks, chosen=network)
        self.store.add(network)
        self.renew()

    def settings_for(self, network: Network) -> ExperimentSpec:
        """Build the settings that show a network."""
        return network.spec.replace_all({"sampling.source": "trained"} | source_rule(network.spec, "trained"))

    @Slot(object)
    def open_folder(self, folder: Path) -> None:
        """Request the run in a folder."""
        self.run_requested.emit(folder, "")

    @Slot(object)
    def carry_out(self, remedy: Remedy) -> None:
        """Apply a remedy; the page of the data carries out actions that this page does not have."""
        if remedy.network is not None:
            self.use(remedy.network)
        if remedy.values:
            self.experiment.set(self.experiment.spec.replace_all(dict(remedy.values)))
        if hasattr(self, f"do_{remedy.action}"):
            self.act(remedy.action)
        elif remedy.action:
            self._elsewhere = remedy.action == "train"
            self.spec_requested.emit(self.experiment.spec, remedy.action)

"""A page that shows one experiment and denoises with a network or the exact score."""

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
from msd_gui.session.resolve import EngineState, Remedy, Resolved, resolve, source_rule


class ResolvedPage(ExperimentPage):
    """A page whose settings, networks and jobs are resolved to one answer after each change.

    Attributes:
        networks: What it can choose from, and what it has chosen.
        resolved: What it can do and show now.
    """

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock, store: NetworkStore) -> None:
        """Resolve the first settings.

        Args:
            experiment: What the page shows and changes.
            engine: Makes its jobs.
            clock: The screen's clock.
            store: The networks of all pages.
        """
        super().__init__(experiment, engine, clock)
        self.store = store
        self.networks = Networks(store.known)
        self.resolved = resolve(experiment.spec, self.networks, EngineState())
        experiment.changed.connect(self.renew)
        self.actions_changed.connect(self.renew)
        store.changed.connect(self._on_store)

    def state(self) -> EngineState:
        """Return what the page's jobs are doing."""
        raise NotImplementedError

    def show_resolved(self, before: Resolved) -> None:
        """Show what has changed.

        Args:
            before: What was shown.
        """
        raise NotImplementedError

    @Slot()
    def renew(self) -> None:
        """Resolve again, and show what is different."""
        now = resolve(self.experiment.spec, self.networks, self.state())
        # The network in use stays in use until it is another one's turn by choice or by other data.
        chosen = self.networks.chosen
        if not now.exact or (chosen is not None and not chosen.fits(now.spec)):
            self.networks = replace(self.networks, chosen=None if now.exact else now.network)
        if now != self.resolved:
            before, self.resolved = self.resolved, now
            self.show_resolved(before)

    def why_not(self, action: str) -> str:
        """Return why an action of this page is not allowed; empty where it is."""
        return self.resolved.actions.get(action, "")

    def can(self, action: str) -> bool:
        """Return whether the page has an action, and it is allowed now."""
        return hasattr(self, f"do_{action}") and not self.why_not(action)

    # -- networks ------------------------------------------------------------------------------------------------------

    @Slot()
    def _on_store(self) -> None:
        self.networks = self.networks.after(self.store.known)
        self.renew()

    def show_experiment(self, spec: ExperimentSpec, network: Network | None = None) -> None:
        """Load an experiment, with its network or with the one that the settings ask for."""
        self.networks = replace(self.networks, chosen=network)
        if network is not None:
            self.store.add(network)
        self.experiment.load(spec)
        self.renew()

    @Slot(object)
    def use(self, network: Network, *, anew: bool = False) -> None:
        """Use a network; where it does not fit, take its data, its number of copies and its ladder with it.

        Args:
            network: It may be a new one.
            anew: Take them in any case.
        """
        if anew or not network.fits(self.experiment.spec):
            self.show_experiment(self.settings_for(network), network)
            return
        self.networks = replace(self.networks, chosen=network)
        self.store.add(network)
        self.renew()

    def settings_for(self, network: Network) -> ExperimentSpec:
        """Return the settings that a network is shown with."""
        return network.spec.replace_all({"sampling.source": "trained"} | source_rule(network.spec, "trained"))

    @Slot(object)
    def open_folder(self, folder: Path) -> None:
        """Ask for the run in a folder."""
        self.run_requested.emit(folder, "")

    @Slot(object)
    def carry_out(self, remedy: Remedy) -> None:
        """Do what the button of a card says; what this page has no action for, the page of these data does."""
        if remedy.network is not None:
            self.use(remedy.network)
        if remedy.values:
            self.experiment.set(self.experiment.spec.replace_all(dict(remedy.values)))
        if hasattr(self, f"do_{remedy.action}"):
            self.act(remedy.action)
        elif remedy.action:
            self.spec_requested.emit(self.experiment.spec, remedy.action)

"""What the pages share that train a network and draw chains with it: when they can, going on, and stopping."""

from __future__ import annotations

from typing import Protocol

from msd_gui.pages.base.page import ExperimentPage
from msd_gui.pages.training.trainer import Trainer


class Chains(Protocol):
    """The chains of a page."""

    @property
    def running(self) -> bool:
        """Whether chains are being drawn."""
        ...

    def stop(self) -> None:
        """Stop the chains."""
        ...


class TrainingPage(ExperimentPage):
    """A page with a network in training and chains.

    Attributes:
        ready: Whether the engine is there.
        trainer: Has the network; made by the page.
        chains: The chains; made by the page.
    """

    ready = False
    trainer: Trainer
    chains: Chains

    def begin(self) -> None:
        """Allow training once the engine is there."""
        self.ready = True

    def can(self, action: str) -> bool:
        """Return whether an action makes sense now."""
        match action:
            case "train":
                return self.ready and not self.trainer.running
            case "resume":
                return self.trainer.can_resume and self.trainer.same_network(self.experiment.spec)
            case "stop":
                return self.trainer.running or self.chains.running
            case _:
                return False

    def do_resume(self) -> None:
        """Go on with the stopped run."""
        self.trainer.resume(self.experiment.spec)

    def do_stop(self) -> None:
        """Stop training and sampling."""
        self.trainer.stop()
        self.chains.stop()

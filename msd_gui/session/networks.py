"""The networks that chains and pictures can be denoised with: trained or opened in this session, or shipped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from msd_engine.specs import ExperimentSpec, ModelCard, load_card, model_folder, model_names
from msd_engine.specs.experiment import misfits


@dataclass(frozen=True)
class Network:
    """A network on the disk.

    Attributes:
        folder: A run folder, or the folder of a model that ships with the program.
        spec: The experiment that it was trained with.
        step: Training steps of its weights; 0 where they are not counted here.
        card: What is to be known of a model that ships with the program; None for a run.
    """

    folder: Path
    spec: ExperimentSpec
    step: int = 0
    card: ModelCard | None = None

    @property
    def k(self) -> int:
        """Number of copies that it takes."""
        return self.spec.training.k

    @property
    def title(self) -> str:
        """What a list calls it: what has to be cut off there is the end of its name."""
        return f"k = {self.k}, {'pretrained' if self.card else self.folder.name}"

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        return "the pretrained network" if self.card else self.folder.name

    @property
    def words(self) -> str:
        """Its name with the step of its weights."""
        return self.name + (f", step {self.step:,}" if self.step else "")

    def fits(self, spec: ExperimentSpec) -> bool:
        """Return whether it can denoise what a spec asks for."""
        return not misfits(self.spec, spec)


@cache
def shipped() -> tuple[Network, ...]:
    """Return the networks that ship with the program, by name."""
    return tuple(Network(model_folder(name), load_card(name).spec, card=load_card(name)) for name in model_names())


def network_in(folder: Path, spec: ExperimentSpec) -> Network:
    """Return the network in a folder: one that ships with the program, or that of a run with its spec."""
    return next((one for one in shipped() if one.folder == folder), Network(folder, spec))


@dataclass(frozen=True)
class Networks:
    """What a page can choose from, and what it has chosen.

    Attributes:
        known: Trained or opened in this session, the newest first.
        chosen: What the page goes on to use while it can; None leaves it to the settings.
    """

    known: tuple[Network, ...] = ()
    chosen: Network | None = None

    def candidates(self, spec: ExperimentSpec) -> tuple[Network, ...]:
        """Return the networks that fit a spec but for the number of copies, those of this session first."""
        return tuple(one for one in (*self.known, *shipped()) if {*misfits(one.spec, spec)} <= {"k"})

    def network(self, spec: ExperimentSpec) -> Network | None:
        """Return the network for a spec, which does not fit where the one in use takes another number of copies.

        The one that is chosen stays while its data are asked for and, where the score is exact, its k; no other network
        takes its place by itself. Else it is the first of the candidates that fits; None where there is none.
        """
        candidates, chosen = self.candidates(spec), self.chosen
        if chosen in candidates and (chosen.fits(spec) or spec.sampling.source == "trained"):
            return chosen
        return next((one for one in candidates if one.fits(spec)), None)

    def after(self, known: tuple[Network, ...]) -> Networks:
        """Follow the store: newer weights of the chosen network, and a newer training where the last one was chosen.

        Args:
            known: What is known now.
        """
        chosen = self.chosen
        if chosen is not None and known:
            follows = bool(self.known) and chosen.folder == self.known[0].folder and known[0].fits(chosen.spec)
            same = next((one for one in known if one.folder == chosen.folder), chosen)
            chosen = known[0] if follows else same
        return Networks(known, chosen)


class NetworkStore(QObject):
    """The networks that were trained or opened in this session, for all pages.

    Attributes:
        changed: Emitted when there is another one, or one has newer weights.
        known: The newest first; a folder stands in it once.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin without any."""
        super().__init__(parent)
        self.known: tuple[Network, ...] = ()

    def add(self, network: Network) -> None:
        """Take a network that has been trained, trained further or opened; one that ships is there already."""
        others = tuple(one for one in self.known if one.folder != network.folder)
        known = self.known if network.card else (network, *others)
        if known != self.known:
            self.known = known
            self.changed.emit()

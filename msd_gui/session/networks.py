"""The available networks: trained or opened in this session, or shipped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from msd_engine.specs import (
    ExperimentSpec,
    ModelCard,
    load_card,
    load_preset,
    model_folder,
    model_names,
    preset_names,
)
from msd_engine.specs.experiment import misfits


@dataclass(frozen=True)
class Network:
    """A network on the disk.

    Attributes:
        folder: A run folder, or the folder of a shipped model.
        spec: The experiment of its training.
        step: Training steps of its weights; 0 if not counted here.
        card: The model card of a shipped model; None for a run.
    """

    folder: Path
    spec: ExperimentSpec
    step: int = 0
    card: ModelCard | None = None

    @property
    def k(self) -> int:
        """Number of copies in its training."""
        return self.spec.training.k

    @property
    def copies(self) -> str:
        """Which numbers of copies it takes, such as ``sees k = 8``."""
        return f"{'serves' if self.spec.serves_every_k else 'sees'} {self.spec.copies}"

    @property
    def title(self) -> str:
        """Title in a list, where the end of the name may be cut off."""
        return f"{self.spec.copies}, {'pretrained' if self.card else self.folder.name}"

    @property
    def name(self) -> str:
        """Name in a sentence."""
        return "the pretrained network" if self.card else self.folder.name

    @property
    def words(self) -> str:
        """Name with the step of its weights."""
        return self.name + (f", step {self.step:,}" if self.step else "")

    def fits(self, spec: ExperimentSpec) -> bool:
        """Return whether it can denoise for a spec."""
        return not misfits(self.spec, spec)


@cache
def shipped() -> tuple[Network, ...]:
    """Return the shipped networks, by name."""
    return tuple(Network(model_folder(name), load_card(name).spec, card=load_card(name)) for name in model_names())


@cache
def usual_guidance(data: str, sampler: str) -> float:
    """Return the guidance of the shipped settings for a sampler and some data; 1 (none) if none are shipped."""
    specs = (*(one.spec for one in shipped()), *(load_preset(name) for name in preset_names()))
    found = (spec.sampling for spec in specs if spec.data.name == data and spec.sampling.source == "trained")
    return next((sampling.guidance for sampling in found if sampling.sampler == sampler), 1.0)


def network_in(folder: Path, spec: ExperimentSpec) -> Network:
    """Return the network in a folder: a shipped one, or that of a run with its spec."""
    return next((one for one in shipped() if one.folder == folder), Network(folder, spec))


@dataclass(frozen=True)
class Networks:
    """The choice of networks on a page.

    Attributes:
        known: Trained or opened in this session, newest first.
        chosen: Used by the page as long as it fits; None leaves the choice to the settings.
    """

    known: tuple[Network, ...] = ()
    chosen: Network | None = None

    def candidates(self, spec: ExperimentSpec) -> tuple[Network, ...]:
        """Return the networks that fit a spec except perhaps in the number of copies, those of this session first."""
        return tuple(one for one in (*self.known, *shipped()) if {*misfits(one.spec, spec)} <= {"k"})

    def network(self, spec: ExperimentSpec) -> Network | None:
        """Return the network for a spec; it may have another number of copies than the spec.

        The chosen one stays as long as the data agree and, for an exact score, its k. Else it is the first candidate
        that fits, or None.
        """
        candidates, chosen = self.candidates(spec), self.chosen
        if chosen in candidates and (chosen.fits(spec) or spec.sampling.source == "trained"):
            return chosen
        return next((one for one in candidates if one.fits(spec)), None)

    def after(self, known: tuple[Network, ...]) -> Networks:
        """Follow the store: newer weights of the chosen network, and a newer training if the last one was chosen."""
        chosen = self.chosen
        if chosen is not None and known:
            follows = bool(self.known) and chosen.folder == self.known[0].folder and known[0].fits(chosen.spec)
            same = next((one for one in known if one.folder == chosen.folder), chosen)
            chosen = known[0] if follows else same
        return Networks(known, chosen)


class NetworkStore(QObject):
    """The networks trained or opened in this session, for all pages.

    Attributes:
        changed: Emitted for a new network or newer weights.
        known: Newest first; each folder once.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin with an empty store."""
        super().__init__(parent)
        self.known: tuple[Network, ...] = ()

    def add(self, network: Network) -> None:
        """Add or update a network; shipped ones are ignored."""
        others = tuple(one for one in self.known if one.folder != network.folder)
        known = self.known if network.card else (network, *others)
        if known != self.known:
            self.known = known
            self.changed.emit()

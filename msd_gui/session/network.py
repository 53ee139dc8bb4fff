"""A trained network that pages hand to each other: the folder that it lies in, and what it was trained for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from msd_engine.specs import ExperimentSpec


@dataclass(frozen=True)
class Network:
    """A network on the disk.

    Attributes:
        folder: A run folder, or the folder of a model that ships with the program.
        spec: The experiment that it was trained with.
    """

    folder: Path
    spec: ExperimentSpec

    def fits(self, spec: ExperimentSpec) -> bool:
        """Return whether it was trained on the data, and for the number of copies, of another experiment."""
        return (self.spec.data.name, self.spec.training.k) == (spec.data.name, spec.training.k)


class LatestNetwork(QObject):
    """The network that was trained or opened last on the images page, for the pages that use it too.

    Attributes:
        changed: Emitted when it is another one, or has newer weights.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin without any."""
        super().__init__(parent)
        self.network: Network | None = None

    def set(self, network: Network) -> None:
        """Take a network that has been trained, trained further or opened."""
        self.network = network
        self.changed.emit()

"""Which network denoises by hand: a model that ships with the program, that of the images page, or any run's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from msd_engine.specs import ExperimentSpec, load_card, model_folder, model_names, pretrained_for
from msd_gui.session.network import LatestNetwork, Network
from msd_gui.widgets.controls.guard import LIST_KEYS, KeyGuard
from msd_gui.widgets.controls.path_box import PathBox

Origin = Literal["pretrained", "images", "folder"]
_ORIGINS: dict[Origin, tuple[str, str]] = {
    "pretrained": ("Pretrained model", "The small network that ships with the program for these data and this k."),
    "images": ("Images page", "The network that was trained or opened last on the images page."),
    "folder": ("Run folder", "The network of any run: choose its folder below, or drop it on the window."),
}
_EXACT: dict[str, Any] = {"sampling.source": "exact"}
_USE_EXACT = "Use exact"


class Missing(NamedTuple):
    """Why no network can denoise what is shown, and what mends it.

    Attributes:
        title: What is the matter, in a few words.
        text: Why, and what to do.
        remedy: What the button says.
        values: The fields that the button sets, by dotted path.
    """

    title: str
    text: str
    remedy: str
    values: dict[str, Any]


class NetworkChoice(QWidget):
    """A list of places where a network may come from; where it is a folder, a line for that folder.

    Attributes:
        chosen: Emitted when the user has chosen another place.
        folder_chosen: Emitted with a run folder to be read, or None where the line was emptied.
    """

    chosen = Signal()
    folder_chosen = Signal(object)

    def __init__(self, latest: LatestNetwork) -> None:
        """Begin with the pretrained models.

        Args:
            latest: The network of the images page.
        """
        super().__init__()
        self._latest = latest
        self._opened: Network | None = None
        self.combo = QComboBox()
        self.combo.setObjectName("denoise.network")
        self.combo.setAccessibleName("Network")
        self.combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for origin, (word, help_) in _ORIGINS.items():
            self.combo.addItem(word, origin)
            self.combo.setItemData(self.combo.count() - 1, help_, Qt.ItemDataRole.ToolTipRole)
        KeyGuard(self.combo, LIST_KEYS)
        self.label = QLabel("Network")
        self.label.setBuddy(self.combo)
        self.label.setToolTip("Which network makes x̂ of the copies; it sees as many copies as it was made for.")
        self.folder_box = PathBox("Run folder of the network", "No network chosen")
        self.folder_box.setObjectName("denoise.run")
        row = QHBoxLayout()
        row.addWidget(self.label, 2)
        row.addWidget(self.combo, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.folder_box)
        self.combo.activated.connect(self._on_activated)
        self.folder_box.valueChanged.connect(self.folder_chosen)
        latest.changed.connect(self._show)
        self._show()

    def origin(self) -> Origin:
        """Return where the network comes from."""
        found: Origin = self.combo.currentData()
        return found

    def take(self, network: Network) -> None:
        """Use a network, wherever it lies."""
        latest = self._latest.network
        if network.folder in {model_folder(name) for name in model_names()}:
            self._set_origin("pretrained")
        elif latest is not None and network.folder == latest.folder:
            self._set_origin("images")
        else:
            self._opened = network
            self._set_origin("folder")

    def forget(self) -> None:
        """Forget the run whose folder was chosen."""
        self._opened = None

    def use_pretrained(self) -> None:
        """Go back to the models that ship with the program."""
        self._set_origin("pretrained")

    def network(self, spec: ExperimentSpec) -> Network | None:
        """Return the network that is chosen, whether or not it fits; a pretrained model is chosen by data and k."""
        match self.origin():
            case "images":
                return self._latest.network
            case "folder":
                return self._opened
            case "pretrained":
                card = pretrained_for(spec)
                return None if card is None else Network(model_folder(card.name), card.spec)

    def fitting(self, spec: ExperimentSpec) -> Path | None:
        """Return the folder of the chosen network where it fits to a spec, else None."""
        network = self.network(spec)
        return network.folder if network is not None and network.fits(spec) else None

    def missing(self, spec: ExperimentSpec) -> Missing | None:
        """Return why the chosen network cannot denoise what a spec asks for; None where it can."""
        network = self.network(spec)
        if network is not None:
            return None if network.fits(spec) else _misfit(network, spec)
        match self.origin():
            case "images":
                return Missing(
                    "No network on the images page yet",
                    "Train one there, or open a run there; until then the exact posterior mean can denoise.",
                    _USE_EXACT,
                    _EXACT,
                )
            case "folder":
                return Missing(
                    "No run chosen yet",
                    "Choose the folder of a run at the left or drop it on the window, or let the exact posterior mean "
                    "of the images denoise.",
                    _USE_EXACT,
                    _EXACT,
                )
            case "pretrained":
                return _no_model(spec)

    def _set_origin(self, origin: Origin) -> None:
        self.combo.setCurrentIndex(self.combo.findData(origin))
        self._show()

    @Slot()
    def _show(self) -> None:
        model, latest = self.combo.model(), self._latest.network
        assert isinstance(model, QStandardItemModel)
        place = self.combo.findData("images")
        model.item(place).setEnabled(latest is not None)
        name = f" It is {latest.folder.name}." if latest is not None else " There is none yet."
        model.item(place).setToolTip(_ORIGINS["images"][1] + name)
        self.combo.setToolTip(self.combo.currentData(Qt.ItemDataRole.ToolTipRole))
        self.folder_box.setVisible(self.origin() == "folder")
        self.folder_box.setValue(self._opened.folder if self._opened is not None else None)

    @Slot(int)
    def _on_activated(self, _index: int) -> None:
        self._show()
        self.chosen.emit()


def _misfit(network: Network, spec: ExperimentSpec) -> Missing:
    theirs, ours = network.spec, spec
    return Missing(
        "Another network is needed",
        f"{network.folder.name} was trained on {theirs.data.title} with k = {theirs.training.k}; "
        f"{ours.data.title} with k = {ours.training.k} is shown.",
        "Take its data and k",
        {"data": theirs.data, "training.k": theirs.training.k},
    )


def _no_model(spec: ExperimentSpec) -> Missing:
    """Say which models there are for these data, and offer the nearest number of copies."""
    data, k = spec.data.title, spec.training.k
    cards = (load_card(name) for name in model_names())
    known = sorted(card.spec.training.k for card in cards if card.spec.data.name == spec.data.name)
    if not known:
        return Missing(
            f"No pretrained model of {data}",
            "Train a network on the images page, choose the folder of a run, or let the exact posterior mean denoise.",
            _USE_EXACT,
            _EXACT,
        )
    nearest = min(known, key=lambda other: max(other / k, k / other))
    words = " and ".join(str(one) for one in known)
    return Missing(
        f"No pretrained model for k = {k}",
        f"Those of {data} are for k = {words}: a network sees as many copies as it was trained with.",
        f"Use k = {nearest}",
        {"training.k": nearest},
    )

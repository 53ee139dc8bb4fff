"""Choice of the network on the images and denoise pages: a list, and a card if none fits."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from msd_gui.pages.sampling.model_card import CardDialog
from msd_gui.session.networks import Network
from msd_gui.session.resolve import Problem, Remedy, Resolved
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.controls.guard import LIST_KEYS, KeyGuard
from msd_gui.widgets.panels.card import Card

_FOLDER = "Run folder…"
_HELP = (
    "Network that computes x̂ from the copies: from this session, or shipped with the program. Its input has as many "
    "copies as in training, unless it serves every k."
)


class NetworkRow(QWidget):
    """A list of the networks for the data, and a button for the model card; hidden for the exact score.

    Attributes:
        chosen: Emitted with the chosen `Network`.
        opened: Emitted with a chosen run folder.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._networks: tuple[Network, ...] = ()
        self._network: Network | None = None
        self.combo = QComboBox()
        self.combo.setObjectName("sampling.network")
        self.combo.setAccessibleName("Network")
        self.combo.setToolTip(wrapped(_HELP))
        self.combo.setPlaceholderText("None fits")
        self.combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        KeyGuard(self.combo, LIST_KEYS)
        self.copies = QLabel()
        self.copies.setProperty("role", "muted")
        self.copies.setToolTip("Which numbers of copies k this network takes.")
        self.card = QPushButton("Model card…")
        self.card.setObjectName("pretrained")
        self.card.setToolTip("Data, licence, training and figures of this shipped network.")
        label = QLabel("Network")
        label.setBuddy(self.combo)
        label.setToolTip(wrapped(_HELP))
        row = QHBoxLayout()
        row.addWidget(label, 2)
        row.addWidget(self.combo, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(row)
        below = QHBoxLayout()
        below.addWidget(self.copies, 1)
        below.addWidget(self.card)
        column.addLayout(below)
        self.combo.activated.connect(self._on_activated)
        self.card.clicked.connect(self.open_card)

    @property
    def network(self) -> Network | None:
        """The chosen network."""
        return self._network

    def show_resolved(self, resolved: Resolved) -> None:
        """Show the available networks and the chosen one."""
        self.setVisible(not resolved.exact)
        self._network = resolved.network
        if resolved.candidates != self._networks or not self.combo.count():
            self._networks = resolved.candidates
            self.combo.clear()
            self.combo.addItems([*(one.title for one in self._networks), _FOLDER])
        self._point()
        self.copies.setText("" if self._network is None else self._network.copies)
        self.card.setVisible(self._network is not None and self._network.card is not None)

    def _point(self) -> None:
        network = self._network
        self.combo.setCurrentIndex(-1 if network is None else self._networks.index(network))

    @Slot(int)
    def _on_activated(self, index: int) -> None:
        if index < len(self._networks):
            self.chosen.emit(self._networks[index])
            return
        self._point()
        folder = QFileDialog.getExistingDirectory(self, "Open the folder of a run")
        if folder:
            self.opened.emit(Path(folder))

    @Slot()
    def open_card(self) -> None:
        """Open the model card."""
        if self._network is not None and self._network.card is not None:
            dialog = CardDialog(self._network.card, self.window())
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()


class NetworkCard(Card):
    """A card with a button for each remedy when no network fits, or its k differs; else hidden.

    Attributes:
        remedy: Emitted with the chosen `Remedy`.
    """

    remedy = Signal(object)

    def __init__(self) -> None:
        super().__init__("info", "", "", dismissible=False, stacked=True)
        self.problem: Problem | None = None
        self.buttons: list[QPushButton] = []
        self.hide()

    def show_problem(self, problem: Problem | None) -> None:
        """Show a problem with its remedies, or none."""
        self.setVisible(problem is not None)
        if problem is None or problem == self.problem:
            self.problem = problem
            return
        self.problem = problem
        self.set_message("info", problem.title, problem.text)
        while len(self.buttons) < len(problem.remedies):
            button = QPushButton(self)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self.press, len(self.buttons)))
            self._words.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
            self.buttons.append(button)
        for index, button in enumerate(self.buttons):
            button.setVisible(index < len(problem.remedies))
            if index < len(problem.remedies):
                button.setText(problem.remedies[index].label)

    def press(self, index: int, _checked: bool = False) -> None:
        """Choose a remedy by its number."""
        if self.problem is not None:
            remedy: Remedy = self.problem.remedies[index]
            self.remedy.emit(remedy)

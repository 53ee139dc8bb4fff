"""The network that denoises, on the images page and the denoise page: a list, and a card where none of it fits."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from msd_gui.pages.sampling.model_card import CardDialog
from msd_gui.session.networks import Network
from msd_gui.session.resolve import Problem, Remedy, Resolved
from msd_gui.widgets.controls.guard import LIST_KEYS, KeyGuard
from msd_gui.widgets.panels.card import Card

_FOLDER = "Run folder…"
_HELP = (
    "Which network makes x̂ of the copies: one of this session, or one that ships with the program. It sees as many "
    "copies as it was trained with."
)


class NetworkRow(QWidget):
    """A list of the networks of the data, and a button for the card of one that ships; hidden for the exact score.

    Attributes:
        chosen: Emitted with the `Network` that the user has chosen.
        opened: Emitted with a run folder whose network is wanted.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self) -> None:
        """Build it without networks."""
        super().__init__()
        self._networks: tuple[Network, ...] = ()
        self._network: Network | None = None
        self.combo = QComboBox()
        self.combo.setObjectName("sampling.network")
        self.combo.setAccessibleName("Network")
        self.combo.setToolTip(_HELP)
        self.combo.setPlaceholderText("None for this k")
        self.combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        KeyGuard(self.combo, LIST_KEYS)
        self.card = QPushButton("Model card…")
        self.card.setObjectName("pretrained")
        self.card.setToolTip("Data, licence, training and figures of this network, which ships with the program.")
        label = QLabel("Network")
        label.setBuddy(self.combo)
        label.setToolTip(_HELP)
        row = QHBoxLayout()
        row.addWidget(label, 2)
        row.addWidget(self.combo, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.card, 0, Qt.AlignmentFlag.AlignRight)
        self.combo.activated.connect(self._on_activated)
        self.card.clicked.connect(self.open_card)

    @property
    def network(self) -> Network | None:
        """The network that is shown as chosen."""
        return self._network

    def show_resolved(self, resolved: Resolved) -> None:
        """Show what there is to choose from, and what is chosen."""
        self.setVisible(not resolved.exact)
        self._network = resolved.network
        if resolved.candidates != self._networks or not self.combo.count():
            self._networks = resolved.candidates
            self.combo.clear()
            self.combo.addItems([*(one.title for one in self._networks), _FOLDER])
        self._point()
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
        """Open the card of the network."""
        if self._network is not None and self._network.card is not None:
            dialog = CardDialog(self._network.card, self.window())
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()


class NetworkCard(Card):
    """Says which k the network sees, or that there is none, with a button for each way on; hidden where one fits.

    Attributes:
        remedy: Emitted with the `Remedy` whose button was pressed.
    """

    remedy = Signal(object)

    def __init__(self) -> None:
        """Begin hidden."""
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
        """Choose a remedy by its number, as its button does."""
        if self.problem is not None:
            remedy: Remedy = self.problem.remedies[index]
            self.remedy.emit(remedy)

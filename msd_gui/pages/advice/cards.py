"""Cards about problems of the settings, three at first, each with a button for its remedy."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from msd_gui.pages.advice.findings import Advice
from msd_gui.theme.tips import typeset
from msd_gui.widgets.panels.card import Card

FIRST = 3
MOST = 6


class AdviceCards(QWidget):
    """A stack of cards, hidden without advice.

    Attributes:
        advice: Advice, the worst first.
        remedy: Emitted with the chosen remedy: new values of fields by dotted path.
        requested: Emitted with the request of a card without a remedy, its `Advice.request`.
    """

    remedy = Signal(object)
    requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.advice: list[Advice] = []
        self._all = False
        self.cards = [Card("warning", "", "", dismissible=False, stacked=True, rich=True) for _ in range(MOST)]
        self._more = QPushButton()
        self._more.setFlat(True)
        self._more.clicked.connect(self._show_all)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        for index, card in enumerate(self.cards):
            card.action.connect(partial(self._apply, index))
            box.addWidget(card)
        box.addWidget(self._more)
        self._show()

    def set_advice(self, advice: list[Advice]) -> None:
        """Show advice, the worst first."""
        if advice == self.advice:
            return
        self.advice = advice
        self._show()

    def _show(self) -> None:
        shown = MOST if self._all else FIRST
        for index, card in enumerate(self.cards):
            there = index < min(shown, len(self.advice))
            card.setVisible(there)
            if there:
                advice = self.advice[index]
                card.set_message(advice.severity, advice.title, typeset(advice.evidence), advice.action)
        hidden = len(self.advice) - shown
        self._more.setText(f"{hidden} more")
        self._more.setVisible(hidden > 0)
        self.setVisible(bool(self.advice))

    def _show_all(self) -> None:
        self._all = True
        self._show()

    def _apply(self, index: int) -> None:
        advice = self.advice[index]
        if advice.request:
            self.requested.emit(advice.request)
        else:
            self.remedy.emit(dict(advice.remedy))

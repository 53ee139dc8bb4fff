"""The line of a form that says what its plan costs, or why the plan cannot be used."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QLabel

from msd_engine.specs import SpecError
from msd_gui.views.base.rich import indexed


class CostLine(QLabel):
    """What a plan costs, or in red what is wrong with it.

    Args:
        name: Object name.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWordWrap(True)

    def show_cost(self, cost: Callable[[], str]) -> None:
        """Show the words that `cost` returns, or the sentence of the SpecError that it raises."""
        try:
            words, role = cost(), "muted"
        except SpecError as error:
            words, role = str(error), "error"
        self.setText(indexed(words))
        if self.property("role") != role:
            self.setProperty("role", role)
            self.style().polish(self)

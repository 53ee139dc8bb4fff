"""A seed, with a die that throws a new one."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRandomGenerator, Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton

from msd_engine.specs import Declaration
from msd_gui.theme import icon
from msd_gui.widgets.controls.control import Control
from msd_gui.widgets.controls.guard import PRESS_KEYS, KeyGuard
from msd_gui.widgets.controls.number_box import NumberBox

# Thrown seeds stay short enough to read out and remember.
THROWN_BELOW = 10_000


class SeedBox(Control):
    """Title, number and die in one row."""

    def __init__(self, declaration: Declaration) -> None:
        """Build the control.

        Args:
            declaration: Of a whole number with both bounds.

        Raises:
            ValueError: A bound is missing.
        """
        super().__init__(declaration)
        if declaration.low is None or declaration.high is None:
            raise ValueError(f"{declaration.path} needs both bounds.")
        low, high = int(declaration.low), int(declaration.high)
        self._seed = declaration.default
        self.box = NumberBox(
            whole=True, low=low, high=high, step=lambda seed, steps: min(max(seed + steps, low), high), parent=self
        )
        self.box.setAccessibleName(declaration.title)
        self.box.setMinimumWidth(self.box.fontMetrics().horizontalAdvance("0" * 10) + 30)
        self.dice = QToolButton(self)
        self.dice.setIcon(icon("dice"))
        self.dice.setAutoRaise(True)
        self.dice.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.dice.setToolTip("Throw a new seed")
        self.dice.setAccessibleName(f"New {declaration.title.lower()}")
        KeyGuard(self.dice, PRESS_KEYS)
        self.setFocusProxy(self.box)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.make_label())
        row.addStretch(1)
        row.addWidget(self.box)
        row.addWidget(self.dice)
        self.setValue(declaration.default)
        self.box.typed.connect(self.change_value)
        self.box.refused.connect(self.reject_number)
        self.dice.clicked.connect(self.throw)

    def value(self) -> Any:
        """Return the seed."""
        return self._seed

    def setValue(self, value: Any) -> None:
        """Show a seed without telling anyone."""
        self._seed = int(value)
        self.box.setValue(self._seed)

    @Slot()
    def throw(self) -> None:
        """Take another seed, as if the user had typed it."""
        before = seed = self.value()
        while seed == before:
            seed = QRandomGenerator.global_().bounded(THROWN_BELOW)
        self.change_value(seed)

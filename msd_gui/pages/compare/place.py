"""Where a comparison trains its runs: on this computer, by Ray or by Slurm."""

from __future__ import annotations

import os
from collections.abc import Iterator

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLineEdit, QWidget

from msd_engine.specs import SpecError
from msd_engine.specs.tables.places import PLACES, cards_of, why_not
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.panels.elided import ElidedCombo

_HELP = (
    "Where the runs are trained: on this computer, one after the other or several at once, by Ray or by Slurm. Runs "
    "that may be trained at once are commands of their own: whichever dies goes on from its last checkpoint. Small "
    "networks gain most: their steps are too short for several threads. A budget in steps gives the same numbers "
    "everywhere if the number of threads is fixed."
)
_ON_RAY = "ray:"
_NEEDS_FOLDER = "The folder of runs must lie on a disk that all machines share, and the program be installed on each."
_DETAILS = {
    _ON_RAY: ("Address", "host:6379", f"Address of the cluster; auto for the one of this computer. {_NEEDS_FOLDER}"),
    "slurm": ("Partition", "the usual one", f"Partition of Slurm; empty for the usual one. {_NEEDS_FOLDER}"),
}
_CARDS_HELP = (
    "Graphics cards of each run. With Ray, 0.5 lets two runs share one. Empty: 1 if the settings name a CUDA card as "
    "the device, else none."
)


class PlaceChoice(QObject):
    """Rows of a form: the place, its address or partition, and the graphics cards of each run.

    Attributes:
        changed: Emitted when the choice changes.
    """

    changed = Signal()

    def __init__(self, rows: QFormLayout) -> None:
        """Add the rows to a form; places that cannot be used are grey, and their tips say what is missing."""
        super().__init__(rows)
        self._rows = rows
        self.place = ElidedCombo()
        self.place.setToolTip(wrapped(_HELP))
        self.place.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for row, (words, on) in enumerate(_entries()):
            self.place.addItem(words, on)
            if why := _why_not(on):
                self.place.model().item(row).setEnabled(False)  # type: ignore[attr-defined]
                self.place.setItemData(row, wrapped(why), Qt.ItemDataRole.ToolTipRole)
        self.detail, self.cards = QLineEdit(), QLineEdit()
        self.cards.setToolTip(wrapped(_CARDS_HELP))
        self._line = QWidget()
        box = QHBoxLayout(self._line)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.detail, 2)
        box.addWidget(self.cards, 1)
        rows.addRow("Train on", self.place)
        rows.addRow("Address", self._line)
        for name, words, widget in (
            ("place", "Train on", self.place),
            ("detail", "Address or partition", self.detail),
            ("cards", "Graphics cards of each run", self.cards),
        ):
            widget.setObjectName(f"sweep.{name}")
            widget.setAccessibleName(words)
        # Each kind of place keeps its own address or partition.
        self._details = dict.fromkeys(_DETAILS, "")
        self._show()
        self.place.currentIndexChanged.connect(self._show)
        self.detail.textEdited.connect(self._keep)
        self.cards.textEdited.connect(self.changed)

    def value(self) -> tuple[str, float | None]:
        """Return the place as of `msd_engine.launchers.choice.engine_of`, and the cards of each run.

        Raises:
            SpecError: The address is missing, or the place cannot give the cards.
        """
        on = self.place.currentData()
        detail = self.detail.text().strip()
        if on == _ON_RAY and not detail:
            raise SpecError("on", "Give the address of the Ray cluster, such as host:6379.")
        if on in _DETAILS and detail:
            on = f"{on.partition(':')[0]}:{detail}"
        return on, cards_of(self.cards.text(), on) if _gives_cards(on) else None

    def texts(self) -> list[str]:
        """Return the choice as texts, for the next session."""
        return [self.place.currentData(), self.detail.text().strip(), self.cards.text().strip()]

    def set_texts(self, texts: list[str]) -> None:
        """Choose as `texts` of an earlier session said, as far as that is possible now."""
        on, detail, cards = texts
        row = self.place.findData(on)
        if row >= 0 and self.place.model().item(row).isEnabled():  # type: ignore[attr-defined]
            if on in _DETAILS:
                self._details[on] = detail
            self.place.setCurrentIndex(row)
            self.cards.setText(cards)

    @Slot()
    def _show(self) -> None:
        on = self.place.currentData()
        words, placeholder, meaning = _DETAILS.get(on, ("", "", ""))
        self._rows.setRowVisible(self._line, _gives_cards(on))
        self._rows.labelForField(self._line).setText(words or "Cards")  # type: ignore[attr-defined]
        self.detail.setVisible(bool(words))
        self.detail.setPlaceholderText(placeholder)
        self.cards.setPlaceholderText("cards" if words else "as the device asks for")
        self.detail.setToolTip(wrapped(meaning))
        self.detail.setText(self._details.get(on, ""))
        self.changed.emit()

    @Slot(str)
    def _keep(self, text: str) -> None:
        self._details[self.place.currentData()] = text
        self.changed.emit()


def place_words(on: str) -> str:
    """Return the place of runs in words, such as ``on Slurm``."""
    return {"ray": "on Ray", "slurm": "on Slurm"}.get(on.partition(":")[0], "on this computer")


def _gives_cards(on: str) -> bool:
    return bool(on) and PLACES[on.partition(":")[0]].cards


def _why_not(on: str) -> str:
    return why_not(on.partition(":")[0]) if on else ""


def _entries() -> Iterator[tuple[str, str]]:
    """Yield the words and the text of each place."""
    yield "this computer", ""
    for count in range(2, (os.cpu_count() or 1) + 1):
        yield f"this computer, {count} at once", f"local:{count}"
    yield "Ray on this computer", "ray"
    yield "a Ray cluster", _ON_RAY
    yield "Slurm", "slurm"

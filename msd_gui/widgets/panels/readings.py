"""A small table of measured figures and their theory."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from msd_gui.theme.tips import wrapped


@dataclass(frozen=True)
class Reading:
    """One row.

    Attributes:
        name: Name of the figure.
        value: Its value as text.
        expected: Its theory as text; empty for none.
        help: Its meaning, for the tooltip.
        severity: ``""``, ``warning`` or ``error``.
    """

    name: str
    value: str
    expected: str = ""
    help: str = ""
    severity: str = ""


class Readings(QWidget):
    """Rows of name, measured and expected value; labels are reused and only their texts change."""

    def __init__(
        self, name: str, heads: tuple[str, str, str] = ("", "measured", "theory"), *, wrap: bool = False
    ) -> None:
        """Build an empty table.

        Args:
            name: Accessible name.
            heads: Headings of the three columns.
            wrap: Whether long values are broken over lines too, in columns of equal width.
        """
        super().__init__()
        self.setAccessibleName(name)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        for column in range(3 if wrap else 1):
            self._grid.setColumnStretch(column, 1)
        self._wrap = wrap
        self._rows: list[tuple[QLabel, QLabel, QLabel]] = []
        self._shown: tuple[Reading, ...] = ()
        self._heads = [self._label(head, column, "muted") for column, head in enumerate(heads)]
        for column, label in enumerate(self._heads):
            self._grid.addWidget(label, 0, column)
            label.hide()

    def set_readings(self, readings: tuple[Reading, ...]) -> None:
        """Show these rows."""
        if readings == self._shown:
            return
        self._shown = readings
        for head in self._heads:
            head.setVisible(bool(readings))
        while len(self._rows) < len(readings):
            row = len(self._rows) + 1
            labels = (self._label("", 0), self._label("", 1), self._label("", 2, "muted"))
            for column, label in enumerate(labels):
                # A name that does not fit beside the values takes a second line.
                label.setWordWrap(self._wrap or column == 0)
                self._grid.addWidget(label, row, column)
            self._rows.append(labels)
        for index, labels in enumerate(self._rows):
            reading = readings[index] if index < len(readings) else None
            for label in labels:
                label.setVisible(reading is not None)
            if reading is not None:
                self._fill(labels, reading)

    def texts(self) -> list[tuple[str, str, str]]:
        """Return the texts of the rows."""
        return [(reading.name, reading.value, reading.expected) for reading in self._shown]

    @staticmethod
    def _fill(labels: tuple[QLabel, QLabel, QLabel], reading: Reading) -> None:
        for label, text in zip(labels, (reading.name, reading.value, reading.expected), strict=True):
            if label.text() != text:
                label.setText(text)
            if label.toolTip() != (tip := wrapped(reading.help)):
                label.setToolTip(tip)
        value = labels[1]
        if value.property("severity") != reading.severity:
            value.setProperty("severity", reading.severity)
            value.style().polish(value)

    @staticmethod
    def _label(text: str, column: int, role: str = "") -> QLabel:
        label = QLabel(text)
        if column:
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        label.setProperty("role", role or ("trailing" if column == 1 else ""))
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

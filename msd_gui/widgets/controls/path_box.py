"""A folder or a file, typed or chosen."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QToolButton, QWidget

from msd_gui.theme import icon


class PathBox(QWidget):
    """A line for a folder, with a button that opens the chooser.

    Attributes:
        valueChanged: Emitted with the new folder, a Path or None, when the user changes it.
    """

    valueChanged = Signal(object)

    def __init__(self, title: str = "Folder", placeholder: str = "", *, kinds: str = "") -> None:
        """Build an empty line.

        Args:
            title: What the folder is for; title of the chooser and accessible name.
            placeholder: What an empty line means.
            kinds: For a file in the place of a folder: the kinds of files, as the chooser takes them.
        """
        super().__init__()
        self._title, self._kinds = title, kinds
        self._value: Path | None = None
        self.line = QLineEdit(self)
        self.line.setPlaceholderText(placeholder)
        self.line.setClearButtonEnabled(True)
        self.button = QToolButton(self)
        self.button.setIcon(icon("browse"))
        self.button.setToolTip("Choose a file" if kinds else "Choose a folder")
        self.button.setAccessibleName(f"Choose: {title}")
        self.line.setAccessibleName(title)
        self.setAccessibleName(title)
        self.setFocusProxy(self.line)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        self.line.editingFinished.connect(self._on_typed)
        self.button.clicked.connect(self.browse)

    def value(self) -> Path | None:
        """Return the folder in the line; None where it is empty."""
        text = self.line.text().strip()
        return Path(os.path.expanduser(text)) if text else None

    def setValue(self, value: Path | None) -> None:
        """Show a folder without telling anyone."""
        self._value = value
        self.line.setText("" if value is None else str(value))

    @Slot()
    def browse(self) -> None:
        """Open the chooser."""
        start = str(self.value() or Path.home())
        if self._kinds:
            chosen, _ = QFileDialog.getOpenFileName(self, self._title, start, self._kinds)
        else:
            chosen = QFileDialog.getExistingDirectory(self, self._title, start)
        if chosen:
            self.line.setText(chosen)
            self._on_typed()

    @Slot()
    def _on_typed(self) -> None:
        value = self.value()
        if value != self._value:
            self._value = value
            self.valueChanged.emit(value)

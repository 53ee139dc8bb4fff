"""The user's own pictures as data: the folder in use, and a button to choose another."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from msd_engine.specs.data import DataSpec
from msd_gui.theme.tips import wrapped


class PicturesRow(QWidget):
    """A button with the name of the folder, visible while own pictures are the data.

    Attributes:
        chosen: Emitted with the path of a folder.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.button = QPushButton()
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 2, 0, 2)
        row.addWidget(self.button)
        self._path = ""
        self.button.clicked.connect(self.choose)
        self.hide()

    def show_data(self, data: DataSpec) -> None:
        """Show the folder of own pictures; hide for other data."""
        self._path = data.path if data.kind == "images" and data.name == "folder" else ""
        self.setVisible(bool(self._path))
        self.button.setText(f"{Path(self._path).name} …")
        self.button.setToolTip(wrapped(f"{self._path}\nChoose another folder of pictures; its subfolders are classes."))

    @Slot()
    def choose(self) -> None:
        """Let the user choose a folder, after the list that asked for it has closed."""
        QTimer.singleShot(0, self, self._ask)

    def _ask(self) -> None:
        start = str(Path(self._path).parent) if self._path else str(Path.home())
        path = QFileDialog.getExistingDirectory(self, "Your pictures: a folder, whose subfolders are classes", start)
        if path:
            self.chosen.emit(Path(path))

"""The dialogs of the window: settings, help and about."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from msd_engine import __version__
from msd_engine.data.folder import data_folder
from msd_gui.app.actions import Actions
from msd_gui.app.help import HelpWindow
from msd_gui.bridge.engine import Engine
from msd_gui.session.settings import Settings, default_runs_dir
from msd_gui.theme import Theme
from msd_gui.widgets.controls.path_box import PathBox

ABOUT = """<h3>msd-gui {version}</h3>
<p>A desktop laboratory for score-based generative models with a multi-sample denoiser.</p>
<p>After A. Nagpal, <i>Score-Based Generative Modeling with Multi-Sample Denoiser</i>; NCSN and NCSNv2 by Y. Song and
S. Ermon; preconditioning after Karras et al. 2022 (arXiv:2206.00364).</p>
<p>MIT licence. Built with PyTorch, Qt (PySide6, LGPL), pyqtgraph and NumPy.</p>"""


THEMES = {"system": "Like the system", "light": "Light", "dark": "Dark"}
DEVICES = {"auto": "Automatic", "cpu": "CPU", "cuda": "CUDA (NVIDIA, AMD)", "mps": "MPS (Apple)"}


class Dialogs(QObject):
    """The dialogs of one window and their effects."""

    def __init__(
        self, window: QWidget, settings: Settings, theme: Theme, engine: Engine, page_name: Callable[[], str]
    ) -> None:
        """Open nothing yet.

        Args:
            window: Parent of the dialogs.
            settings: Edited by the settings dialog.
            theme: Updated from the settings.
            engine: Updated from the settings.
            page_name: Returns the name of the page in front, where the help opens.
        """
        super().__init__(window)
        self._window, self._settings, self._theme, self._engine = window, settings, theme, engine
        self._page_name = page_name
        self.help: HelpWindow | None = None

    def connect_to(self, commands: Actions) -> None:
        """Connect the actions to the dialogs."""
        commands["settings"].triggered.connect(self._edit_settings)
        commands["help"].triggered.connect(self._show_help)
        commands["about"].triggered.connect(self._show_about)

    @Slot()
    def _edit_settings(self) -> None:
        settings = self._settings
        theme, device = settings.theme, settings.device
        if edit_settings(self._window, settings):
            self._engine.threads = settings.threads
            # What the command line chose for this session stays unless the user chooses something else.
            if settings.theme != theme:
                self._theme.set_choice(settings.theme)
            if settings.device != device:
                self._engine.device = settings.device

    @Slot()
    def _show_help(self) -> None:
        """Open the single help window at the section of the page in front."""
        if self.help is None:
            self.help = HelpWindow(self._window)
        self.help.show_part(self._page_name())

    @Slot()
    def _show_about(self) -> None:
        """Show description, version, licence and sources of the program."""
        QMessageBox.about(self._window, "About msd-gui", ABOUT.format(version=__version__))


def edit_settings(parent: QWidget, settings: Settings) -> bool:
    """Let the user edit the settings.

    Returns:
        Whether the user accepted.
    """
    dialog = QDialog(parent)
    dialog.setWindowTitle("Settings")
    dialog.setMinimumWidth(560)
    rows = _rows(settings)
    form = QFormLayout()
    for title, box in rows.items():
        form.addRow(title, box)
        if title == "Data folder":
            form.addRow("", _hint())
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    column = QVBoxLayout(dialog)
    column.addLayout(form)
    column.addWidget(buttons)
    if dialog.exec() != QDialog.DialogCode.Accepted:
        return False
    data, runs, inception, theme, device, threads = (_value(box) for box in rows.values())
    settings.data_dir, settings.runs_dir, settings.inception = _path(data), _path(runs), _path(inception)
    settings.theme, settings.device, settings.threads = theme, device, int(threads)
    return True


def _rows(settings: Settings) -> dict[str, PathBox | QComboBox]:
    """Return the input widgets of the settings, by title."""
    data, runs = PathBox("Data folder", str(data_folder())), PathBox("Runs folder", str(default_runs_dir()))
    meaning = "Empty: a network that came with the program"
    inception = PathBox("Inception weights", meaning, kinds="Weights (*.safetensors)")
    inception.setToolTip(
        "Weights of the FID's Inception network, with the names of pytorch-fid, as safetensors: the quality of colour "
        "images is then measured by them, and the distance called FID."
    )
    device = _choice("settings.device", "Device", DEVICES, settings.device)
    device.setToolTip("Device for training and sampling; a job reports an error if it is missing.")
    counts = (str(count) for count in range(1, (os.cpu_count() or 1) + 1))
    threads = _choice("settings.threads", "Threads", {"0": "Automatic"} | {c: c for c in counts}, str(settings.threads))
    threads.setToolTip(
        "CPU threads. Automatic: the fastest number, and fewer while other programs compute. A fixed number makes "
        "trainings repeatable to the last bit."
    )
    for name, box, path in (
        ("data_dir", data, settings.data_dir),
        ("runs_dir", runs, settings.runs_dir),
        ("inception", inception, settings.inception),
    ):
        box.setObjectName(f"settings.{name}")
        box.setValue(path)
    return {
        "Data folder": data,
        "Runs folder": runs,
        "Inception weights": inception,
        "Colours": _choice("settings.theme", "Colours", THEMES, settings.theme),
        "Device": device,
        "Threads": threads,
    }


def _hint() -> QLabel:
    hint = QLabel("Holds mnist/, fashion-mnist/ and cifar-10-batches-bin/. Empty: MSD_DATA_DIR, or your data folder.")
    hint.setWordWrap(True)
    return hint


def _value(box: PathBox | QComboBox) -> Any:
    return box.value() if isinstance(box, PathBox) else box.currentData()


def _choice(name: str, title: str, words: dict[str, str], chosen: str) -> QComboBox:
    box = QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(title)
    # A settings file edited by hand may name another device, such as cuda:1.
    for value, word in (words if chosen in words else {**words, chosen: chosen}).items():
        box.addItem(word, value)
    box.setCurrentIndex(box.findData(chosen))
    return box


def _path(value: Path | str | None) -> Path | None:
    return Path(value) if value else None

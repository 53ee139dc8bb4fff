"""The dialogs of the window: settings, help and about."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QMessageBox,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from msd_engine import __version__
from msd_gui.app.actions import TABLE
from msd_gui.session.settings import Settings
from msd_gui.widgets.path_box import PathBox

ABOUT = """<h3>msd-gui {version}</h3>
<p>A desktop laboratory for score-based generative models with a multi-sample denoiser.</p>
<p>After A. Nagpal, <i>Score-Based Generative Modeling with Multi-Sample Denoiser</i>; NCSN and NCSNv2 by Y. Song and
S. Ermon; preconditioning after Karras et al. 2022 (arXiv:2206.00364).</p>
<p>MIT licence. Built with PyTorch, Qt (PySide6, LGPL), pyqtgraph and NumPy.</p>"""


def edit_settings(parent: QWidget, settings: Settings) -> bool:
    """Let the user change the settings.

    Args:
        parent: The window.
        settings: Changed where the user accepts.

    Returns:
        Whether the user accepted.
    """
    dialog = QDialog(parent)
    dialog.setWindowTitle("Settings")
    dialog.setMinimumWidth(560)
    data, runs = PathBox(), PathBox()
    meaning = "For the FID of colour images; empty: another network"
    inception = PathBox("Inception weights", meaning, kinds="Weights (*.safetensors)")
    inception.setObjectName("settings.inception")
    inception.setValue(settings.inception)
    inception.setToolTip(
        "Weights of the FID's Inception network, with the names of pytorch-fid, as safetensors: the quality of colour "
        "images is then measured by them, and its distance called FID."
    )
    data.setObjectName("settings.data_dir")
    runs.setObjectName("settings.runs_dir")
    data.setValue(settings.data_dir)
    runs.setValue(settings.runs_dir)
    theme, device = QComboBox(), QComboBox()
    theme.addItems(["system", "light", "dark"])
    theme.setCurrentText(settings.theme)
    device.addItems(["auto", "cpu", "cuda", "mps"])
    device.setCurrentText(settings.device)
    form = QFormLayout()
    form.addRow("Data folder", data)
    hint = QLabel("Holds mnist/, fashion-mnist/ and cifar-10-batches-bin/. Empty: MSD_DATA_DIR, or your data folder.")
    hint.setWordWrap(True)
    form.addRow("", hint)
    form.addRow("Runs folder", runs)
    form.addRow("Inception weights", inception)
    form.addRow("Colours", theme)
    form.addRow("Device", device)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    column = QVBoxLayout(dialog)
    column.addLayout(form)
    column.addWidget(buttons)
    if dialog.exec() != QDialog.DialogCode.Accepted:
        return False
    settings.data_dir = _path(data.value())
    settings.runs_dir = _path(runs.value())
    settings.inception = _path(inception.value())
    settings.theme = theme.currentText()
    settings.device = device.currentText()
    return True


def _path(value: Path | str | None) -> Path | None:
    return Path(value) if value else None


def help_html() -> str:
    """Return the help page: what is seen on each page, and the table of shortcuts made from the table of actions."""
    text = (files("msd_resources") / "help" / "help.html").read_text(encoding="utf-8")
    rows = "".join(
        f"<tr><td>{', '.join(QKeySequence(key).toString() for key in row.keys)}</td><td>&nbsp;&nbsp;</td>"
        f"<td>{row.help}</td></tr>"
        for row in TABLE
        if row.keys
    )
    return text.replace("<!-- shortcuts -->", f"<table>{rows}</table>")


def show_help(parent: QWidget) -> None:
    """Open the help page in a window of its own."""
    dialog = QDialog(parent)
    dialog.setWindowTitle("Help")
    dialog.resize(720, 640)
    browser = QTextBrowser()
    browser.setOpenExternalLinks(True)
    browser.setHtml(help_html())
    column = QVBoxLayout(dialog)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(browser)
    dialog.show()


def show_about(parent: QWidget) -> None:
    """Say what the program is, its version, licence and sources."""
    QMessageBox.about(parent, "About msd-gui", ABOUT.format(version=__version__))

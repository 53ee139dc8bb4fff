"""Draw all controls to a picture, to look at: `python tests/gui/gallery_widgets.py FOLDER [light|dark]`.

The size of a pixel follows QT_SCALE_FACTOR.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from msd_engine.specs import load_preset
from msd_gui.theme import GLYPHS, Theme, icon
from msd_gui.widgets.controls.path_box import PathBox
from msd_gui.widgets.panels.card import Card
from msd_gui.widgets.panels.spec_form import SpecForm
from msd_gui.widgets.panels.transport import TransportBar

GROUPS = [
    ("Target", ["data.name"]),
    ("Copies", ["training.k"]),
    ("Ladder", ["sampling.method", "sampling.sigma_1", "sampling.sigma_L", "sampling.levels"]),
    ("Step", ["sampling.steps_per_level", "sampling.step_ratio", "sampling.jump"]),
    ("Chains", ["sampling.chains", "sampling.start", "sampling.start_width", "sampling.source", "sampling.seed"]),
]
TRAINING = [
    ("Network", ["network.width", "network.depth", "network.embedding", "training.form"]),
    ("Training", ["training.batch", "training.learning_rate", "training.schedule", "training.steps",
                  "training.seconds", "training.averaging", "training.clip_norm", "training.evaluate_every"]),
    ("Noise", ["noise.law", "noise.s", "noise.log_mean", "noise.log_std"]),
]  # fmt: skip


def mixture_form() -> SpecForm:
    form = SpecForm(GROUPS, load_preset("ncsn-toy"))
    ratio = form.slider("sampling.step_ratio")
    ratio.set_marker(2.0, "r = 2")
    ratio.set_trailing("ε = r σ²  0.10")
    return form


def training_form() -> SpecForm:
    form = SpecForm(TRAINING, load_preset("ncsn-toy"))
    form.set_enabled("noise.s", False, "Only the uniform law and time features use s.")
    return form


def cards() -> QWidget:
    column = QWidget()
    rows = QVBoxLayout(column)
    rows.addWidget(Card("info", "", "The settings were restored."))
    rows.addWidget(Card("good", "Trained", "The loss is within 1 % of the exact MMSE."))
    rows.addWidget(Card("warning", "Step near the wall", "r = 1.9 inflates the residuals 20 times.", "Set r = 0.1"))
    rows.addWidget(Card("error", "No data", "train-images-idx3-ubyte is missing in the data folder.", "Choose…"))
    box = PathBox("Data folder", "MSD_DATA_DIR, or your data folder")
    rows.addWidget(box)
    rows.addWidget(TransportBar(*(QAction(icon(name), "") for name in ("play", "step", "restart")), 100.0))
    form = SpecForm(
        [("At fault", ["sampling.sigma_L", "sampling.step_ratio", "sampling.chains"])], load_preset("ncsn-toy")
    )
    form.control("sampling.sigma_L").change_value(30.0)
    wall = form.slider("sampling.step_ratio")
    wall.set_marker(2.0, "r = 2")
    wall.setValue(3.0)
    wall.set_trailing("r = ε/σ²  3.0", "error")
    form.slider("sampling.chains").setValue(5000)
    wall.track.setFocus()
    rows.addWidget(form)
    combo = QComboBox()
    for name in GLYPHS:
        combo.addItem(icon(name), name)
    rows.addWidget(combo)
    rows.addStretch(1)
    return column


def main() -> None:
    folder, choice = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "light"
    app = QApplication([])
    Theme(app, choice)  # type: ignore[arg-type]
    window = QWidget()
    row = QHBoxLayout(window)
    for widget in (mixture_form(), training_form(), cards()):
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(widget)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFixedWidth(300 if isinstance(widget, SpecForm) else 420)
        row.addWidget(area)
        widget.setMaximumWidth(area.width())
    window.resize(1280 - 200, 740)
    window.show()
    QTest.mouseMove(window, QPoint(5, 5))
    app.processEvents()
    folder.mkdir(parents=True, exist_ok=True)
    window.grab().save(str(folder / f"widgets-{choice}-{window.devicePixelRatio():g}.png"))
    for form in window.findChildren(SpecForm):
        heights = {path: form.control(path).height() for path in form.paths()}
        print(f"{form.minimumSizeHint().width()} px wide, {form.sizeHint().height()} px high: {heights}")


if __name__ == "__main__":
    main()

"""The curves of the loss with what can be chosen about them."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from msd_gui.views.curves.losses import LossView

_SMOOTHING = 0.98


class LossPanel(QWidget):
    """The curves, and a row of boxes under them: smooth or raw, over steps or over seconds."""

    def __init__(self, losses: LossView) -> None:
        """Put the row under a view."""
        super().__init__()
        self.seconds = QCheckBox("Over time")
        self.seconds.setToolTip("Show the loss against seconds of training in the place of steps.")
        self.smooth = QCheckBox("Smooth")
        self.smooth.setChecked(True)
        self.smooth.setToolTip("Show a running mean of the training loss over the raw points.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(losses, 1)
        row = QHBoxLayout()
        column.addLayout(row)
        row.addWidget(self.smooth)
        row.addWidget(self.seconds)
        row.addStretch(1)
        self.seconds.toggled.connect(lambda on: losses.set_x("seconds" if on else "steps"))
        self.smooth.toggled.connect(lambda on: losses.set_smoothing(_SMOOTHING if on else 0.0))

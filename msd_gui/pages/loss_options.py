"""What can be chosen about the curves of the loss."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from msd_gui.views.losses import LossView

_SMOOTHING = 0.98


class LossOptions(QWidget):
    """A row of boxes under the curves: smooth or raw, over steps or over seconds."""

    def __init__(self, losses: LossView) -> None:
        """Build the row for a view."""
        super().__init__()
        self.seconds = QCheckBox("Over time")
        self.seconds.setToolTip("Show the loss against seconds of training in the place of steps.")
        self.smooth = QCheckBox("Smooth")
        self.smooth.setChecked(True)
        self.smooth.setToolTip("Show a running mean of the training loss over the raw points.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.smooth)
        row.addWidget(self.seconds)
        row.addStretch(1)
        self.seconds.toggled.connect(lambda on: losses.set_x("seconds" if on else "steps"))
        self.smooth.toggled.connect(lambda on: losses.set_smoothing(_SMOOTHING if on else 0.0))

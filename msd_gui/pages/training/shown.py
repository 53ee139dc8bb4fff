"""What a training on images shows: the strip of held-out images, the loss curves, and the held-out error by noise."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from msd_engine.events import HeldOutLoss, StripFrame
from msd_engine.events.plots import Axis, Curve, Curves
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.base import layout
from msd_gui.views.base.rich import SIGMA_EFF
from msd_gui.views.curves.curves import CurvesView
from msd_gui.views.curves.losses import LossView
from msd_gui.views.images.strip import HeldOutView

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


_STRIP_PX, _LOSSES_PX, _BANDS_PX = 222, 260, 190


class TrainingShown(QObject):
    """Three views, each with a place that says what will be seen there.

    Attributes:
        held_out: The strip that is shown; None before there is one.
        held_out_spec: The spec of the training that it belongs to.
        strip: The view of the same held-out images: clean, noisy, denoised.
        losses: The view of training and held-out loss, which the trainer fills.
        bands: The view of the held-out error at each noise.
        strip_place: Where the strip is; its button asks to train.
        losses_place: Where the losses are.
        bands_place: Where the bands are.
    """

    def __init__(self, parent: QObject) -> None:
        """Show nothing yet."""
        super().__init__(parent)
        self.held_out: StripFrame | None = None
        self.held_out_spec: ExperimentSpec | None = None
        self._bands_of: HeldOutLoss | None = None
        self.strip, self.losses, self.bands = HeldOutView(), LossView(), CurvesView(_bands())
        self.strip_place = layout.with_placeholder(
            self.strip,
            "Press Train: a fixed strip of held-out images appears here, clean, noisy and denoised, and gets better "
            "as training goes on.",
            "Train",
            _STRIP_PX,
        )
        self.losses_place = layout.with_placeholder(
            LossPanel(self.losses), "Training and held-out loss will be drawn here.", "", _LOSSES_PX
        )
        self.bands_place = layout.with_placeholder(
            self.bands, f"The held-out error at each {SIGMA_EFF} will be drawn here.", "", _BANDS_PX
        )

    @Slot(object, object)
    def set_strip(self, event: StripFrame, spec: ExperimentSpec) -> None:
        """Show the held-out images as the network of a training denoises them now."""
        self.held_out, self.held_out_spec = event, spec
        self.strip_place.set_ready(True)
        self.strip.set_strip(event.clean, event.noisy, event.x_hat, event.sigma, event.error)

    def set_held_out(self, held_out: HeldOutLoss | None) -> None:
        """Show the held-out error by noise; the same one again is not drawn anew."""
        if held_out is not None and held_out is not self._bands_of:
            self._bands_of = held_out
            self.losses_place.set_ready(True)
            self.bands_place.set_ready(True)
            self.bands.set_plot(_bands(held_out))


def _bands(held_out: HeldOutLoss | None = None) -> Curves:
    """Return the held-out error at each σ_eff, over that of the exact score where that is known."""
    curves = list[Curve]()
    if held_out is not None:
        x = held_out.band_sigma_eff
        if np.isfinite(held_out.band_mmse).any():
            curves.append(Curve("exact score, same draws", x, held_out.band_mmse, "exact", "dash"))
        curves.append(Curve("held-out", x, held_out.band_loss, dots=True))
    axes = Axis("σ_eff", log=True), Axis("‖x̂ − x‖²", log=True)
    return Curves("Error by noise", *axes, tuple(curves), growing=True)

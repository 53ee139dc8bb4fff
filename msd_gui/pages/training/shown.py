"""Views of a training on images: strip of held-out images, loss curves, and held-out error by noise."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from msd_engine.events import HeldOutLoss, StripFrame
from msd_engine.events.plots import Axis, Curve, Curves
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.base import layout
from msd_gui.views.curves.curves import CurvesView
from msd_gui.views.curves.losses import LossView
from msd_gui.views.images.strip import HeldOutView

_SMOOTHING = 0.98


class LossPanel(QWidget):
    """Loss curves with check boxes: smooth or raw, against steps or seconds."""

    def __init__(self, losses: LossView) -> None:
        super().__init__()
        self.seconds = QCheckBox("Over time")
        self.seconds.setToolTip("Show the loss against seconds of training instead of steps.")
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


STRIP_WORDS = "Training shows a few held-out images here, clean, noisy and denoised, and how they get better."
STRIP_BUTTON = "Train"
_HELD_OUT = "Held-out images"
_STRIP_PX, _LOSSES_PX, _BANDS_PX = 222, 260, 190


class TrainingShown(QObject):
    """Three views: the strip in a placeholder, the curves hidden until a training has some.

    Attributes:
        held_out: Last strip; None before the first.
        held_out_spec: Spec of its training.
        losses_heading: Names the run.
        strip_heading: Says by what the strip is denoised, except in training.
        strip: Fixed held-out images: clean, noisy, denoised.
        losses: Training and held-out loss; the trainer fills it.
        bands: Held-out error at each noise.
        strip_place: Placeholder of the strip, with a button to train.
        losses_panel: The losses with their heading.
        bands_panel: The bands with their heading.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.losses_heading = layout.heading("Loss")
        self.losses_heading.setWordWrap(True)
        self.strip_heading = layout.heading(_HELD_OUT, elided=True)
        self.held_out: StripFrame | None = None
        self.held_out_spec: ExperimentSpec | None = None
        self._bands_of: HeldOutLoss | None = None
        self.strip, self.losses, self.bands = HeldOutView(), LossView(), CurvesView(_bands())
        self.strip_place = layout.with_placeholder(self.strip, STRIP_WORDS, STRIP_BUTTON, _STRIP_PX)
        losses = LossPanel(self.losses)
        losses.setFixedHeight(_LOSSES_PX)
        self.bands.setFixedHeight(_BANDS_PX)
        self.losses_panel = _below(self.losses_heading, losses)
        self.bands_panel = _below(layout.heading("Error by noise"), self.bands)

    @Slot(str)
    def begin(self, run: str) -> None:
        """Clear the views and name the new run, by its folder."""
        self.held_out = self._bands_of = None
        self.losses_heading.setText(f"Loss of {run}")
        self.strip_place.set_ready(False)
        self.losses_panel.hide()
        self.bands_panel.hide()

    @Slot(object, object)
    def set_strip(self, event: StripFrame, spec: ExperimentSpec, words: str = "") -> None:
        """Show the held-out images, denoised by the network in training, or by another that `words` name."""
        self.held_out, self.held_out_spec = event, spec
        self.strip_heading.setText(f"{_HELD_OUT}, {words}" if words else _HELD_OUT)
        self.strip_place.set_ready(True)
        self.strip.set_strip(event.clean, event.noisy, event.x_hat, event.sigma, event.error)

    def clear_strip(self) -> None:
        """Remove the held-out images, which belong to other data."""
        self.held_out = self.held_out_spec = None
        self.strip_heading.setText(_HELD_OUT)
        self.set_placeholder(STRIP_WORDS, STRIP_BUTTON)
        self.strip_place.set_ready(False)

    def set_placeholder(self, sentence: str, button: str) -> None:
        """Set sentence and button of the empty strip."""
        self.strip_place.placeholder.set_sentence(sentence)
        self.strip_place.placeholder.set_button(button)

    def set_held_out(self, held_out: HeldOutLoss | None) -> None:
        """Show the held-out error by noise, unless it is shown already."""
        if held_out is not None and held_out is not self._bands_of:
            self._bands_of = held_out
            self.losses_panel.show()
            self.bands_panel.show()
            self.bands.set_plot(_bands(held_out))


def _below(heading: QWidget, view: QWidget) -> QWidget:
    """Put a view below its heading, and hide both."""
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(6)
    column.addWidget(heading)
    column.addWidget(view)
    holder.hide()
    return holder


def _bands(held_out: HeldOutLoss | None = None) -> Curves:
    """Plot the held-out error at each σ_eff, and that of the exact score if known."""
    curves = list[Curve]()
    if held_out is not None:
        x = held_out.band_sigma_eff
        if np.isfinite(held_out.band_mmse).any():
            curves.append(Curve("exact score, same draws", x, held_out.band_mmse, "exact", "dash"))
        curves.append(Curve("held-out", x, held_out.band_loss, dots=True))
    axes = Axis("σ_eff", log=True), Axis("‖x̂ − x‖²", log=True)
    return Curves("Error by noise", *axes, tuple(curves), growing=True)

"""The picture to denoise, drawn, opened or held out: a link between the easel and the spec."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Slot

from msd_engine.events import Denoised, Event, NoisyPicture, PictureRead
from msd_engine.events.pixels import to_grey
from msd_engine.specs import ExperimentSpec, ImagesSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import ExperimentPage
from msd_gui.pages.denoise.canvas import Easel

FORGET = {"denoise.picture": b"", "denoise.mask": b""}
"""Values of a spec with a held-out image instead of the user's picture."""


class OwnPicture(QObject):
    """Keep picture and mask of the easel in the page's spec, and show those of the spec on the easel."""

    def __init__(self, page: ExperimentPage, engine: Engine, easel: Easel) -> None:
        super().__init__(page)
        self._page, self._engine, self._easel = page, engine, easel
        self._available = 1
        self._files = page.runner(self._on_file)
        easel.began.connect(page.experiment.begin_edit)
        easel.ended.connect(page.experiment.end_edit)
        easel.drawn.connect(self._drawn)
        easel.masked.connect(self._masked)
        easel.file_chosen.connect(self.open)
        easel.refused.connect(lambda sentence: page.failed.emit(sentence, ""))
        easel.held_out_requested.connect(self._turn_page)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of the pictures."""
        data = self._page.experiment.spec.data
        assert isinstance(data, ImagesSpec)
        return data.shape

    def show(self, spec: ExperimentSpec) -> None:
        """Show the picture and the mask of a spec; a held-out image follows when it is loaded."""
        denoise = spec.denoise
        if denoise.picture:
            self._easel.show_picture(np.frombuffer(denoise.picture, np.uint8).reshape(self.shape), "Your picture")
        elif self._easel.canvas.picture().shape != self.shape:
            # Clear the picture of the previous data: its shape differs.
            self._easel.show_picture(np.zeros(self.shape, np.uint8), "")
        if denoise.mask:
            self._easel.show_mask(np.frombuffer(denoise.mask, np.bool_).reshape(self.shape[1:]))
        else:
            self._easel.show_mask(np.zeros(self.shape[1:], np.bool_))

    def show_held_out(self, event: Denoised | NoisyPicture, wanted: ExperimentSpec) -> None:
        """Show a loaded held-out image, unless the page has another picture by now."""
        self._available = event.available
        now = self._page.experiment.spec
        if not wanted.denoise.picture and not now.denoise.picture and wanted.data == now.data:
            # Counts from 0, as the slider and the command line do: "0 of 297" would suggest counting from 1.
            words = f"Held-out {wanted.denoise.index} (0–{event.available - 1:,})"
            self._easel.show_picture(to_grey(event.x).astype(np.uint8), words)

    @Slot(object)
    def open(self, path: Path) -> None:
        """Open the user's picture."""
        self._files.submit(self._engine.open_picture(path, self.shape))

    @Slot(object)
    def _drawn(self, picture: NDArray[np.uint8]) -> None:
        experiment = self._page.experiment
        experiment.set(experiment.spec.replace("denoise.picture", picture.tobytes()), "easel")

    @Slot(object)
    def _masked(self, mask: NDArray[np.bool_]) -> None:
        data = mask.astype(np.uint8).tobytes() if mask.any() else b""
        self._page.experiment.set(self._page.experiment.spec.replace("denoise.mask", data), "easel")

    @Slot(int)
    def _turn_page(self, step: int) -> None:
        spec = self._page.experiment.spec
        here = spec.denoise.index - (step if spec.denoise.picture else 0)
        self._page.experiment.set(spec.replace_all(FORGET | {"denoise.index": (here + step) % self._available}))

    @Slot(object)
    def _on_file(self, event: Event) -> None:
        if isinstance(event, PictureRead) and event.pixels.shape == self.shape:
            spec = self._page.experiment.spec
            self._page.experiment.set(spec.replace_all(FORGET | {"denoise.picture": event.pixels.tobytes()}))
            more = f", {event.done}" if event.done else ""
            self._page.noticed.emit(f"Opened {Path(event.path).name}{more}.")

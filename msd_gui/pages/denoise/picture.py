"""The picture that is denoised by hand: drawn, opened, or held out; between the easel and the spec."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Slot

from msd_engine.events import Denoised, Event, HeldOutPicture, PictureRead
from msd_engine.events.pixels import to_grey
from msd_engine.specs import ExperimentSpec, ImagesSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import ExperimentPage
from msd_gui.pages.denoise.canvas import Easel

FORGET = {"denoise.picture": b"", "denoise.mask": b""}
"""What a spec is set to where a held-out image takes the place of a picture of the user's own."""


class OwnPicture(QObject):
    """Keeps the picture and the mask of the easel in the spec, and shows those of the spec on the easel."""

    def __init__(self, page: ExperimentPage, engine: Engine, easel: Easel) -> None:
        """Connect the easel.

        Args:
            page: Its experiment holds the picture; owner of the runner, told of failures.
            engine: Makes the job that reads a picture.
            easel: Where it is drawn.
        """
        super().__init__(page)
        self._page, self._engine, self._easel = page, engine, easel
        self._available = 1
        self._files = page.runner(self._on_file)
        self._looker = page.runner(self._on_held_out)
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
        """Show the picture and the mask of a spec; a held-out image is shown when it has been read."""
        denoise = spec.denoise
        if denoise.picture:
            self._easel.show_picture(np.frombuffer(denoise.picture, np.uint8).reshape(self.shape), "Your picture")
        elif self._easel.canvas.picture().shape != self.shape:
            # Strokes on a picture of the data before would be no picture of these.
            self._easel.show_picture(np.zeros(self.shape, np.uint8), "")
        if denoise.mask:
            self._easel.show_mask(np.frombuffer(denoise.mask, np.bool_).reshape(self.shape[1:]))
        else:
            self._easel.show_mask(np.zeros(self.shape[1:], np.bool_))

    def take(self, event: Denoised | HeldOutPicture, wanted: ExperimentSpec) -> None:
        """Show the held-out image that has been read, unless another picture is wanted by now.

        Args:
            event: Holds it.
            wanted: The experiment that asked for it.
        """
        self._available = event.available
        now = self._page.experiment.spec
        if not wanted.denoise.picture and not now.denoise.picture and wanted.data == now.data:
            # Numbered from 0, as by the slider and the command line: no "0 of 297", which people count from 1.
            words = f"Held-out {wanted.denoise.index} (0–{event.available - 1:,})"
            self._easel.show_picture(to_grey(event.x).astype(np.uint8), words)

    def look(self) -> None:
        """Show the held-out image of the settings although nothing denoises it."""
        self._looker.submit(self._engine.show_held_out(self._page.experiment.spec))

    @Slot(object)
    def _on_held_out(self, event: Event) -> None:
        if isinstance(event, HeldOutPicture):
            self.take(event, ExperimentSpec.from_json(event.spec_json))

    @Slot(object)
    def open(self, path: Path) -> None:
        """Open a picture of the user's own."""
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

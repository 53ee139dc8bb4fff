"""Exports of the denoise page: the picture with its copies and x̂, and the chains."""

from __future__ import annotations

import numpy as np

from msd_engine.events import Denoised
from msd_engine.events.figures import Grid
from msd_engine.specs import JobName, for_job
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.exports import figure_export
from msd_gui.pages.base.page import Export
from msd_gui.pages.sampling.exports import gallery_exports
from msd_gui.pages.sampling.gallery import Gallery

_TITLES = {"grid": "Inpainted or interpolated images", "film": "Inpainting or interpolation as animation"}
_NAMES = {"grid": "by-hand", "film": "by-hand", "states": "by-hand"}


def exports(engine: Engine, denoised: Denoised | None, gallery: Gallery, job: JobName) -> list[Export]:
    """List the exports available now: of `denoised`, if any, and of the gallery with chains of `job`."""
    rows = list[Export]()
    if denoised is not None:
        spec_json, copies = for_job(denoised.spec_json, "denoise"), denoised.copies
        three = np.stack([denoised.x, copies.y_mean, copies.x_hat])
        picture = Grid("Picture, ȳ and x̂", three, 3, above=("x", "ȳ", "x̂"))
        names = tuple(f"y{_small(number + 1)}" for number in range(len(copies.y)))
        noisy = Grid("Noisy copies", copies.y, above=names)
        rows.append(figure_export(engine, picture.name, "denoised", lambda: picture, lambda: spec_json))
        rows.append(figure_export(engine, noisy.name, "copies", lambda: noisy, lambda: spec_json))
    return rows + gallery_exports(engine, gallery, _TITLES, _NAMES, lambda text: for_job(text, job))


def _small(index: int) -> str:
    return str(index).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))

"""Exports of the images page: grids, strips, curves, figures of quality, chain states and animations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import StripFrame
from msd_engine.events.figures import Grid
from msd_engine.events.pixels import to_grey
from msd_engine.events.plots import Curves
from msd_gui.pages.base.exports import figure_export, plot_exports
from msd_gui.pages.base.page import ExperimentPage, Export
from msd_gui.pages.quality.exports import quality_exports
from msd_gui.pages.quality.panel import Measuring
from msd_gui.pages.sampling.exports import gallery_exports
from msd_gui.pages.sampling.gallery import Gallery
from msd_gui.pages.training.shown import TrainingShown
from msd_gui.pages.training.trainer import Trainer
from msd_gui.theme import LIGHT
from msd_gui.views.base.colour_maps import error_map
from msd_gui.views.images.strip import MOST_COPIES
from msd_gui.widgets.controls.numbers import number

_TITLES = {"grid": "Sample grid", "film": "Sampling run as animation"}
_NAMES = {"grid": "samples", "film": "sampling", "states": "chains"}


def exports(
    page: ExperimentPage, gallery: Gallery, trainer: Trainer, shown: TrainingShown, measuring: Measuring
) -> list[Export]:
    """List the exports available now on the images page."""
    rows = gallery_exports(page.engine, gallery, _TITLES, _NAMES, lambda text: text)
    if shown.held_out is not None and shown.held_out_spec is not None:
        strip, made_with = held_out_grid(shown.held_out), shown.held_out_spec
        rows.append(figure_export(page.engine, "Held-out images", "held-out", lambda: strip, made_with.to_json))
    if trainer.run is not None and trainer.spec is not None:
        spec_json = trainer.spec.to_json
        rows += plot_exports(page, shown.losses, "Loss curves", "losses", spec_json, table=shown.losses.data)
        bands = shown.bands
        if bands.plot().curves:
            rows += plot_exports(
                page, bands, "Error by noise", "error-by-noise", spec_json, table=lambda: columns_of(bands.plot())
            )
    return rows + quality_exports(page, measuring)


def held_out_grid(strip: StripFrame) -> Grid:
    """Lay out held-out images as on the screen: clean, noisy copies, x̂ and error, with σ_eff and ‖x̂ − x‖²."""
    count, k = strip.noisy.shape[:2]
    copies = [strip.noisy[:, copy] for copy in range(min(k, MOST_COPIES))]
    parts = [_coloured(part) for part in (strip.clean, *copies, strip.x_hat)]
    error = np.abs(np.nan_to_num(strip.x_hat, nan=1.0) - strip.clean).mean(axis=1)
    # An error of 1, half of the range of the data, has the strongest colour.
    shades = error_map(LIGHT)[(np.clip(error, 0, 1) * 255).astype(np.uint8)]
    parts.append(np.stack([shades >> shift & 255 for shift in (16, 8, 0)], axis=1).astype(np.uint8))
    names = [f"noisy y{'₁₂₃₄₅₆₇₈₉'[copy] if k > 1 else ''}" for copy in range(len(copies))]
    none = ("",) * (count * (len(parts) - 1))
    return Grid(
        "Held-out images",
        np.concatenate(parts),
        rows=("clean x", *names, "denoised x̂", "|x̂ − x|"),
        above=(*(number(float(sigma) / k**0.5) for sigma in strip.sigma), *none),
        below=(*none, *(number(float(one)) for one in strip.error)),
        above_name="σ_eff",
        below_name="‖x̂ − x‖²",
    )


def _coloured(images: NDArray[Any]) -> NDArray[np.uint8]:
    grey = to_grey(np.nan_to_num(images, nan=0.0)).astype(np.uint8)
    return np.broadcast_to(grey, (len(grey), 3, *grey.shape[2:]))


def columns_of(curves: Curves) -> dict[str, NDArray[Any]]:
    """Return the points of curves as columns for a CSV file: two for each curve."""
    columns = dict[str, NDArray[Any]]()
    for curve in curves.curves:
        columns |= {f"{curve.words}, {curves.x.name}": curve.x, curve.words: curve.y}
    return columns

"""Exports of the noise page: the way to noise, spectra, correlations, and clouds of points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.figures import Grid
from msd_engine.events.noise import Forward
from msd_gui.pages.base.exports import figure_export, plot_exports
from msd_gui.pages.base.page import Export, Page
from msd_gui.pages.noise.shown import NoiseShown
from msd_gui.pages.noise.trainings import Trainings
from msd_gui.widgets.controls.numbers import number


def exports(page: Page, shown: NoiseShown, trainings: Trainings) -> list[Export]:
    """List the exports of what is shown; nothing before the first frame and the first comparison."""
    return [*_forward(page, shown), *_compared(page, trainings)]


def _compared(page: Page, trainings: Trainings) -> list[Export]:
    plan = trainings.plan
    if plan is None or trainings.table_event is None:
        return []
    base = plan.base
    return [
        *plot_exports(page, trainings.losses, "Losses under both noises", "noise-losses", base.to_json),
        *plot_exports(page, trainings.figures, "Figures by steps", "noise-figures", base.to_json),
    ]


def _forward(page: Page, shown: NoiseShown) -> list[Export]:
    frame = shown.frame
    if frame is None:
        return []

    def spec_json() -> str:
        return frame.spec_json

    if frame.x.ndim == 2:
        named = zip(("white", "chosen"), ("White noise", "Chosen noise"), shown.planes, strict=True)
        return [
            row for name, label, plane in named for row in plot_exports(page, plane, label, f"{name}-noise", spec_json)
        ]
    return [
        figure_export(page.engine, "Way to noise", "noise", lambda: way(frame), spec_json),
        *plot_exports(page, shown.spectra, "Spectra", "spectra", spec_json, table=lambda: _spectra(frame)),
        *plot_exports(
            page, shown.lags, "Correlation by distance", "correlation", spec_json, table=lambda: _lags(frame)
        ),
    ]


def way(frame: Forward) -> Grid:
    """Return the pictures of both strips as a grid, a row for each noise."""
    pictures = np.concatenate([side.strip for side in frame.sides])
    times = tuple(f"t = {number(float(t), 2)}" for t in frame.times)
    return Grid("The way to noise", pictures, rows=tuple(side.name for side in frame.sides), above=times * 2)


def _spectra(frame: Forward) -> dict[str, NDArray[np.float64]]:
    columns = {"|κ| / cycles per pixel": frame.spectrum.frequency, "data": frame.alpha**2 * frame.spectrum.power}
    noises = {side.name: frame.sigma_eff**2 * side.power for side in frame.sides}
    return columns | noises


def _lags(frame: Forward) -> dict[str, NDArray[np.float64]]:
    distances = np.arange(len(frame.sides[0].autocovariance), dtype=np.float64)
    return {"distance / pixels": distances} | {side.name: side.autocovariance for side in frame.sides}

"""Write the page of a comparison of white and coloured noise."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from msd_engine.backend.files import write_atomically
from msd_engine.events import plots
from msd_engine.events.noise import NOISE_TITLES, NoiseCurve
from msd_engine.events.plots import Axis, Curves
from msd_engine.jobs.factory.loaded import loaded_power
from msd_engine.jobs.factory.spaces import coordinates
from msd_engine.jobs.factory.targets import images_of
from msd_engine.metrics.quality.noises import noise_table
from msd_engine.metrics.quality.standard import Steps
from msd_engine.noise.spectral import power_of, rings
from msd_engine.runs.pictures import image_grid
from msd_engine.runs.report.noises import COLOURS, NoisePage, noise_page
from msd_engine.runs.samples import load_samples
from msd_engine.specs import ExperimentSpec, load_preset
from msd_engine.specs.reproduction import NoiseCell, NoisesSpec

PAGE = "index.html"
# Samples of a cell on the page.
_SHOWN = 25


def write_page(
    plan: NoisesSpec,
    folder: Path,
    budget: str,
    cells: Sequence[NoiseCell],
    curves: Sequence[NoiseCurve],
    data_dir: Path | None,
    machine: str,
    note: str,
) -> Steps[Path]:
    """Write ``index.html``.

    Args:
        plan: The comparison.
        folder: Its folder, with the kept samples.
        budget: One sentence on the budget.
        cells: Figures of the samples.
        curves: Measurements of the trainings.
        data_dir: The data folder.
        machine: The machine.
        note: What was trained and left out.

    Yields:
        The current activity.

    Returns:
        The path of the page.
    """
    yield "Writing the page"
    seed = plan.seeds[0]
    grids = {
        (cell.noise, cell.steps): _grid(folder / f"{cell.noise}-seed{seed}-{cell.steps}.npz")
        for cell in cells
        if cell.seed == seed
    }
    content = NoisePage(
        plan=plan,
        whole=load_preset("paper-noise"),
        budget=budget,
        table=noise_table(plan, cells, note),
        curves=curves,
        grids=grids,
        spectra=spectra(plan.base, data_dir),
        machine=machine,
    )
    write_atomically(folder / PAGE, noise_page(content).encode())
    return folder / PAGE


def spectra(base: ExperimentSpec, data_dir: Path | None) -> Curves:
    """Return the power of the data and of both noises with σ = 1 on rings of frequencies."""
    height, width = base.data.shape[1:]
    frequency, weights = rings(height, width)
    data = loaded_power(images_of(base), data_dir)
    powers = {
        "white": np.ones(len(frequency)),
        "coloured": _on(weights, power_of(coordinates(base, data_dir), height, width)),
    }
    curves = [plots.Curve("Data", frequency.numpy(), _on(weights, data), "#7f7f7f")]
    curves += [
        plots.Curve(title, frequency.numpy(), powers[noise], COLOURS[noise]) for noise, title in NOISE_TITLES.items()
    ]
    return Curves("Spectra", Axis("|κ|", "cycles per pixel", log=True), Axis("power", log=True), tuple(curves))


def _on(weights: Tensor, power: Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (weights * power).sum((1, 2)).numpy()
    return found


def _grid(path: Path) -> bytes:
    pixels, buffer = image_grid(load_samples(path).x_hat[:_SHOWN], scale=2), io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()

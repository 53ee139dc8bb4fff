"""What the mixture page writes: the plane, the curves, and the states of the chains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from msd_gui.bridge.launch import Job
from msd_gui.pages.page import Export
from msd_gui.pages.plot_exports import plot_exports
from msd_gui.pages.recorder import Picture, Recorder
from msd_gui.views import figures
from msd_gui.views.plane import PlaneView

FRAMES = 60
FRAMES_PER_S = 12.0
WIDTH_PX = 640

if TYPE_CHECKING:
    from msd_gui.pages.mixture import MixturePage


def exports(page: MixturePage) -> list[Export]:
    """Return what the mixture page can write now."""
    rows: list[Export] = []
    spec_json = page.experiment.spec.to_json
    if len(page.player.buffer.shown):
        rows += plot_exports(page.launch, page.plane, "Trajectory plot", "trajectories", spec_json)
        rows += plot_exports(page.launch, page.weights, "Mode weights", "mode-weights", spec_json)
    if page.trainer.run is not None:
        rows += plot_exports(page.launch, page.losses, "Loss curves", "losses", spec_json, table=page.losses.data)
    samples = page.samples
    if samples is not None:

        def states(path: Path) -> Job:
            return page.launch.save(
                "samples", path, x_hat=samples.x_hat, y=samples.y, seed=samples.seed, spec_json=samples.spec_json
            )

        rows.append(Export("Chain states", ".npz", "chains", states))
        for suffix in (".gif", ".webp"):
            rows.append(Export("Sampling run as animation", suffix, "chains", lambda path: animation(page, path)))
    return rows


def animation(page: MixturePage, path: Path) -> Job:
    """Paint the chains from the first step to the last and write them as an animation.

    Args:
        page: The page; its plane is painted as it stands, in light colours.
        path: A file ending in ``.gif`` or ``.webp``.

    Returns:
        The job that waits for the pictures and writes them.
    """
    easel = figures.Easel(page.plane, WIDTH_PX)
    assert isinstance(easel.view, PlaneView)
    plane = easel.view
    history = page.player.buffer.shown
    indices = np.linspace(0, len(history) - 1, min(FRAMES, len(history))).round().astype(int)

    def paint(number: int) -> Picture:
        page.player.show_in(plane, int(indices[number]))
        return easel.pixels()

    recorder = Recorder(page.clock, len(indices), paint, page)
    recorder.whole.connect(easel.close)
    spec_json = page.experiment.spec.to_json()

    def save(pictures: list[Picture]) -> Job:
        return page.launch.save("animation", path, frames=pictures, spec_json=spec_json, fps=FRAMES_PER_S)

    return recorder.job(save)

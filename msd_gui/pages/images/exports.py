"""What the images page writes: grids, strips, curves, chain states and the run of the chains as an animation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from msd_gui.bridge.engine import Job
from msd_gui.pages.base.exports import plot_exports
from msd_gui.pages.base.page import ExperimentPage, Export
from msd_gui.pages.quality.curve import MeasuredCurve
from msd_gui.pages.sampling.gallery import Gallery
from msd_gui.pages.training.shown import TrainingShown
from msd_gui.pages.training.trainer import Trainer

# The last picture of an animation stands still for some time, so that the result can be looked at.
FRAMES_PER_S = 8.0


def exports(
    page: ExperimentPage, gallery: Gallery, trainer: Trainer, shown: TrainingShown, curve: MeasuredCurve
) -> list[Export]:
    """Return what the images page can write now.

    Args:
        page: The page.
        gallery: Its chains.
        trainer: Its training.
        shown: What is seen of the training.
        curve: The quality of its samples.
    """
    engine, rows = page.engine, list[Export]()
    held_out = shown.held_out
    samples, films, images = gallery.samples, gallery.highlights(), gallery.images()
    # Settings on the page may have moved on since: a file carries those of what is in it.
    spec_json, drawn_with = gallery.spec_json, gallery.images_spec_json
    if images is not None:

        def grid(path: Path) -> Job:
            return engine.save("grid", path, images=images, spec_json=drawn_with)

        rows.append(Export("Sample grid", ".png", "samples", grid))
    if films:

        def film(path: Path) -> Job:
            frames = np.stack([frame.x_hat[gallery.chain] for frame in films])
            return engine.save("grid", path, images=frames, spec_json=spec_json, columns=len(frames))

        def animation(path: Path) -> Job:
            frames = [frame.x_hat for frame in films]
            return engine.save("animation", path, frames=frames, spec_json=spec_json, fps=FRAMES_PER_S)

        rows.append(Export("Film strip of the chosen chain", ".png", "film-strip", film))
        rows.append(Export("Sampling run as animation", ".gif", "sampling", animation))
        rows.append(Export("Sampling run as animation", ".webp", "sampling", animation))
    if samples is not None:

        def states(path: Path) -> Job:
            return engine.save(
                "samples", path, x_hat=samples.x_hat, y=samples.y, seed=samples.seed, spec_json=samples.spec_json
            )

        rows.append(Export("Chain states", ".npz", "chains", states))
    if held_out is not None and shown.held_out_spec is not None:
        strip_spec_json = shown.held_out_spec.to_json()

        def strip(path: Path) -> Job:
            rows_of_images = np.concatenate([held_out.clean, held_out.noisy[:, 0], held_out.x_hat])
            return engine.save(
                "grid", path, images=rows_of_images, spec_json=strip_spec_json, columns=len(held_out.clean)
            )

        rows.append(Export("Held-out images: clean, noisy, x̂", ".png", "held-out", strip))
    if trainer.run is not None and trainer.spec is not None:
        rows += plot_exports(page, shown.losses, "Loss curves", "losses", trainer.spec.to_json, table=shown.losses.data)
    return rows + curve.exports(page)

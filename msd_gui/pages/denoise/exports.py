"""What the denoising page writes: the picture with its copies and x̂, and the chains drawn by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from msd_engine.events import Denoised
from msd_engine.specs import JobName, for_job
from msd_gui.bridge.engine import Engine, Job
from msd_gui.pages.base.page import Export
from msd_gui.pages.sampling.gallery import Gallery

FRAMES_PER_S = 8.0


def exports(engine: Engine, denoised: Denoised | None, gallery: Gallery, job: JobName) -> list[Export]:
    """Return what the denoising page can write now.

    Args:
        engine: Makes the jobs that write.
        denoised: The picture with its copies and x̂; None where there is none.
        gallery: The chains by hand.
        job: What draws them.
    """
    rows = list[Export]()
    # Settings on the page may have moved on since: a file carries those of the chains that are in it.
    spec_json, drawn_with = (
        for_job(text, job) if text else "" for text in (gallery.spec_json, gallery.images_spec_json)
    )
    films, images, samples = gallery.highlights(), gallery.images(), gallery.samples
    if denoised is not None:
        denoised_json = for_job(denoised.spec_json, "denoise")

        def picture(path: Path) -> Job:
            parts = np.stack([denoised.x, denoised.copies.y_mean, denoised.copies.x_hat])
            return engine.save("grid", path, images=parts, spec_json=denoised_json, columns=3)

        def copies(path: Path) -> Job:
            return engine.save("grid", path, images=denoised.copies.y, spec_json=denoised_json)

        rows.append(Export("Picture, ȳ and x̂", ".png", "denoised", picture))
        rows.append(Export("Noisy copies", ".png", "copies", copies))
    if images is not None:

        def grid(path: Path) -> Job:
            return engine.save("grid", path, images=images, spec_json=drawn_with)

        rows.append(Export("Chains by hand", ".png", "by-hand", grid))
    if films:

        def animation(path: Path) -> Job:
            frames = [frame.x_hat for frame in films]
            return engine.save("animation", path, frames=frames, spec_json=spec_json, fps=FRAMES_PER_S)

        rows.append(Export("Chains by hand as animation", ".gif", "by-hand", animation))
    if samples is not None:

        def states(path: Path) -> Job:
            return engine.save(
                "samples", path, x_hat=samples.x_hat, y=samples.y, seed=samples.seed, spec_json=spec_json
            )

        rows.append(Export("States of the chains by hand", ".npz", "by-hand", states))
    return rows

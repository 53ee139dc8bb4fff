"""What the mixture page writes: the plane, the curves, and the states of the chains."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msd_engine.events import Event, Progress
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import Cadence
from msd_gui.bridge.engine import Job
from msd_gui.pages.base.exports import plot_exports
from msd_gui.pages.base.page import ExperimentPage, Export
from msd_gui.pages.base.recorder import Recorder
from msd_gui.pages.mixture.chains import PlaneChains
from msd_gui.pages.mixture.density import FieldPainter
from msd_gui.pages.mixture.history import ChainHistory
from msd_gui.pages.mixture.player import Player
from msd_gui.pages.training.trainer import Trainer
from msd_gui.views.base import figures
from msd_gui.views.base.figures import Sheet
from msd_gui.views.curves.losses import LossView
from msd_gui.views.curves.mode_weights import ModeWeightsView
from msd_gui.views.plane.content import OFTEN, SELDOM
from msd_gui.views.plane.plane import PlaneView

FRAMES = 60
FRAMES_PER_S = 12.0
WIDTH_PX = 640


@dataclass(frozen=True)
class Parts:
    """The parts of the mixture page that can be written.

    Attributes:
        plane: The plane.
        weights: The weights of the modes.
        losses: The curves of the loss.
        trainer: The training.
        player: Plays the chains.
        fields: Density and scores of the plane.
    """

    plane: PlaneView
    weights: ModeWeightsView
    losses: LossView
    trainer: Trainer
    player: Player
    fields: FieldPainter


def exports(page: ExperimentPage, parts: Parts, chains: PlaneChains) -> list[Export]:
    """Return what the mixture page can write now.

    Args:
        page: The page.
        parts: What it shows.
        chains: Its chains.
    """
    rows: list[Export] = []
    samples, trainer = chains.samples, parts.trainer
    # Settings on the page may have moved on since: a file carries those of what is in it.
    if len(parts.player.buffer.shown):
        rows += plot_exports(
            page, parts.plane, "Trajectory plot", "trajectories", lambda: parts.player.buffer.shown.spec_json
        )
    if chains.weighed_spec_json:
        rows += plot_exports(page, parts.weights, "Mode weights", "mode-weights", lambda: chains.weighed_spec_json)
    if trainer.run is not None and trainer.spec is not None:
        rows += plot_exports(page, parts.losses, "Loss curves", "losses", trainer.spec.to_json, table=parts.losses.data)
    if samples is not None:

        def states(path: Path) -> Job:
            return page.engine.save(
                "samples", path, x_hat=samples.x_hat, y=samples.y, seed=samples.seed, spec_json=samples.spec_json
            )

        rows.append(Export("Chain states", ".npz", "chains", states))
        for suffix in (".gif", ".webp"):
            rows.append(
                Export("Sampling run as animation", suffix, "chains", lambda path: animation(page, parts, path))
            )
    return rows


def animation(page: ExperimentPage, parts: Parts, path: Path) -> Job:
    """Paint the chains from the first step to the last and write them as an animation.

    Args:
        page: The page.
        parts: What it shows; the plane is painted as it stands, in light colours.
        path: A file ending in ``.gif`` or ``.webp``.

    Returns:
        The job that waits for the pictures and writes them.
    """
    history = parts.player.buffer.shown
    indices = np.linspace(0, len(history) - 1, min(FRAMES, len(history))).round().astype(int).tolist()
    spec_json = history.spec_json

    def save(sheets: list[Sheet]) -> Job:
        def job(cadence: Cadence, live: Live) -> Iterator[Event]:
            pictures = []
            for number, sheet in enumerate(sheets, 1):
                pictures.append(sheet.pixels())
                yield Progress(number, len(sheets), 0.0, 0.0, 0.0, float("nan"), "Painting the animation")
            written = page.engine.save("animation", path, frames=pictures, spec_json=spec_json, fps=FRAMES_PER_S)
            yield from written(cadence, live)

        return job

    steps = recorded(parts, ExperimentSpec.from_json(spec_json), history, indices)
    recorder = Recorder(page.clock, steps, page, count=len(indices), words="Recording the animation")
    return recorder.job(save)


def recorded(
    parts: Parts, spec: ExperimentSpec, history: ChainHistory, indices: list[int]
) -> Generator[None, None, list[Sheet]]:
    """Record kept states of the chains, in steps of a few milliseconds; what stands still is recorded once a level.

    Args:
        parts: What the page shows.
        spec: The experiment.
        history: The chains; the page may go on to others meanwhile.
        indices: Which states.

    Returns:
        The steps, which return a sheet for each.
    """
    easel = figures.FigureCopy(parts.plane, WIDTH_PX)
    plane = easel.view
    assert isinstance(plane, PlaneView)
    sheets: list[Sheet] = []
    bounds, shown = parts.plane.bounds(), None
    try:
        for index in indices:
            sigma = float(history.at(index).sigma[0])
            while (field := parts.fields.prepared(spec, sigma, bounds)) is None:
                yield
            if field is not shown:
                plane.set_field(field.log_density, field.bounds)
                plane.set_arrows(field.points, field.exact_score, field.trained_score)
            parts.player.show_in(plane, history, index)
            yield
            frame = easel.frame()
            if field is not shown:
                shown = field
                ground = [easel.layer(draw) for draw in plane.drawings(SELDOM)]
                yield
            moving = [easel.layer(draw) for draw in plane.drawings(OFTEN)]
            sheets.append(easel.sheet([*ground, *moving], frame))
        return sheets
    finally:
        easel.close()

"""What the mixture page writes: the plane, the curves, and the states of the chains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from msd_engine.events import Failed, FieldFrame
from msd_engine.events.errors import UserError
from msd_engine.events.plots import Plane
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER
from msd_gui.bridge.engine import Job
from msd_gui.pages.base.exports import FigureExport, film_export, paper_exports, plot_exports
from msd_gui.pages.base.page import ExperimentPage, Export
from msd_gui.pages.mixture.chains import PlaneChains
from msd_gui.pages.mixture.density import FieldPainter, background
from msd_gui.pages.mixture.play.history import ChainHistory
from msd_gui.pages.mixture.play.player import Player, moment
from msd_gui.pages.training.trainer import Trainer
from msd_gui.views.curves.bars import BarsView
from msd_gui.views.curves.losses import LossView
from msd_gui.views.plane.plane import PlaneView
from msd_gui.widgets.controls.numbers import number

FRAMES = 60
FRAMES_PER_S = 12.0


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
    weights: BarsView
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
    rows = paper_exports(page.engine, page.experiment.spec.title)
    samples, trainer = chains.samples, parts.trainer
    # Settings on the page may have moved on since: a file carries those of what is in it.
    if len(parts.player.buffer.shown):
        rows += plot_exports(
            page, parts.plane, "Trajectory plot", "trajectories", lambda: parts.player.buffer.shown.spec_json
        )
    if parts.weights.plot().names:
        rows += plot_exports(
            page, parts.weights, "Mode weights", "mode-weights", lambda: parts.player.buffer.shown.spec_json
        )
    if trainer.run is not None and trainer.spec is not None:
        rows += plot_exports(page, parts.losses, "Loss curves", "losses", trainer.spec.to_json, table=parts.losses.data)
    if samples is not None:

        def states(path: Path) -> Job:
            return page.engine.save(
                "samples", path, x_hat=samples.x_hat, y=samples.y, seed=samples.seed, spec_json=samples.spec_json
            )

        rows.append(Export("Chain states", ".npz", "chains", states))
        rows.append(animation(page, parts))
    return rows


def animation(page: ExperimentPage, parts: Parts) -> FigureExport:
    """Return the export of the chains from the first step to the last, over the plane as it stands.

    Args:
        page: The page.
        parts: What it shows.
    """
    history, shown = parts.player.buffer.shown, parts.plane.plot()
    spec = ExperimentSpec.from_json(history.spec_json)
    indices = np.linspace(0, len(history) - 1, min(FRAMES, len(history))).round().astype(int).tolist()
    return film_export(
        page.engine,
        "Sampling run as animation",
        "chains",
        lambda: moments(parts, spec, history, indices, shown),
        len(indices),
        history.spec_json,
        FRAMES_PER_S,
    )


def moments(
    parts: Parts, spec: ExperimentSpec, history: ChainHistory, indices: list[int], shown: Plane
) -> Iterator[Plane]:
    """Make the plane at kept states of the chains, each with the density of its noise, on the thread that asks.

    Args:
        parts: What the page shows.
        spec: The experiment.
        history: The chains; the page may go on to others meanwhile.
        indices: Which states.
        shown: The plane with its layers.

    Returns:
        The planes.

    Raises:
        UserError: A density cannot be computed.
    """
    wanted = [parts.fields.wanted(spec, float(history.at(index).sigma[0]), shown.bounds) for index in indices]
    chosen = parts.player.chosen

    def made() -> Iterator[Plane]:
        before, plane = None, shown
        for index, (key, job) in zip(indices, wanted, strict=True):
            if key != before:
                before, frame = key, field_of(job)
                plane = replace(plane, **background(frame))
            state = history.at(index)
            note = f"step {int(state.steps[0]):,} of {history.total:,}, σ = {number(float(state.sigma[0]))}"
            yield replace(plane, note=note, **moment(history, index, chosen))

    return made()


def field_of(job: Job) -> FieldFrame:
    """Carry a job out and return its field."""
    for event in job(NEVER, Live()):
        match event:
            case FieldFrame():
                return event
            case Failed():
                raise UserError(event.text)
    raise UserError("The density of the animation was not computed.")

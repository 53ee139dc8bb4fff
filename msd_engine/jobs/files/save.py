"""Jobs that save files, so that the window never waits for the disk. Each ends with the path."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msd_engine.backend.errors import UserError
from msd_engine.backend.files import write_atomically
from msd_engine.events import Event, Finished, Preview, Progress
from msd_engine.events.figures import FILM_DPI, Figure, Sheet
from msd_engine.events.plots import Plane
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs import pictures, samples
from msd_engine.runs.report import figures
from msd_engine.runs.report.plots import Palette
from msd_engine.runs.report.video import encode_video

PathLike = str | os.PathLike[str]

FIGURES = (".png", ".svg", ".pdf")
"""What a figure can be saved as."""


@reports_user_errors
def save_samples(
    path: PathLike, x_hat: NDArray[np.float32], y: NDArray[np.float32], seed: int, spec_json: str
) -> Iterator[Event]:
    """Save samples and the last state of their chains as .npz.

    Args:
        path: The file to write.
        x_hat: The samples with shape (N, *event), in data units.
        y: All copies of the last state, with shape (N, k, *event).
        seed: Seed of the chains.
        spec_json: The spec as JSON.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    start = time.monotonic()
    samples.save_samples(path, x_hat, y, seed, spec_json)
    yield _finished(path, start)


@reports_user_errors
def save_figure(
    path: PathLike, figure: Figure, palette: Palette, spec_json: str, *, sheet: Sheet | None = None
) -> Iterator[Event]:
    """Save a figure as PNG that carries the spec, as SVG or as PDF.

    Args:
        path: The file to write; its suffix says as what.
        figure: The figure.
        palette: Colours as ``#RRGGBB`` by role.
        spec_json: The spec as JSON.
        sheet: Size and furniture; None for the usual ones.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    start = time.monotonic()
    path = Path(path)

    def work(_notify: Notify) -> bytes:
        suffix = path.suffix.lower()
        if suffix not in FIGURES:
            given = suffix or "a file without suffix"
            raise UserError(f"A figure is saved as {', '.join(FIGURES)}, not as {given}: choose such a name.")
        drawn, tiles = figures.content(figure, palette, sheet or Sheet(), suffix[1:])
        points = figure.heads if isinstance(figure, Plane) else None
        return pictures.add_text_to_png(drawn, spec_json, tiles, points) if suffix == ".png" else drawn

    content = yield from in_background(work)
    write_atomically(path, content)
    yield _finished(path, start)


@reports_user_errors
def save_film(
    path: PathLike,
    moments: Iterable[Figure],
    count: int,
    palette: Palette,
    spec_json: str,
    *,
    fps: float = 12.0,
    sheet: Sheet | None = None,
) -> Iterator[Event]:
    """Save figures as an animated GIF, WebP or MP4 that carries the spec.

    Args:
        path: The file to write; its suffix says which.
        moments: The figures, made one after the other while they are drawn.
        count: Number of figures.
        palette: Colours as ``#RRGGBB`` by role.
        spec_json: The spec as JSON.
        fps: Pictures per second.
        sheet: Size and furniture of the pictures; None for the usual ones on a screen.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    start = time.monotonic()
    path = Path(path)

    def work(notify: Notify) -> bytes:
        made = []
        for picture in figures.moving(moments, palette, sheet or Sheet(dpi=FILM_DPI)):
            made.append(picture)
            notify(_step(len(made), count, start, "Drawing the film"))
        notify(_step(count, count, start, "Packing the film"))
        if path.suffix.lower() == ".mp4":
            return encode_video(made, fps=fps, spec_json=spec_json)
        return pictures.encode_animation(path.suffix, made, fps=fps, spec_json=spec_json)

    film = yield from in_background(work)
    write_atomically(path, film)
    yield _finished(path, start)


@reports_user_errors
def preview(
    moments: Iterable[Figure], count: int, palette: Palette, *, sheet: Sheet, most_px: int = 0
) -> Iterator[Event]:
    """Draw figures as their file will show them, without a file.

    Args:
        moments: The figure, or those of an animation.
        count: Number of figures.
        palette: Colours as ``#RRGGBB`` by role.
        sheet: Size and furniture.
        most_px: Reduce larger pictures by a whole factor to about this width; 0 leaves them as they are.

    Yields:
        `Preview` for each figure, and `Finished`, or `Failed`.
    """
    start = time.monotonic()

    def work(notify: Notify) -> None:
        for number, drawn in enumerate(figures.moving(moments, palette, sheet), 1):
            size = (drawn.shape[0], drawn.shape[1])
            factor = max(1, size[1] // most_px) if most_px else 1
            notify(Preview(size, figures.reduced(drawn, factor), number, count))

    yield from in_background(work)
    yield Finished(count, time.monotonic() - start, "")


@reports_user_errors
def save_text(path: PathLike, text: str) -> Iterator[Event]:
    """Save text, such as an SVG or a CSV table, in UTF-8.

    Args:
        path: The file to write.
        text: Its content.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    start = time.monotonic()
    write_atomically(path, text.encode())
    yield _finished(path, start)


def _step(step: int, total: int, start: float, text: str) -> Progress:
    elapsed_s = time.monotonic() - start
    rate = step / elapsed_s if elapsed_s > 0 else 0.0
    return Progress(step, total, rate, rate, elapsed_s, math.nan, text)


def _finished(path: PathLike, start: float) -> Finished:
    return Finished(0, time.monotonic() - start, f"Saved {Path(path).name}.", str(path))

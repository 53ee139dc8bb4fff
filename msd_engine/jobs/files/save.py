"""Jobs that save files, so that the window never waits for the disk. Each ends with the path."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msd_engine.backend.files import write_atomically
from msd_engine.events import Event, Finished, Progress, Tick
from msd_engine.events.plots import Plot
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs import pictures, samples
from msd_engine.runs.report import plots

PathLike = str | os.PathLike[str]

# A film of larger pictures takes long to pack and to load.
_MOST_FILM_PIXELS = 2**20


@reports_user_errors
def save_grid(
    path: PathLike,
    images: NDArray[np.floating] | NDArray[np.uint8],
    spec_json: str,
    *,
    scale: int | None = None,
    columns: int | None = None,
) -> Iterator[Event]:
    """Save images as one PNG that carries the spec.

    Args:
        path: The file to write.
        images: Images with shape (N, C, H, W), in data units or as 8-bit values.
        spec_json: The spec as JSON.
        scale: Whole factor of enlargement; None for one at which a person can read a small image.
        columns: Number of columns; None for a grid as square as can be.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    start = time.monotonic()
    factor = pictures.readable_scale(images.shape[2]) if scale is None else scale
    grid = pictures.image_grid(images, scale=factor, columns=columns)
    yield Tick()
    pictures.save_png(path, grid, spec_json)
    yield _finished(path, start)


@reports_user_errors
def save_animation(
    path: PathLike,
    frames: Sequence[NDArray[np.floating] | NDArray[np.uint8]],
    spec_json: str,
    *,
    fps: float = 12.0,
    scale: int | None = None,
) -> Iterator[Event]:
    """Save moments of a sampling run as an animated GIF or WebP that carries the spec.

    Args:
        path: The file to write; its suffix, ``.gif`` or ``.webp``, says which.
        frames: The moments: each images with shape (N, C, H, W), laid out as a grid.
        spec_json: The spec as JSON.
        fps: Pictures per second.
        scale: Whole factor of enlargement of images; None for one at which a person can read a small image.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    return _save_film(path, (_drawn(frame, scale) for frame in frames), len(frames), spec_json, fps)


def _save_film(
    path: PathLike, drawn: Iterable[NDArray[np.uint8]], count: int, spec_json: str, fps: float
) -> Iterator[Event]:
    start = time.monotonic()
    path = Path(path)

    def work(notify: Notify) -> bytes:
        made = []
        for picture in drawn:
            made.append(picture)
            notify(_step(len(made), count, start, "Drawing the film"))
        notify(_step(count, count, start, "Packing the film"))
        return pictures.encode_animation(path.suffix, made, fps=fps, spec_json=spec_json)

    film = yield from in_background(work)
    write_atomically(path, film)
    yield _finished(path, start)


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
def save_plot(path: PathLike, plot: Plot, palette: Mapping[str, str], spec_json: str) -> Iterator[Event]:
    """Save a plot as PNG that carries the spec, as SVG or as PDF.

    Args:
        path: The file to write; its suffix says as what.
        plot: The plot.
        palette: Colours as ``#RRGGBB`` by role.
        spec_json: The spec as JSON.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    start = time.monotonic()
    path = Path(path)

    def work(_notify: Notify) -> bytes:
        suffix = path.suffix.lower()
        drawn = plots.figure(plot, palette, suffix=suffix[1:])
        return pictures.add_text_to_png(drawn, spec_json) if suffix == ".png" else drawn

    content = yield from in_background(work)
    write_atomically(path, content)
    yield _finished(path, start)


@reports_user_errors
def save_film(
    path: PathLike,
    moments: Iterable[Plot],
    count: int,
    palette: Mapping[str, str],
    spec_json: str,
    *,
    fps: float = 12.0,
    width_px: int = 640,
) -> Iterator[Event]:
    """Save plots as an animated GIF or WebP that carries the spec.

    Args:
        path: The file to write; its suffix, ``.gif`` or ``.webp``, says which.
        moments: The plots, made one after the other while they are drawn.
        count: Number of plots.
        palette: Colours as ``#RRGGBB`` by role.
        spec_json: The spec as JSON.
        fps: Pictures per second.
        width_px: Width of the pictures in pixels.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    return _save_film(path, plots.film(moments, palette, width_px), count, spec_json, fps)


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


def _drawn(frame: NDArray[np.floating] | NDArray[np.uint8], scale: int | None) -> NDArray[np.uint8]:
    if scale is None:
        count, _, height, width = frame.shape
        largest = math.isqrt(_MOST_FILM_PIXELS // max(1, count * height * width))
        scale = max(1, min(largest, pictures.readable_scale(height)))
    return pictures.image_grid(frame, scale=scale)


def _step(step: int, total: int, start: float, text: str) -> Progress:
    elapsed_s = time.monotonic() - start
    rate = step / elapsed_s if elapsed_s > 0 else 0.0
    return Progress(step, total, rate, rate, elapsed_s, math.nan, text)


def _finished(path: PathLike, start: float) -> Finished:
    return Finished(0, time.monotonic() - start, f"Saved {Path(path).name}.", str(path))

"""Exports of a gallery of image chains: grid, film strip, animation and states; shared by the pages with one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from msd_engine.events import FilmFrame
from msd_engine.events.figures import Figure, Grid
from msd_gui.bridge.engine import Engine, Job
from msd_gui.pages.base.exports import figure_export, film_export
from msd_gui.pages.base.page import Export
from msd_gui.pages.sampling.gallery import ON_STRIP, Gallery, begun
from msd_gui.widgets.controls.numbers import number

FRAMES_PER_S = 8.0
_STRIP_COLUMNS = 8


def gallery_exports(
    engine: Engine, gallery: Gallery, titles: dict[str, str], names: dict[str, str], note: Callable[[str], str]
) -> list[Export]:
    """List the exports of a gallery.

    Args:
        engine: Makes the jobs.
        gallery: The chains.
        titles: Titles of the ``grid`` and of the ``film``.
        names: File names without the suffix of the ``grid``, the ``film`` and the ``states``.
        note: Adds notes to a spec as JSON.
    """
    rows = list[Export]()
    samples, films, images = gallery.samples, gallery.highlights(), gallery.images()
    # A file carries the settings of its content, which the page may have changed since.
    spec_json, drawn_with = (note(text) if text else "" for text in (gallery.spec_json, gallery.images_spec_json))
    if images is not None:
        shown = Grid(titles["grid"], images, note=begun(drawn_with))
        rows.append(figure_export(engine, titles["grid"], names["grid"], lambda: shown, lambda: drawn_with))
    if films:
        words = begun(spec_json)
        strip = film_strip(gallery.highlights(ON_STRIP), gallery.chain, words)
        label = "Film strip of the chosen chain"
        rows.append(figure_export(engine, label, "film-strip", lambda: strip, lambda: spec_json))
        total = gallery.total
        rows.append(
            film_export(
                engine,
                titles["film"],
                names["film"],
                lambda: moving(films, total, words),
                len(films),
                spec_json,
                FRAMES_PER_S,
            )
        )
    if samples is not None:

        def states(path: Path) -> Job:
            text = note(samples.spec_json)
            return engine.save("samples", path, x_hat=samples.x_hat, y=samples.y, seed=samples.seed, spec_json=text)

        rows.append(Export("Chain states", ".npz", names["states"], states))
    return rows


def film_strip(films: list[FilmFrame], chain: int, note: str = "") -> Grid:
    """Lay the states of one chain side by side, each with its σ."""
    images = np.stack([frame.x_hat[chain] for frame in films])
    above = tuple(number(frame.sigma) for frame in films)
    return Grid("Film strip", images, _STRIP_COLUMNS, above=above, above_name="σ", note=note)


def moving(films: list[FilmFrame], total: int, note: str = "") -> Iterator[Figure]:
    """Make the pictures of the sampling run, each with its step and σ, and a note."""
    rest = f", {note}" * bool(note)
    for frame in films:
        at = f"step {frame.step:,} of {total:,}, σ = {number(frame.sigma)}"
        yield Grid("Sampling run", frame.x_hat, note=at + rest)

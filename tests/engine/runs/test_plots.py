"""Plots drawn into files: what is on them, in every form, and always the same."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from msd_engine.events.figures import Sheet
from msd_engine.events.plots import (
    LAYERS,
    Axis,
    Bars,
    Curve,
    Curves,
    Field,
    Key,
    Moves,
    Plane,
    Plot,
    order_colours,
    readable,
)
from msd_engine.runs.report.figures import moving
from msd_engine.runs.report.plots import drawn, figure, settings, written

PALETTE = {"base": "#ffffff", "text": "#101010", "exact": "#0000ff", "learned": "#ff0000", "density": "#8080ff"}
PALETTE |= {"data": "#808080", "chosen": "#ff00ff", "muted": "#00ff00"}


def curves() -> Curves:
    x = np.arange(1.0, 50.0)
    return Curves(
        "Losses",
        Axis("time", "s"),
        Axis("‖x̂ − x‖²", log=True),
        (
            Curve("run $1", x, 9 / x, low=8 / x, high=10 / x, spread="band"),
            Curve("points", x[::9], 5 / x[::9], "text", low=4 / x[::9], high=6 / x[::9], dots=True),
            Curve("least", x[:1], np.array([0.1]), "exact", "dash", across=True),
        ),
    )


def plane() -> Plane:
    rng = np.random.default_rng(0)
    side = np.linspace(-3, 3, 30)
    x, y = np.meshgrid(side, side)
    at = np.stack([x, y], axis=-1).reshape(-1, 2)[::40]
    copies = rng.normal(size=(4, 2)), rng.normal(size=(1, 2)), rng.normal(size=(1, 2))
    tails = np.cumsum(0.5 * rng.normal(size=(9, 5, 2)), axis=0)
    return Plane(-(x**2) - y**2, (-3, 3, -3, 3), rng.normal(size=(20, 2)), np.zeros((1, 2)), at, -at, -0.9 * at,
                 tails, tails[-1], copies, 2, on=frozenset(LAYERS), bounds=(-2.5, 2.5, -2, 2),
                 twins=tails[-4:] + 0.2,
                 moves=Moves(copies[0], 0.5 - copies[0], 0.4 * copies[0]))  # fmt: skip


def vectors() -> Field:
    ticks = (np.arange(30) + 0.5) / 5 - 3
    at = np.stack([np.tile(ticks, 30), np.repeat(ticks, 30)], axis=1)
    right = np.stack([np.clip(at[:, 0], 0, None), 0 * at[:, 0]], axis=1)
    return Field("Right half", "vectors", (-3, 3, -3, 3), at, right, 2.0, "arrows", "learned", (at[::31],))


def bars() -> Bars:
    return Bars("Weights", "class", ("zero", "one"), np.array([np.nan, 0.3]), np.array([0.8, 0.2]), "real")


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize(
    "make",
    [curves, plane, vectors, bars, lambda: Plane(), lambda: Field("", ""), lambda: Curves("Empty", Axis(""), Axis(""))],
)
def test_a_plot_has_the_width_that_is_asked_for_and_is_the_same_every_time(make: Callable[[], Plot]) -> None:
    plot = make()
    for suffix, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        content = figure(plot, PALETTE, 80, 200, suffix)
        assert content.startswith(start)
        assert figure(plot, PALETTE, 80, 200, suffix) == content
    with Image.open(io.BytesIO(figure(plot, PALETTE, 80, 200))) as image:
        assert image.width == pytest.approx(80 / 25.4 * 200, abs=1)
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    root = ElementTree.fromstring(figure(plot, PALETTE, 80, suffix="svg"))
    assert float(str(root.get("width")).removesuffix("pt")) == pytest.approx(80 / 25.4 * 72, abs=0.5)


def test_words_in_an_svg_are_text() -> None:
    root = ElementTree.fromstring(figure(curves(), PALETTE, suffix="svg"))
    words = {"".join(element.itertext()).strip() for element in root.iter() if element.tag.endswith("text")}
    assert {"time / s", "run $1", "points", "least"} <= words
    assert written("x̂ of $1, σ_eff") == r"$\hat{\mathrm{x}}$ of \$1, σ$_{\mathrm{eff}}$"


def test_colours_are_those_of_the_palette() -> None:
    red = (pixels(figure(curves(), PALETTE)) == (255, 0, 0)).all(axis=-1).sum()
    blue = (pixels(figure(curves(), PALETTE | {"learned": "#0000ff"})) == (255, 0, 0)).all(axis=-1).sum()
    assert red > 1000 > blue
    assert order_colours([8, 1, 2]) == {1: "order 0.0000", 2: "order 0.5000", 8: "order 1.0000"}


@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_of_the_plane_is_drawn_where_it_is_on(layer: str) -> None:
    with_it, without = plane(), replace(plane(), on=frozenset(LAYERS) - {layer})
    assert figure(with_it, PALETTE, 60, 100) != figure(without, PALETTE, 60, 100)
    alone = replace(plane(), on=frozenset({layer}))
    assert figure(alone, PALETTE, 60, 100) != figure(replace(alone, on=frozenset()), PALETTE, 60, 100)


def test_the_density_lies_where_it_should() -> None:
    share = np.full((50, 50), -50.0)
    share[:25, 25:] = 0.0  # low x₂, high x₁
    plot = Plane(share, (-4, 4, -4, 4), on=frozenset({"density"}), bounds=(-4, 4, -4, 4))
    inside = (np.abs(pixels(figure(plot, PALETTE, 60, 100)) - (128, 128, 255)) < 30).all(axis=-1)
    rows, columns = np.nonzero(inside[int(0.3 * len(inside)) :])
    assert np.median(columns) > 0.6 * inside.shape[1]
    assert np.median(rows) > 0.4 * 0.7 * inside.shape[0]


@pytest.mark.parametrize("style", ["arrows", "map"])
def test_a_field_is_drawn_where_its_vectors_are_long(style: Literal["arrows", "map"]) -> None:
    picture = pixels(figure(replace(vectors(), style=style), PALETTE, 60, 100, labels=False))
    # White and green have as much green as red; red does not.
    columns = np.nonzero((picture[..., 0] - picture[..., 1] > 60).any(axis=0))[0]
    assert columns.min() > 0.5 * picture.shape[1]
    assert len(columns) > 0.2 * picture.shape[1]
    bare = replace(vectors(), style=style, contours=())
    assert not (pixels(figure(bare, PALETTE, 60, 100, labels=False)) == (0, 255, 0)).all(axis=-1).any()


def test_what_is_not_finite_is_left_out() -> None:
    nothing = np.full((3, 2), np.nan)
    empty = replace(plane(), log_density=np.full((4, 4), np.nan), data=nothing, heads=nothing, exact=nothing[:0],
                    learned=None, at=nothing[:0], tails=np.full((4, 3, 2), np.nan))  # fmt: skip
    assert figure(empty, PALETTE, 60, 100)
    assert figure(Curves("None", Axis("a", log=True), Axis("b", log=True), (Curve("c", *nothing.T),)), PALETTE)


def test_a_film_has_pictures_of_one_size_that_differ_where_the_chains_do() -> None:
    first = plane()
    later = replace(first, heads=first.heads + 0.5)
    pictures = list(moving([first, first, later], PALETTE, Sheet(300 / 96 * 25.4, 96)))
    assert [picture.shape[1] for picture in pictures] == [300, 300, 300]
    assert len({picture.shape for picture in pictures}) == 1
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert 0 < (pictures[1] != pictures[2]).any(axis=-1).mean() < 0.2


def test_an_own_legend_takes_the_place_of_that_of_the_curves() -> None:
    plot = replace(curves(), legend=(Key("dotted", "text", "all of them"),))
    drawn = figure(plot, PALETTE, suffix="svg").decode()
    assert "all of them" in drawn
    assert "points" not in drawn


def test_tails_of_many_chains_begin_after_the_last_step_that_leaps_across_the_view() -> None:
    place = np.cumsum([500.0, 400.0, 3.0, 300.0, 2.0, 1.0])
    tails = np.stack([place, 0 * place], axis=1)[None] + np.arange(30.0)[:, None, None]
    tails[0, 2] = np.nan
    np.testing.assert_array_equal(readable(tails, 60.0), tails[:, 3:])
    np.testing.assert_array_equal(readable(tails, 1000.0), tails)
    assert readable(tails, 0.5).shape == (30, 1, 2)
    np.testing.assert_array_equal(readable(tails[:5], 60.0), tails[:5])


@pytest.mark.parametrize("width_mm", [60.0, 100.0, 152.4, 250.0])
@pytest.mark.parametrize("make", [curves, plane, bars])
def test_the_legend_keeps_within_the_page(make: Callable[[], Plot], width_mm: float) -> None:
    with settings(PALETTE):
        made = drawn(make(), PALETTE, Sheet(width_mm, 100))
        FigureCanvasAgg(made).draw()
        (legend,) = made.legends
        assert legend.get_window_extent().x1 <= made.bbox.x1


def test_a_step_is_drawn_as_arrows_and_a_rejected_one_otherwise():
    y = np.zeros((2, 2))
    pictures = set()
    for moves in (None, Moves(y, y + 2, y - 1), Moves(y, y + 2, y - 1, accepted=False), Moves(y, y + 2, y * np.nan)):
        pictures.add(figure(Plane(moves=moves), PALETTE, 80, 200))
    assert len(pictures) == 4

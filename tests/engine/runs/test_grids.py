"""Grids of images in files: every pixel where it was, words as words, and the images read back."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.events import Failed, Finished, Preview
from msd_engine.events.figures import Grid, Sheet, Table
from msd_engine.events.plots import Axis, Bars, Curve, Curves, Plane
from msd_engine.jobs.files.save import preview, save_figure, save_film
from msd_engine.runs.pictures import (
    TILES_KEY,
    grid_tiles,
    image_grid,
    read_content,
    read_picture_spec,
    save_png,
    to_pixels,
)
from msd_engine.runs.report.figures import content, moving, pixels, read_pixels
from msd_engine.runs.report.video import encode_video, has_video, read_video_spec
from msd_engine.runs.restoring import read_spec
from msd_engine.specs import ExperimentSpec

PALETTE = {"base": "#ffffff", "text": "#101010", "muted": "#808080", "exact": "#0000ff", "learned": "#ff0000"}
PALETTE |= {"data": "#808080", "chosen": "#ff00ff", "density": "#8080ff"}
SPEC = ExperimentSpec(title="x̂").to_json()
SMALL = Sheet(width_mm=40, dpi=100)


def images(count: int, channels: int = 1, height: int = 8, width: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, channels, height, width), np.uint8)


def strip() -> Grid:
    return Grid("strip", images(6), rows=("clean x", "x̂"), above=("0.1", "1", "10", "", "", ""),
                below=("", "", "", "5", "6", "7"), above_name="σ_eff", below_name="‖x̂ − x‖²")  # fmt: skip


@given(
    count=st.integers(1, 12),
    channels=st.sampled_from([1, 3]),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    columns=st.integers(0, 12),
    width=st.floats(20, 90),
    words=st.booleans(),
)
@settings(max_examples=12, deadline=None)
def test_images_are_read_back_from_the_picture_of_any_grid(count, channels, size, columns, width, words):
    received = images(count, channels, *size)
    above = tuple(str(number) for number in range(count)) if words else ()
    grid, sheet = Grid("", received, above=above, note="n" * words), Sheet(width, 150, columns)
    # Images that are wider than their place are reduced and cannot be read back.
    assume(grid.columns_for(columns) * (size[1] + 1) <= sheet.width_px)
    png, tiles = content(grid, PALETTE, sheet)
    assert tiles is not None
    assert len(tiles.left) == Grid("", received).columns_for(columns)
    assert read_pixels(png).shape[1] == Sheet(width, 150).width_px
    np.testing.assert_array_equal(tiles.cut(read_pixels(png)), received)


def test_images_wider_than_their_place_are_reduced_and_not_read_back() -> None:
    wide = Grid("", images(4, width=400), columns=4)
    png, tiles = content(wide, PALETTE, SMALL)
    assert tiles is None
    assert read_pixels(png).shape[1] == SMALL.width_px


def test_words_of_a_strip_are_text_and_can_be_left_out() -> None:
    def words(sheet: Sheet) -> str:
        root = ElementTree.fromstring(content(strip(), PALETTE, sheet, "svg")[0])
        return " ".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))

    shown = words(Sheet(80, 150, caption="What is seen."))
    assert all(word in shown for word in ("clean", "0.1", "10", "5", "What is seen."))
    assert "_" not in shown
    assert "".join(words(Sheet(80, 150, labels=False)).split()) == ""


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_grid_gives_the_same_bytes(suffix: str) -> None:
    assert content(strip(), PALETTE, SMALL, suffix) == content(strip(), PALETTE, SMALL, suffix)


def test_a_table_of_figures_holds_its_words() -> None:
    table = Table("quality", ("", "samples", "real"), (("Survival", "99 % of 128", "98.5 %"),))
    svg = content(table, PALETTE, Sheet(90, 100, caption="More."), "svg")[0].decode()
    assert all(word in svg for word in ("Survival", "99 % of 128", "98.5 %", "samples", "More."))


FIGURES = [
    Grid("", images(5, 3)),
    strip(),
    Table("", ("", "a"), (("b", "c"),)),
    Bars("w", "class", ("0", "1"), np.array([0.7, 0.3]), np.array([0.8, 0.2])),
    Curves("c", Axis("x"), Axis("y"), (Curve("one", np.arange(3.0), np.arange(3.0)),)),
    Plane(heads=np.zeros((2, 2)), note="step 3 of 7, σ = 0.5"),
]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("sheet", [SMALL, Sheet(60, 90, 2, labels=False, caption="A caption.")], ids=["usual", "bare"])
def test_the_preview_is_what_is_written(tmp_path: Path, figure, sheet: Sheet) -> None:
    (observed, end) = [
        event for event in preview([figure], 1, PALETTE, sheet=sheet) if isinstance(event, Preview | Finished)
    ]
    assert isinstance(end, Finished)
    assert isinstance(list(save_figure(tmp_path / "a.png", figure, PALETTE, SPEC, sheet=sheet))[-1], Finished)
    written = read_pixels((tmp_path / "a.png").read_bytes())
    np.testing.assert_array_equal(observed.pixels, written)
    assert observed.size == written.shape[:2]


def test_a_large_preview_is_reduced_and_tells_the_size_of_the_file() -> None:
    (observed,) = [event for event in preview([FIGURES[3]], 1, PALETTE, sheet=Sheet(100, 300), most_px=300)
               if isinstance(event, Preview)]  # fmt: skip
    assert observed.size[1] == Sheet(100, 300).width_px
    assert 300 <= observed.pixels.shape[1] < 600


def test_labels_captions_and_moments_show_in_plots() -> None:
    curves, plane = FIGURES[4], FIGURES[5]
    bare, full = pixels(curves, PALETTE, replace(SMALL, labels=False)), pixels(curves, PALETTE, SMALL)
    assert bare.shape != full.shape
    assert pixels(curves, PALETTE, replace(SMALL, caption="A caption.")).shape[0] > full.shape[0]
    noted, other = (pixels(replace(plane, note=note), PALETTE, SMALL) for note in ("step 1", "step 2"))
    assert (noted != other).any()


def test_dark_figures_have_a_dark_ground_and_light_words() -> None:
    dark = PALETTE | {"base": "#101010", "text": "#f0f0f0"}
    for figure in FIGURES:
        observed = pixels(figure, dark, SMALL)
        assert (observed[0, -1] == 0x10).all()
        assert not (pixels(figure, PALETTE, SMALL)[0, -1] == 0x10).any()


def film(sheet: Sheet = SMALL) -> list[np.ndarray]:
    return list(
        moving([Grid("", images(4, seed=n), note=f"step {n} of 3, σ = {3 - n}") for n in range(3)], PALETTE, sheet)
    )


def test_pictures_of_a_film_have_one_shape_and_their_moment() -> None:
    frames = film()
    assert len({frame.shape for frame in frames}) == 1
    none = list(moving([Grid("", images(4, seed=n)) for n in range(3)], PALETTE, SMALL))
    assert frames[0].shape[0] > none[0].shape[0]


@pytest.mark.skipif(not has_video(), reason="needs the package av")
def test_an_mp4_holds_its_pictures_and_its_spec(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mp4"
    grids = [Grid("", images(4, seed=n), note=f"step {n}") for n in range(3)]
    assert isinstance(list(save_film(path, grids, 3, PALETTE, SPEC, fps=10, sheet=SMALL))[-1], Finished)
    assert read_spec(path) == ExperimentSpec.from_json(SPEC)
    with av.open(str(path)) as found:
        frames = [frame.to_ndarray(format="rgb24") for frame in found.decode(video=0)]
    wanted = list(moving(grids, PALETTE, SMALL))
    assert len(frames) == 3 + 15
    high, wide = wanted[0].shape[:2]
    # Colours at half the resolution, and losses.
    assert np.abs(frames[2][:high, :wide].astype(int) - wanted[2]).mean() < 12
    assert np.abs(frames[-1].astype(int) - frames[2]).mean() < 6


def test_films_without_pictures_or_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no picture"):
        encode_video([])
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(20))
    with pytest.raises(BadFile, match=r"film|av"):
        read_video_spec(tmp_path / "a.mp4")


def test_a_figure_of_another_suffix_is_refused(tmp_path: Path) -> None:
    (end,) = [one for one in save_figure(tmp_path / "a.bmp", FIGURES[0], PALETTE, SPEC) if isinstance(one, Failed)]
    assert ".png, .svg, .pdf" in end.text


def test_grids_of_the_command_line_are_read_back_too(tmp_path: Path) -> None:
    received = images(7, 3)
    save_png(tmp_path / "a.png", image_grid(received, scale=3), SPEC, grid_tiles(received.shape, scale=3))
    np.testing.assert_array_equal(read_content(tmp_path / "a.png").images, received)
    assert read_picture_spec(tmp_path / "a.png") == SPEC
    save_png(tmp_path / "b.png", image_grid(received), SPEC)
    assert read_content(tmp_path / "b.png").images is None


GOOD = {"count": 4, "channels": 1, "height": 2, "width": 2, "scale": 1, "left": [0, 3], "top": [0, 3]}


@pytest.mark.parametrize(
    "change",
    [{"count": 5}, {"count": 0}, {"count": -1}, {"channels": 2}, {"scale": 0}, {"scale": 10**9}, {"height": 10**12},
     {"left": [0, 4]}, {"left": [-1, 3]}, {"left": []}, {"top": [0, "3"]}, {"top": 3}, {"width": 2.0}, {"count": True},
     {"left": [0] * 1000, "top": [0] * 1000, "count": 10**6, "height": 5, "width": 5}],
)  # fmt: skip
def test_impossible_places_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    notes = PngInfo()
    notes.add_itxt(TILES_KEY, json.dumps(GOOD | change))
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(buffer, "PNG", pnginfo=notes)
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    try:
        found = read_content(tmp_path / "a.png").images
    except BadFile:
        return
    assert found is not None
    assert change == {"left": [0] * 1000, "top": [0] * 1000, "count": 10**6, "height": 5, "width": 5}
    assert found.nbytes < 2**27


def test_float_images_are_read_back_at_8_bits() -> None:
    received = np.random.default_rng(0).normal(size=(3, 1, 8, 8)).astype(np.float32)
    png, tiles = content(Grid("", received), PALETTE, SMALL)
    np.testing.assert_array_equal(tiles.cut(read_pixels(png)), to_pixels(received))

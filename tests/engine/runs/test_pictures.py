"""Pictures hold what they were given, to the pixel, and the spec beside it."""

import errno
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.events import Failed, Finished
from msd_engine.events.figures import Grid, Sheet
from msd_engine.events.plots import Bars
from msd_engine.jobs.files.save import save_figure, save_film, save_text
from msd_engine.runs.pictures import (
    add_text_to_png,
    encode_animation,
    image_grid,
    read_picture_spec,
    readable_scale,
    save_png,
    to_pixels,
)
from msd_engine.specs import ExperimentSpec

SMALL = Sheet(width_mm=40, dpi=100)


def grids(*frames):
    return [Grid("", frame) for frame in frames]


def save_animation(path, frames, **options):
    path.write_bytes(encode_animation(path.suffix, frames, **options))


SPEC = ExperimentSpec(title="x̂ for σ₁ → σ_L").to_json()
RNG = np.random.default_rng(0)


def test_data_units_become_bytes() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert (to_pixels(every) == every).all()
    assert (to_pixels((every / 127.5 - 1.0).astype(np.float32)) == every).all()
    wild = np.array([np.nan, np.inf, -np.inf, 9.0, -9.0], np.float32)
    assert to_pixels(wild).tolist() == [128, 255, 0, 255, 0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 2, 5, 16, 17])
@pytest.mark.parametrize(("scale", "gap"), [(1, 1), (3, 2), (1, 0)])
def test_every_image_stands_in_its_cell(count: int, channels: int, scale: int, gap: int) -> None:
    images = RNG.integers(0, 256, (count, channels, 8, 8)).astype(np.uint8)
    grid = image_grid(images, scale=scale, gap=gap)
    cell = 8 * scale + gap
    rows, columns = (grid.shape[0] + gap) // cell, (grid.shape[1] + gap) // cell
    assert 0 <= columns - rows <= 1
    assert rows * columns >= count > (rows - 1) * columns
    for index, image in enumerate(images):
        top, left = index // columns * cell, index % columns * cell
        observed = grid[top : top + 8 * scale : scale, left : left + 8 * scale : scale]
        assert (observed == np.broadcast_to(np.moveaxis(image, 0, -1), (8, 8, 3))).all()
        block = grid[top : top + scale, left : left + scale]
        assert (block == block[0, 0]).all()


def test_a_grid_of_nothing_is_refused() -> None:
    for shape in ((0, 1, 8, 8), (2, 2, 8, 8)):
        with pytest.raises(ValueError, match="1 or 3 channels"):
            image_grid(np.zeros(shape, np.float32))


def test_small_images_are_enlarged_so_that_they_can_be_read() -> None:
    assert [readable_scale(size) for size in (8, 28, 32, 500)] == [7, 2, 2, 1]


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7)])
def test_png_keeps_pixels_and_spec(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = RNG.integers(0, 256, shape).astype(np.uint8)
    path = tmp_path / "a.png"
    save_png(path, pixels, SPEC)
    with Image.open(path) as image:
        assert (np.asarray(image) == pixels).all()
        assert image.info["Software"].startswith("msd ")
    assert read_picture_spec(path) == SPEC


def test_a_rendered_png_gets_the_spec_and_keeps_its_pixels_and_resolution() -> None:
    pixels = RNG.integers(0, 256, (9, 4, 4)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", dpi=(192, 192))
    with Image.open(io.BytesIO(add_text_to_png(buffer.getvalue(), SPEC))) as image:
        assert (np.asarray(image) == pixels).all()
        assert image.info["msd-spec"] == SPEC
        assert image.info["dpi"] == pytest.approx((192, 192), abs=0.1)
    with pytest.raises(BadFile, match=r"the drawn picture .* expected a PNG"):
        add_text_to_png(b"nonsense", SPEC)


def film(channels: int) -> list[np.ndarray]:
    return [image_grid(RNG.normal(size=(4, channels, 8, 8)).astype(np.float32)) for _ in range(3)]


def test_grey_films_keep_every_shade_and_hold_the_last_picture(tmp_path: Path) -> None:
    frames = film(1)
    save_animation(tmp_path / "a.gif", frames, fps=10, spec_json=SPEC)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == len(frames)
        assert image.info["loop"] == 0
        durations = []
        for index, frame in enumerate(frames):
            image.seek(index)
            durations.append(image.info["duration"])
            assert (np.asarray(image.convert("RGB")) == frame).all()
    assert durations[:-1] == [100, 100]
    assert durations[-1] > 1000


def test_films_in_webp_keep_every_pixel(tmp_path: Path) -> None:
    frames = film(3)
    save_animation(tmp_path / "a.webp", frames, fps=10, spec_json=SPEC)
    with Image.open(tmp_path / "a.webp") as image:
        for index, frame in enumerate(frames):
            image.seek(index)
            assert (np.asarray(image.convert("RGB")) == frame).all()


def test_coloured_films_in_gif_share_one_palette(tmp_path: Path) -> None:
    still = RNG.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    frames = [np.concatenate([still, np.full((16, 16, 3), shade, np.uint8)]) for shade in (10, 120, 240)]
    save_animation(tmp_path / "a.gif", frames)
    observed = []
    with Image.open(tmp_path / "a.gif") as image:
        for index in range(3):
            image.seek(index)
            observed.append(np.asarray(image.convert("RGB"))[:16])
    # What does not move does not change its colour.
    assert (observed[0] == observed[1]).all()
    assert (observed[0] == observed[2]).all()
    assert np.abs(observed[0].astype(int) - still).mean() < 20


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_films_carry_the_spec(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for spec in (SPEC, ExperimentSpec(title="t" * 200).to_json()):
        save_animation(path, film(3), spec_json=spec)
        assert ExperimentSpec.from_json(read_picture_spec(path)) == ExperimentSpec.from_json(spec)
    save_animation(path, film(1))
    with pytest.raises(BadFile, match="carries no spec"):
        read_picture_spec(path)


def test_films_need_a_known_suffix_and_a_picture(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"choose a name in \.gif, \.webp or \.mp4"):
        save_animation(tmp_path / "a.avi", film(1))
    with pytest.raises(UserError, match="no picture to save yet"):
        save_animation(tmp_path / "a.gif", [])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: np.ndarray, **text: str) -> bytes:
    notes = PngInfo()
    for key, value in text.items():
        notes.add_text(key.replace("_", "-"), value)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=notes)
    return buffer.getvalue()


def test_text_after_the_pixels_is_found(tmp_path: Path) -> None:
    plain = png(np.zeros((2, 2), np.uint8))
    at = plain.index(b"IEND") - 4
    (tmp_path / "a.png").write_bytes(plain[:at] + chunk(b"tEXt", b"msd-spec\0{}") + plain[at:])
    assert read_picture_spec(tmp_path / "a.png") == "{}"


def hostile() -> dict[str, bytes]:
    plain = png(np.zeros((2, 2), np.uint8))
    huge = chunk(b"IHDR", struct.pack(">2I5B", 30_000, 30_000, 8, 2, 0, 0, 0))
    bomb = b"msd-spec\0\x01\0\0\0" + zlib.compress(bytes(50 * 2**20))
    at = plain.index(b"IDAT") - 4
    return {
        "no spec": plain,
        "empty": b"",
        "only the head": plain[:8],
        "too many pixels": plain[:8] + huge + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
        "text that swells": plain[:at] + chunk(b"iTXt", bomb) + plain[at:],
        "other format": b"BM" + bytes(100),
        "gif head": b"GIF89a" + b"\xff" * 20,
        "webp head": b"RIFF\x20\0\0\0WEBPVP8X" + b"\xff" * 20,
    }


@pytest.mark.parametrize("name", hostile())
def test_hostile_pictures_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "picture"
    path.write_bytes(hostile()[name])
    with pytest.raises(BadFile, match="picture") as caught:
        read_picture_spec(path)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("suffix", [".png", ".gif", ".webp"])
def test_cut_or_flipped_pictures_only_ever_raise_bad_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    frames = film(1)[:2]
    if suffix == ".png":
        save_png(path, frames[0], SPEC)
    else:
        save_animation(path, frames, spec_json=SPEC)
    whole = path.read_bytes()
    damaged = [whole[:end] for end in range(0, len(whole), 7)]
    damaged += [whole[:at] + bytes((whole[at] ^ 0xFF,)) + whole[at + 1 :] for at in range(0, len(whole), 7)]
    refused = 0
    for data in damaged:
        path.write_bytes(data)
        try:
            text = read_picture_spec(path)
        except BadFile:
            refused += 1
            continue
        assert isinstance(text, str)
    assert refused > 0


def test_jobs_end_with_the_path_they_wrote(tmp_path: Path) -> None:
    images = RNG.normal(size=(5, 1, 8, 8)).astype(np.float32)
    bars = Bars("weights", "mode", ("1", "2"), np.array([0.7, 0.3]), np.array([0.8, 0.2]))
    colours = {"exact": "#0000ff", "text": "#000000", "base": "#ffffff"}
    jobs = {
        "grid.png": save_figure(tmp_path / "grid.png", Grid("", images), colours, SPEC),
        "film.gif": save_film(tmp_path / "film.gif", grids(images, to_pixels(images)), 2, colours, SPEC, sheet=SMALL),
        "drawn.webp": save_film(tmp_path / "drawn.webp", iter([bars, bars]), 2, colours, SPEC, sheet=SMALL),
        "plot.png": save_figure(tmp_path / "plot.png", bars, colours, SPEC),
    }
    for name, job in jobs.items():
        last = list(job)[-1]
        assert isinstance(last, Finished)
        assert last.path == str(tmp_path / name)
        assert ExperimentSpec.from_json(read_picture_spec(last.path)) == ExperimentSpec.from_json(SPEC)
    assert isinstance(list(save_text(tmp_path / "loss.csv", "σ,ε\n"))[-1], Finished)
    assert (tmp_path / "loss.csv").read_text("utf-8") == "σ,ε\n"


def test_a_film_that_is_stopped_is_not_written(tmp_path: Path) -> None:
    frames = grids(*[RNG.normal(size=(4, 3, 8, 8))] * 15)
    job = save_film(tmp_path / "a.gif", frames, 15, {}, SPEC, sheet=SMALL)
    next(job)
    job.close()  # type: ignore[attr-defined]
    assert os.listdir(tmp_path) == []


def test_jobs_tell_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    images = np.zeros((1, 1, 8, 8), np.float32)
    for job in (save_figure(tmp_path / "a.png", Grid("", images), {}, SPEC), save_text(tmp_path / "a.csv", "")):
        last = list(job)[-1]
        assert isinstance(last, Failed)
        assert "the disk is full" in last.text
    assert os.listdir(tmp_path) == []

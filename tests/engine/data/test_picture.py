"""Pictures from files: every mode of Pillow, transparent grounds, deep greys, cameras held sideways."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from msd_engine.backend.errors import BadFile
from msd_engine.data.picture import layers, read_mask, read_picture

SHAPE = (1, 8, 8)
# A light bar on a dark ground, 8 pixels high, in the upper left quarter of what is else dark.
INK = np.zeros((64, 64), np.uint8)
INK[8:16, 8:48] = 255
AS_DATA = INK.reshape(8, 8, 8, 8).mean((1, 3))

ALL_MODES = (
    "1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr", "LAB", "HSV",
    "I", "I;16", "I;16L", "I;16B", "F",
)  # fmt: skip


def in_mode(mode, grey=INK):
    """Return the picture in a mode of Pillow."""
    image = Image.fromarray(grey)
    match mode:
        case "I;16L" | "I;16B":
            deep = (grey.astype(np.uint16) * 257).astype("<u2" if mode[-1] == "L" else ">u2")
            return Image.frombytes(mode, image.size, deep.tobytes())
        case "I;16":
            return Image.fromarray(grey.astype(np.uint16) * 257)
        case "I":
            return Image.fromarray(grey.astype(np.int32) * 257)
        case "F":
            return Image.fromarray(grey.astype(np.float32) / 255)
        case "La" | "RGBa":
            return image.convert(mode.upper()).convert(mode)
        case "LAB":
            return Image.merge("LAB", [image, *(Image.new("L", image.size, 128) for _ in range(2))])
        case "PA":
            return image.convert("P").convert("PA")
        case "HSV" | "YCbCr" | "CMYK":
            return image.convert("RGB").convert(mode)
    return image.convert(mode)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_a_picture_of_any_mode_shows_what_it_shows(mode):
    image = in_mode(mode)
    assert image.mode == mode
    colours, opacity = layers(image)
    assert opacity is None
    found = np.asarray(colours.convert("L")).astype(int)
    # Colours of paper and print are not exact.
    assert np.abs(found - INK).max() <= 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_of_any_mode_is_read_as_a_picture_and_as_a_mask(tmp_path, mode):
    in_mode(mode).save(tmp_path / "one.png")
    pixels, done = read_picture(tmp_path / "one.png", SHAPE)
    assert np.abs(pixels[0] - AS_DATA).max() < 60
    assert ("8 bits" in done) == mode.startswith("I")
    assert np.array_equal(read_mask(tmp_path / "one.png", SHAPE)[0], AS_DATA >= 128)
    colours, _ = read_picture(tmp_path / "one.png", (3, 8, 8))
    assert np.abs(colours - AS_DATA).max() < 60


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "I;16B", "F"]
)
def test_a_tiff_of_any_mode_is_read(tmp_path, mode):
    in_mode(mode).save(tmp_path / "one.tif")
    assert np.abs(read_picture(tmp_path / "one.tif", SHAPE)[0][0] - AS_DATA).max() < 60
    assert np.array_equal(read_mask(tmp_path / "one.tif", SHAPE)[0], AS_DATA >= 128)


@pytest.mark.parametrize("tone", [0, 60, 128, 200, 255])
@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBA", "RGBa", "P", "L", "RGB"])
def test_strokes_of_any_tone_on_a_transparent_ground_are_seen(tmp_path, mode, tone):
    """The hidden colour of the ground says nothing: it is that of the strokes."""
    full = Image.merge("LA", [Image.new("L", (64, 64), tone), Image.fromarray(INK)])
    kind = "png"
    match mode:
        case "P" | "PA":
            image = Image.fromarray((INK > 0).astype(np.uint8))
            image = Image.frombytes("P", image.size, image.tobytes())
            image.putpalette([tone] * 6)
            image.info["transparency"] = bytes((0, 255))
            if mode == "PA":
                image = image.convert("PA")
        case "L" | "RGB":
            key = 255 - tone if tone != 128 else 7
            image = Image.fromarray(np.where(INK > 0, np.uint8(tone), np.uint8(key))).convert(mode)
            image.info["transparency"] = key if mode == "L" else (key,) * 3
        case _:
            image = full.convert(mode.upper()).convert(mode)
            kind = "png" if mode.isupper() else "tif"
    if mode in ("La", "RGBa", "PA"):
        colours, opacity = layers(image)
        assert np.array_equal(np.asarray(opacity), INK)
        assert (np.asarray(colours.convert("L"))[INK > 0] == tone).all()
        return
    path = tmp_path / f"ink.{kind}"
    image.save(path)
    pixels, done = read_picture(path, SHAPE)
    # Grey strokes are as far from black as from white.
    strength = max(tone, 255 - tone) / 255
    assert np.abs(pixels[0] - AS_DATA * strength).max() < 60
    assert f"background made {'white' if tone < 128 else 'black'}" in done
    assert ("inverted" in done) == (tone < 128)
    colours, _ = read_picture(path, (3, 8, 8))
    assert np.abs(colours - np.where(AS_DATA > 0, tone, 255 if tone < 128 else 0)).max() < 60
    assert np.array_equal(read_mask(path, SHAPE)[0], AS_DATA >= 128)


def test_a_piece_of_paper_continues_in_its_own_colour(tmp_path):
    paper = np.full((64, 64), 250, np.uint8)
    paper[24:40, 24:40] = 10
    opacity = np.zeros((64, 64), np.uint8)
    opacity[12:52, 12:52] = 255
    Image.merge("LA", [Image.fromarray(paper), Image.fromarray(opacity)]).save(tmp_path / "cut.png")
    pixels, done = read_picture(tmp_path / "cut.png", SHAPE)
    assert "made white and its colours inverted" in done
    assert pixels[0, 0].max() < 30
    assert pixels[0, 3:5, 3:5].min() > 200


@pytest.mark.parametrize("most", [1, 200, 1000, 4095, 40_000, 65_535])
@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_deep_greys_are_scaled_by_their_range(tmp_path, most, kind):
    ramp = np.linspace(0, most, 64 * 64).round().reshape(64, 64).astype(kind)
    Image.fromarray(ramp).save(tmp_path / "deep.tif")
    colours, opacity = layers(Image.open(tmp_path / "deep.tif"))
    assert opacity is None
    found = np.asarray(colours).astype(float)
    assert found.min() == 0
    # White is the largest number that as many bits can hold; of fractions the largest of them.
    white = most if kind is np.float32 else 2 ** int(most).bit_length() - 1
    assert np.abs(found - ramp / white * 255).max() <= 0.5


def test_negative_and_infinite_greys_are_scaled_too():
    grey = np.array([[-2.0, 0.0], [2.0, np.inf], [np.nan, -np.inf]], np.float32)
    assert np.asarray(layers(Image.fromarray(grey))[0]).tolist() == [[0, 128], [255, 255], [0, 0]]


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_camera_held_sideways_is_turned_upright(tmp_path, turn):
    """For each orientation the picture is stored as such a camera stores it."""
    stored = {
        1: INK, 2: INK[:, ::-1], 3: INK[::-1, ::-1], 4: INK[::-1], 5: INK.T, 6: np.rot90(INK, 1),
        7: INK[::-1, ::-1].T, 8: np.rot90(INK, -1),
    }[turn]  # fmt: skip
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "one.jpg", exif=exif, quality=95)
    assert np.abs(read_picture(tmp_path / "one.jpg", SHAPE)[0][0] - AS_DATA).max() < 60
    assert np.array_equal(read_mask(tmp_path / "one.jpg", SHAPE)[0], AS_DATA >= 128)


@pytest.mark.parametrize("read", [read_picture, read_mask])
def test_what_is_wholly_transparent_is_refused_in_a_sentence(tmp_path, read):
    Image.new("RGBA", (9, 9)).save(tmp_path / "nothing.png")
    with pytest.raises(BadFile, match="fully transparent"):
        read(tmp_path / "nothing.png", SHAPE)


def test_a_mask_of_light_and_dark_keeps_what_is_transparent(tmp_path):
    marks = np.where(np.arange(64) < 32, 255, 0).astype(np.uint8) * np.ones((64, 1), np.uint8)
    opacity = np.where(np.arange(64) < 48, 255, 0).astype(np.uint8) * np.ones((64, 1), np.uint8)
    buffer = io.BytesIO()
    Image.merge("LA", [Image.fromarray(marks), Image.fromarray(opacity)]).save(buffer, "PNG")
    (tmp_path / "both.png").write_bytes(buffer.getvalue())
    marked, done = read_mask(tmp_path / "both.png", SHAPE)
    assert marked.tolist() == [[True] * 4 + [False] * 4] * 8
    assert not done

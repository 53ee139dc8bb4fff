"""Files of chains in the plane and of denoised pictures give back what they show."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from msd_engine.backend.errors import BadFile
from msd_engine.cli.main import main
from msd_engine.events import Denoised, Failed, Restored, RestoredImages, RestoredPoints, Samples
from msd_engine.events.figures import Grid, Sheet
from msd_engine.events.plots import Plane
from msd_engine.jobs.files.restore import restore
from msd_engine.jobs.files.save import save_figure, save_samples
from msd_engine.jobs.pictures.denoise import denoise
from msd_engine.jobs.sampling.sample import sample
from msd_engine.runs.pictures import POINTS_KEY, SPEC_KEY, TILES_KEY, read_content, to_pixels
from msd_engine.specs import (
    DrawnBy,
    ExperimentSpec,
    for_job,
    load_preset,
    model_folder,
    pretrained_for,
    weights_of,
    with_weights,
)

SPEC = load_preset("two-gaussians").replace_all(
    {"sampling.levels": 3, "sampling.steps_per_level": 2, "sampling.chains": 7}
)
PALETTE = dict.fromkeys(("base", "text", "exact", "learned", "density", "data", "chosen"), "#888888")
LOST = DrawnBy(run="mine", step=5, sha256="0" * 64)
SMALL = Sheet(60, 100)


def opened(path: Path) -> tuple[Restored, RestoredImages | RestoredPoints | None]:
    events = list(restore(path, path.parent))
    assert not [event for event in events if isinstance(event, Failed)], events
    (restored,) = [event for event in events if isinstance(event, Restored)]
    content = [event for event in events if isinstance(event, RestoredImages | RestoredPoints)]
    return restored, content[0] if content else None


@pytest.fixture(scope="module")
def drawn() -> Samples:
    (samples,) = [event for event in sample(SPEC, device="cpu") if isinstance(event, Samples)]
    return samples


def files_of(drawn: Samples, folder: Path, spec_json: str) -> list[Path]:
    means = drawn.y.mean(axis=1, dtype=np.float64).astype(np.float32)
    list(save_figure(folder / "plane.png", Plane(heads=means), PALETTE, spec_json, sheet=SMALL))
    list(save_samples(folder / "states.npz", drawn.x_hat, drawn.y, drawn.seed, spec_json))
    return [folder / "plane.png", folder / "states.npz"]


def test_a_file_gives_back_the_positions_of_its_chains(drawn: Samples, tmp_path: Path) -> None:
    for path in files_of(drawn, tmp_path, drawn.spec_json):
        restored, points = opened(path)
        assert ExperimentSpec.from_json(restored.spec_json) == SPEC
        assert isinstance(points, RestoredPoints)
        np.testing.assert_array_equal(points.points, drawn.y.mean(axis=1, dtype=np.float64).astype(np.float32))
        # The exact score with this seed draws them again.
        assert points.again
        assert not points.trouble
        (same,) = [event for event in sample(ExperimentSpec.from_json(points.spec_json)) if isinstance(event, Samples)]
        np.testing.assert_array_equal(same.y, drawn.y)


def test_chains_of_a_network_that_is_gone_cannot_be_drawn_again(drawn: Samples, tmp_path: Path) -> None:
    spec_json = with_weights(SPEC.replace("sampling.source", "trained").to_json(), LOST)
    for path in files_of(drawn, tmp_path, spec_json):
        _, points = opened(path)
        assert isinstance(points, RestoredPoints)
        assert not points.again
        assert "not among your runs any more" in points.trouble
        assert weights_of(points.spec_json) == LOST


def test_chains_of_another_generator_of_random_numbers_are_not_drawn_again(drawn: Samples, tmp_path: Path) -> None:
    older = json.dumps(json.loads(drawn.spec_json) | {"generator": "older"})
    for path in files_of(drawn, tmp_path, older):
        _, points = opened(path)
        assert isinstance(points, RestoredPoints)
        assert not points.again


def test_an_empty_plane_and_older_pictures_give_back_settings_alone(tmp_path: Path) -> None:
    list(save_figure(tmp_path / "a.png", Plane(), PALETTE, SPEC.to_json(), sheet=SMALL))
    restored, content = opened(tmp_path / "a.png")
    assert content is None
    assert ExperimentSpec.from_json(restored.spec_json) == SPEC


@pytest.mark.parametrize(
    ("key", "noted"),
    [
        (POINTS_KEY, [[1.0, float("nan")]]),
        (POINTS_KEY, [[1.0, 2.0], [3.0]]),
        (POINTS_KEY, []),
        (POINTS_KEY, {"a": 1}),
        (POINTS_KEY, [["x", "y"]]),
        (POINTS_KEY, [[1e300, 0]]),
        (TILES_KEY, {"names": ["a", "b"]}),
        (TILES_KEY, {"names": [3]}),
        (TILES_KEY, {"names": 4}),
    ],
)
def test_damaged_notes_are_refused(tmp_path: Path, key: str, noted: object) -> None:
    tiles = {"count": 1, "channels": 1, "height": 2, "width": 2, "scale": 1, "left": [0], "top": [0]}
    notes, buffer = PngInfo(), io.BytesIO()
    notes.add_itxt(SPEC_KEY, SPEC.to_json())
    notes.add_itxt(key, json.dumps(tiles | noted if key == TILES_KEY and isinstance(noted, dict) else noted))
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(buffer, "PNG", pnginfo=notes)
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    with pytest.raises(BadFile):
        read_content(tmp_path / "a.png")


# -- denoised pictures -------------------------------------------------------------------------------------------------

DIGITS = load_preset("digits-exact").replace("training.k", 2)


def test_a_denoised_picture_gives_back_x_its_mean_copy_and_its_estimate(tmp_path: Path) -> None:
    (found,) = [event for event in denoise(DIGITS, device="cpu") if isinstance(event, Denoised)]
    three = np.stack([found.x, found.copies.y_mean, found.copies.x_hat])
    figure, spec_json = Grid("", three, 3, above=("x", "ȳ", "x̂")), for_job(found.spec_json, "denoise")
    list(save_figure(tmp_path / "a.png", figure, PALETTE, spec_json, sheet=SMALL))
    flags = ["--data.name", "digits", "--sampling.source", "exact", "--k", "2"]
    out = ["--out", str(tmp_path / "b.npz"), "--grid", str(tmp_path / "b.png")]
    assert main(["run", "digits-exact", "--job", "denoise", *flags, *out]) == 0
    for name, images in (("a.png", 3), ("b.npz", 3), ("b.png", 5)):
        restored, content = opened(tmp_path / name)
        assert restored.job == "denoise"
        assert isinstance(content, RestoredImages)
        assert content.names[:3] == ("x", "ȳ", "x̂")
        assert len(content.images) == images
        np.testing.assert_array_equal(content.images[:3], to_pixels(three))


def test_a_denoised_picture_names_its_network() -> None:
    spec = DIGITS.replace_all({"sampling.source": "trained", "training.k": 8})
    card = pretrained_for(spec)
    assert card is not None
    model = model_folder(card.name)
    (found,) = [event for event in denoise(spec, run_dir=model, device="cpu") if isinstance(event, Denoised)]
    weights = weights_of(found.spec_json)
    assert weights is not None
    assert weights.run == card.name

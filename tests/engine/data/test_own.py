"""The user's own pictures: folders with classes, arrays, odd and hostile files, and a run that has learned them."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.data.images import load_images
from msd_engine.data.own import LEAST, OF_RUNS, OwnPictures, keep, load_kept, read_own
from msd_engine.events import Event, Failed, Finished, Neighbours, Notice, Restored, Samples
from msd_engine.jobs.factory.loaded import is_loaded, loaded_images
from msd_engine.jobs.files.restore import restore
from msd_engine.jobs.pictures.own import suited
from msd_engine.jobs.quality.features import prepared_features
from msd_engine.jobs.quality.nearest import nearest
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.metrics.features.choose import kept_network
from msd_engine.runs.layout import MANIFEST, SWEEP
from msd_engine.runs.run import Run
from msd_engine.runs.samples import save_samples
from msd_engine.specs import ExperimentSpec, ImagesSpec, SpecError, load_preset
from msd_engine.specs.experiment import misfits, same_network


def own(path: Path, **fields: object) -> ImagesSpec:
    return ImagesSpec.from_fields({"name": "folder", "path": str(path), "size": 8, "channels": "grey"} | fields)


def fill(folder: Path, count: int = LEAST, *, colour: tuple[int, int, int] = (200, 200, 200), name: str = "p") -> None:
    """Write pictures, each with a square of its own brightness."""
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(count):
        image = Image.new("RGB", (20, 16), colour)
        image.paste((place, place, place), (4, 4, 12, 12))
        image.save(folder / f"{name}{place:03d}.png")


def test_subfolders_are_classes_and_the_split_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        fill(tmp_path / name)
    images = load_images(own(tmp_path, held_out=0.25))
    assert images.class_names == ("cats", "dogs")
    assert (len(images.train), len(images.test)) == (30, 10)
    assert images.train.shape[1:] == (1, 8, 8)
    assert set(images.train_labels.tolist()) == {0, 1}
    again = load_images(own(tmp_path, held_out=0.25))
    assert torch.equal(again.train, images.train)
    assert again.digest == images.digest
    # Beside subfolders, single pictures make no classes.
    fill(tmp_path, 1)
    mixed = load_images(own(tmp_path))
    assert mixed.class_names == ()
    assert mixed.digest != images.digest


def test_what_is_cached_is_what_was_read_and_a_damaged_cache_is_read_anew(tmp_path: Path, cache_dir: Path) -> None:
    fill(tmp_path / "set")
    (tmp_path / "set" / "broken.png").write_bytes(b"nonsense")
    first = read_own(own(tmp_path / "set"))
    (cached,) = (cache_dir / "pictures").iterdir()
    second = read_own(own(tmp_path / "set"))
    np.testing.assert_array_equal(first.images, second.images)
    assert first.refused == second.refused
    assert first.refused[0][0] == "broken.png"
    cached.write_bytes(cached.read_bytes()[:-20])
    np.testing.assert_array_equal(read_own(own(tmp_path / "set")).images, first.images)
    read_own(own(tmp_path / "set", size=16))
    assert len(list((cache_dir / "pictures").iterdir())) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": np.full(30, 2)},
        {"labels": np.full(30, -1)},
        {"labels": np.zeros(30, np.int32)},
        {"labels": np.zeros((30, 1), np.int64)},
        {"labels": np.ones(30, np.int64), "class_names": ()},
        {"class_names": ("alone",)},
        {"images": np.zeros((30, 1, 8, 8), np.int16)},
        {"images": np.zeros((30, 3, 8, 8), np.uint8)},
        {"digest": "1" * 64},
    ],
)
def test_a_cache_with_other_content_is_not_used(wrong: dict[str, Any], tmp_path: Path) -> None:
    path, spec = tmp_path / "kept", own(tmp_path)
    right = OwnPictures(np.zeros((30, 1, 8, 8), np.uint8), np.arange(30) % 2, ("a", "b"), "0" * 64, ())
    keep(path, right)
    assert load_kept(path, right.digest, spec) is not None
    keep(path, dataclasses.replace(right, **wrong))
    assert load_kept(path, right.digest, spec) is None


def odd_pictures() -> dict[str, tuple[bytes, object]]:
    """Return files by name, each with its grey level in the middle, or a word of the reason why it is refused."""

    def packed(image: Image.Image, form: str, **options: object) -> bytes:
        file = io.BytesIO()
        image.save(file, form, **options)
        return file.getvalue()

    left_dark = Image.new("L", (32, 16), 255)
    left_dark.paste(0, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    clear.paste((10, 10, 10, 255), (4, 4, 12, 12))
    deep = Image.fromarray(np.full((16, 16), 40_000, np.uint16))
    palette = Image.new("RGB", (16, 16), (120, 120, 120)).quantize(4)
    return {
        "cmyk.jpg": (packed(Image.new("CMYK", (16, 16), (0, 0, 0, 128)), "JPEG", quality=95), 127),
        "deep.png": (packed(deep, "PNG"), 156),
        "palette.png": (packed(palette, "PNG"), 120),
        "alpha.png": (packed(clear, "PNG"), 10),
        "photo.webp": (packed(Image.new("RGB", (16, 16), (90, 90, 90)), "WEBP", lossless=True), 90),
        "old.bmp": (packed(Image.new("L", (9, 9), 33), "BMP"), 33),
        "turned.jpg": (packed(left_dark, "JPEG", exif=exif, quality=95), None),
        "cut.png": (packed(Image.new("L", (64, 64), 9), "PNG")[:60], "cut or damaged"),
        "text.png": (b"Dear picture,", "cut or damaged"),
        "empty.png": (b"", "cut or damaged"),
        "nothing.png": (packed(Image.new("RGBA", (8, 8)), "PNG"), "fully transparent"),
        "huge.png": (packed(Image.new("1", (9000, 9000)), "PNG"), "too many"),
    }


def test_odd_pictures_are_read_right_or_left_out_with_the_reason(tmp_path: Path) -> None:
    fill(tmp_path)
    files = odd_pictures()
    for name, (content, _) in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / ".hidden.png").write_bytes(b"nonsense")
    (tmp_path / "notes.txt").write_text("not a picture")
    found = read_own(own(tmp_path, size=16))
    reasons = dict(found.refused)
    assert reasons.keys() == {name for name, (_, wanted) in files.items() if isinstance(wanted, str)}
    for name, (_, wanted) in files.items():
        if isinstance(wanted, str):
            assert wanted in reasons[name]
        elif wanted is not None:
            nearest = np.abs(found.images[:, 0, 8, 8].astype(int) - wanted).min()
            assert nearest <= 3, name
    # The dark half lies at the top after the turn that the file asks for.
    turned = [one[0] for one in found.images if one[0, 0, 8] < 10 and one[0, 15, 8] > 245]
    assert len(turned) == 1


@pytest.mark.parametrize(("count", "sentence"), [(0, "holds 0 usable"), (LEAST - 1, "needs at least 20")])
def test_too_few_pictures_are_refused_with_the_number(count: int, sentence: str, tmp_path: Path) -> None:
    fill(tmp_path / "set", count)
    with pytest.raises(BadFile, match=sentence):
        read_own(own(tmp_path / "set"))


def test_a_missing_folder_and_none_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="is missing; expected a folder"):
        read_own(own(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="Choose your pictures first"):
        read_own(ImagesSpec(name="folder"))


def test_fields_of_own_pictures_are_absent_for_other_sets() -> None:
    digits = load_preset("digits-30s")
    with pytest.raises(SpecError, match=r"no field data\.path here"):
        digits.replace("data.path", "x")
    spec = digits.replace_all({"data.name": "folder", "data.path": "x", "data.size": 16, "data.channels": "grey"})
    assert spec.data.shape == (1, 16, 16)
    assert ExperimentSpec.from_json(spec.to_json()) == spec
    back = spec.replace("data.name", "digits")
    assert back.data == digits.data
    assert "path" not in back.to_json()


def notices_of(events: Iterable[Event]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Notice))


def test_images_in_memory_are_those_of_the_folder(tmp_path: Path) -> None:
    fill(tmp_path / "mine")
    spec = own(tmp_path / "mine")
    first = loaded_images(spec)
    assert loaded_images(spec.model_copy(update={"digest": first.digest})) is first
    fill(tmp_path / "mine", 3, colour=(90, 0, 0), name="q")
    assert not is_loaded(spec, None)
    assert len(loaded_images(spec).train) > len(first.train)


@pytest.mark.parametrize(
    ("count", "side", "channels", "said"),
    [
        (300, 12, "grey", ("300 pictures, 12 × 12", "has 12 pixels)", "in grey", "width 16", "1 min", "32 so few")),
        (5000, 500, "colour", ("32 × 32", "larger ones than 32", "in colour", "width 32", "10 min", "64 so many")),
        (5000, 28, "grey", ("28 × 28", "in grey", "width 24", "2 min")),
    ],
)
def test_settings_suit_the_pictures_and_give_their_reasons(
    count: int, side: int, channels: str, said: tuple[str, ...], tmp_path: Path
) -> None:
    spec, sentence = suited(own(tmp_path, size=min(32, side), channels=channels), count, side)
    assert all(part in sentence for part in said), sentence
    assert f"width {spec.network.width} and {spec.training.seconds / 60:g} min" in sentence
    assert f"batches of {spec.training.batch} " in sentence
    assert not spec.training.flips


def test_a_folder_opens_as_an_experiment_that_is_trained_and_remembers_its_pictures(tmp_path: Path) -> None:
    folder, path = tmp_path / "mine", tmp_path / "run"
    fill(folder, 40, colour=(250, 20, 20))
    (folder / "broken.png").write_bytes(b"nonsense")
    events = list(restore(folder))
    assert isinstance(events[-1], Finished), events[-1]
    (restored,) = [event for event in events if isinstance(event, Restored)]
    (left_out,) = [event for event in events if isinstance(event, Notice)]
    assert "1 of the pictures was left out (broken.png" in left_out.text
    assert left_out.details.startswith("broken.png: it ")
    assert "40 pictures, 16 × 16 (the smaller side of most has 16 pixels), in colour" in events[-1].text
    spec = ExperimentSpec.from_json(restored.spec_json)
    assert (spec.title, spec.data.channels, spec.data.size) == ("mine", "colour", 16)
    few = {"data.size": 8, "training.steps": 2, "training.seconds": 0.0, "training.batch": 4, "network.width": 8}
    few |= {"network.embedding": 16, "training.precision": "float32", "sampling.chains": 2, "sampling.levels": 2}
    spec = spec.replace_all(few)
    assert isinstance(list(train(spec, path, device="cpu", threads=1))[-1], Finished)
    trained = Run.open(path).spec
    assert len(trained.data.digest) == 64
    assert same_network(trained, spec)
    assert misfits(trained, spec) == ()
    elsewhere = spec.replace("data.path", str(tmp_path / "other"))
    assert misfits(trained, elsewhere) == ("data",)
    fill(folder, 1, name="new")
    notices = [e.text for e in train(None, path, resume=True, device="cpu", threads=1) if isinstance(e, Notice)]
    assert any("have changed since this run began" in text for text in notices)
    by_run = trained.replace("sampling.source", "trained")
    assert "have changed since this network learned them" in notices_of(sample(by_run, run_dir=path, device="cpu"))
    (folder / "new000.png").unlink()
    assert "have changed" not in notices_of(sample(by_run, run_dir=path, device="cpu"))
    for file in folder.iterdir():
        file.unlink()
    # Sampling needs the network alone.
    drawn = list(sample(trained, run_dir=path, device="cpu"))
    assert any(isinstance(event, Samples) for event in drawn)
    assert isinstance(drawn[-1], Finished)
    assert isinstance(list(train(spec, tmp_path / "again", device="cpu", threads=1))[-1], Failed)
    assert not (tmp_path / "again").exists()


def restored(path: Path) -> ExperimentSpec:
    """Open a file or folder as the window does."""
    events = list(restore(path))
    assert isinstance(events[-1], Finished), events[-1]
    (found,) = [event for event in events if isinstance(event, Restored)]
    return ExperimentSpec.from_json(found.spec_json)


def test_an_array_opens_as_what_its_dimensions_say(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "points.npy", rng.random((30, 2)))
    np.save(tmp_path / "grey.npy", rng.random((30, 8, 8)))
    np.save(tmp_path / "colour.npy", rng.integers(0, 255, (30, 8, 8, 3)).astype(np.uint8))
    np.savez(tmp_path / "pictures.npz", a=rng.random(5), images=rng.random((30, 8, 8)))
    spec = load_preset("digits-30s")
    save_samples(
        tmp_path / "samples.npz", np.zeros((4, 1, 8, 8), "f4"), np.zeros((4, 2, 1, 8, 8), "f4"), 7, spec.to_json()
    )
    assert restored(tmp_path / "points.npy").data.name == "points"
    assert restored(tmp_path / "grey.npy").data.channels == "grey"
    assert restored(tmp_path / "colour.npy").data.channels == "colour"
    assert restored(tmp_path / "pictures.npz").data.path == str(tmp_path / "pictures.npz")
    assert restored(tmp_path / "samples.npz") == spec


def test_folders_of_runs_are_no_pictures(tmp_path: Path) -> None:
    assert set(OF_RUNS) == {MANIFEST, SWEEP}
    fill(tmp_path / "runs" / "one")
    assert restored(tmp_path / "runs").data.name == "folder"
    Run.create(tmp_path / "runs" / "run", load_preset("digits-30s"), device="cpu")
    fill(tmp_path / "runs" / "run", name="q")
    assert len(read_own(own(tmp_path / "runs")).images) == LEAST
    assert restored(tmp_path / "runs" / "run") == load_preset("digits-30s")
    for path in (tmp_path / "runs" / "one").iterdir():
        path.unlink()
    assert isinstance(list(restore(tmp_path / "runs"))[-1], Failed)


def test_pictures_without_classes_have_nearest_ones(tmp_path: Path) -> None:
    fill(tmp_path / "mine")
    spec = load_preset("digits-30s").replace("data", own(tmp_path / "mine"))
    *_, found, last = nearest(spec, np.zeros((1, 8, 8), np.float32), device="cpu")
    assert isinstance(last, Finished), last
    assert isinstance(found, Neighbours)
    assert set(found.labels) == {""}


def test_grey_pictures_with_classes_are_measured_by_their_own_classifier(tmp_path: Path) -> None:
    device = torch.device("cpu")
    fill(tmp_path / "mine" / "dark", 30, colour=(10, 10, 10))
    fill(tmp_path / "mine" / "light", 30)
    spec = own(tmp_path / "mine")
    assert kept_network("folder", None, device, load_images(spec)) is None
    assert "Training the classifier" in notices_of(prepared_features("folder", None, device, images=load_images(spec)))
    # The next measurement trains none, and other pictures ask for another.
    network = kept_network("folder", None, device, load_images(spec))
    assert network is not None
    assert network.name.startswith("Own classifier")
    assert network.class_names == ("dark", "light")
    fill(tmp_path / "mine" / "dark", 20, name="q")
    assert kept_network("folder", None, device, load_images(spec)) is None


def test_the_shapes_come_with_the_program() -> None:
    images = load_images(ImagesSpec(name="shapes"))
    assert images.train.shape == (3600, 3, 32, 32)
    assert len(images.test) == 400
    assert images.class_names == ("circle", "square", "triangle", "star")
    assert torch.bincount(images.train_labels).min() > 800

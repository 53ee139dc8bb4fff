"""Files changed at random are read or refused in one sentence; nothing in them is ever carried out."""

from __future__ import annotations

import contextlib
import random
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_files import write_cifar_set, write_idx_set
from mutators import (
    Mutator,
    flipped,
    idx_changed,
    inside_gz,
    json_changed,
    line_changed,
    npz_changed,
    png_changed,
    safetensors_changed,
)
from saves import OWN, SPEC, judged, own_pictures, points, save_film

from msd_engine.backend.errors import UserError
from msd_engine.data.arrays import holds_pictures, read_array
from msd_engine.data.images import load_images
from msd_engine.data.own import keep, load_kept
from msd_engine.events import Failed, Finished
from msd_engine.jobs.files.save import save_text
from msd_engine.jobs.noise.comparison_files import PLAN as NOISES
from msd_engine.jobs.noise.comparison_files import read_cell, read_plan
from msd_engine.jobs.training.recall import measured_again
from msd_engine.jobs.training.train import train
from msd_engine.jobs.tune.journal import Journal
from msd_engine.runs.layout import (
    EARLIER,
    FIGURES,
    MANIFEST,
    METRICS,
    NOTES,
    RESULT,
    STATE,
    SWEEP,
    THUMBNAIL,
    TUNE,
    WEIGHTS,
)
from msd_engine.runs.notes import Notes, add_figures, read_figures, read_notes, write_notes
from msd_engine.runs.pictures import save_png
from msd_engine.runs.restoring import read_spec
from msd_engine.runs.rows import read_row
from msd_engine.runs.run import Run
from msd_engine.runs.samples import load_samples, save_samples
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.runs.thumbnails import read_thumbnail, save_thumbnail
from msd_engine.specs import ImagesSpec, SweepSpec, load_preset, training_hash
from msd_engine.specs.reproduction import NoiseCell, NoisesFolder, NoisesSpec
from msd_engine.specs.sweep import SweepResult

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
LONGEST_SENTENCE = 1200
WARM_UP = 60
# What would carry out something that a file says, or bring it from elsewhere.
FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.remove", "os.rename", "os.mkdir",
    "subprocess.Popen", "socket.connect", "socket.bind", "urllib.Request", "pickle.find_class", "marshal.loads",
    "ctypes.dlopen", "exec", "import", "code.__new__",
)  # fmt: skip


class Watch:
    """Notes what the interpreter is about to do while it is on; an audit hook cannot be taken away again."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        self._thread = threading.get_ident()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on or threading.get_ident() != self._thread:
            return
        if event == "import" and str(arguments[0]).startswith("encodings."):
            # A text in another encoding, whose decoder comes with Python.
            return
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        if (event in FORBIDDEN or writes) and not self._is_import():
            self.seen.append(f"{event} {arguments!r:.200}")

    def _is_import(self) -> bool:
        """Return whether the interpreter reads a module that is installed: that it is imported was heard before."""
        frame = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename.startswith("<frozen"):
            if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
                return True
            frame = frame.f_back
        return False


WATCH = Watch()


@dataclass(frozen=True)
class Format:
    """A kind of file that is read.

    Attributes:
        name: Its path below the folder.
        mutate: Change it by what it is made of; bytes are flipped in every second one.
        read: Reads the folder by all that read this file.
    """

    name: str
    mutate: Mutator
    read: Callable[[Path], object]


def run_of(root: Path) -> Run:
    return Run.open(root / "run")


def images(name: str) -> Callable[[Path], object]:
    return lambda root: load_images(ImagesSpec(name=name), root / "data")


def kept_pictures(root: Path) -> None:
    found = load_kept(root / "kept.safetensors", "0" * 64, OWN)
    if found is None:
        raise UserError("The pictures are read again.")
    np.testing.assert_array_equal(found.images, own_pictures(3).images)
    np.testing.assert_array_equal(found.labels, own_pictures(3).labels)


LIKE: dict[str, torch.Tensor] = {}


PLAN = SweepSpec(base=load_preset("ncsn-toy"), ks=(1, 2), seeds=(0,))
FIRST = f"runs/{training_hash(PLAN.children()[0].spec)}"
FORMATS = {
    "state": Format(f"run/{STATE}", safetensors_changed, lambda root: run_of(root).load_state(LIKE)),
    "weights": Format(f"run/{WEIGHTS}", safetensors_changed, lambda root: run_of(root).load_weights()),
    "earlier": Format(f"run/{EARLIER}", safetensors_changed, lambda root: run_of(root).load_earlier()),
    "weights in a list": Format(f"run/{WEIGHTS}", safetensors_changed, lambda root: read_row(root / "run", root)),
    "manifest": Format(f"run/{MANIFEST}", json_changed, lambda root: (read_row(root / "run", root), run_of(root))),
    "metrics": Format(
        f"run/{METRICS}", line_changed, lambda root: (list(measured_again(run_of(root))), read_row(root / "run", root))
    ),
    "notes": Format(
        f"run/{NOTES}", json_changed, lambda root: (read_row(root / "run", root), read_notes(root / "run"))
    ),
    "figures": Format(
        f"run/{FIGURES}", json_changed, lambda root: (read_row(root / "run", root), read_figures(root / "run"))
    ),
    "thumbnail": Format(f"run/{THUMBNAIL}", png_changed, lambda root: read_thumbnail(root / "run")),
    "sweep": Format(SWEEP, json_changed, lambda root: SweepFolder.open(root)),
    "sweep result": Format(f"{FIRST}/{RESULT}", json_changed, lambda root: SweepFolder.open(root).results()),
    "noises": Format(NOISES, json_changed, lambda root: read_plan(root / NOISES)),
    "figures by noise": Format("white-seed0-3.json", json_changed, lambda root: read_cell(root / "white-seed0-3.json")),
    "search": Format(TUNE, line_changed, lambda root: Journal(root / TUNE, "one")),
    "samples": Format("a.npz", npz_changed, lambda root: load_samples(root / "a.npz")),
    "spec of samples": Format("a.npz", npz_changed, lambda root: read_spec(root / "a.npz")),
    "preset": Format("a.json", json_changed, lambda root: read_spec(root / "a.json")),
    "png": Format("a.png", png_changed, lambda root: read_spec(root / "a.png")),
    "gif": Format("a.gif", flipped, lambda root: read_spec(root / "a.gif")),
    "webp": Format("a.webp", flipped, lambda root: read_spec(root / "a.webp")),
    "images": Format("data/mnist/train-images-idx3-ubyte.gz", inside_gz(idx_changed), images("mnist")),
    "labels": Format("data/mnist/t10k-labels-idx1-ubyte.gz", inside_gz(idx_changed), images("mnist")),
    "own pictures": Format("own.npz", npz_changed, lambda root: read_array(root / "own.npz")),
    "array": Format("own.npy", flipped, lambda root: (holds_pictures(root / "own.npy"), read_array(root / "own.npy"))),
    "kept pictures": Format("kept.safetensors", safetensors_changed, kept_pictures),
    "colour images": Format("data/cifar-10-batches-bin/test_batch.bin", flipped, images("cifar-10")),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each kind of file."""
    root = tmp_path_factory.mktemp("files")
    *_, finished = train(points(4), root / "run", device="cpu")
    assert isinstance(finished, Finished)
    LIKE.update(run_of(root).load_state().tensors)
    write_notes(root / "run", Notes(name="one", note="two", tags=("a", "b")))
    add_figures(root / "run", {"yield": 0.5, "distance": 2.0, "distance_features": "some"})
    save_thumbnail(root / "run", PIXELS)
    plan = SweepFolder.create(root, PLAN)
    with plan.claimed("k1-seed0"):
        ended = {"status": "finished", "text": "", "error": 1.0, "band_error": (1.0, 2.0), "band_sigma_eff": (0.1, 1.0)}
        common = {"name": "k1-seed0", "k": 1, "seed": 0, "modes": ("same-sigma",)}
        plan.save_result(SweepResult.from_fields(common | ended))
    noises = NoisesSpec(base=load_preset("noise-digits"), chains=10)
    (root / NOISES).write_text(NoisesFolder(asked=noises, settled=noises).to_json())
    words = {"features": "some", "figures": {"kernel": 1.0}, "titles": {"kernel": "Kernel distance"}}
    cell = NoiseCell.from_fields({"noise": "white", "seed": 0, "steps": 3} | words)
    (root / "white-seed0-3.json").write_text(cell.to_json())
    for candidate in (1, 2, 3):
        Journal(root / TUNE, "one").add(judged(candidate))
    x = np.ones((4, 2), np.float32)
    save_samples(root / "a.npz", x, x[:, None], 7, SPEC.to_json())
    own = own_pictures(3)
    keep(root / "kept.safetensors", own)
    np.save(root / "own.npy", own.images[:, 0])
    np.savez(root / "own.npz", images=own.images[:, 0], labels=own.labels, class_names=np.array(own.class_names))
    list(save_text(root / "a.json", text=SPEC.to_json()))
    save_png(root / "a.png", PIXELS, SPEC.to_json())
    for suffix in ("gif", "webp"):
        save_film(root / f"a.{suffix}", SPEC)
    write_idx_set(root / "data" / "mnist")
    write_cifar_set(root / "data" / "cifar-10-batches-bin", batches=5)
    return root


def mutations(form: Format, data: bytes, count: int, seed: str) -> Iterator[bytes]:
    drawn = random.Random(seed)
    for place in range(count):
        yield (flipped if place % 2 else form.mutate)(drawn, data)


COUNTS = [500, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_changed_is_read_or_refused_in_one_sentence(name: str, count: int, files: Path) -> None:
    form = FORMATS[name]
    path = files / form.name
    data = path.read_bytes()
    # Read once before it is watched: whatever is imported where it is used is imported now.
    form.read(files)
    # So is what is imported for something that is damaged.
    for changed in mutations(form, data, WARM_UP, "warm up"):
        path.write_bytes(changed)
        with contextlib.suppress(UserError):
            form.read(files)
    sentences: list[str] = []
    WATCH.seen.clear()
    try:
        for changed in mutations(form, data, count, name):
            path.write_bytes(changed)
            WATCH.on = True
            try:
                form.read(files)
            except UserError as error:
                sentences.append(str(error))
            finally:
                WATCH.on = False
    finally:
        path.write_bytes(data)
    assert not WATCH.seen
    # Lists say what is wrong and go on; a small picture is shown as it is.
    assert not [sentence for sentence in sentences if "\n" in sentence or len(sentence) > LONGEST_SENTENCE]
    assert len(sentences) > count // 10 or name in ("metrics", "search", "weights in a list", "thumbnail")


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
@pytest.mark.parametrize("name", ["state", "weights", "metrics", "manifest"])
def test_a_changed_run_is_resumed_or_refused_in_one_sentence(
    name: str, count: int, files: Path, tmp_path: Path
) -> None:
    form = FORMATS[name]
    kept = {path.name: path.read_bytes() for path in (files / "run").iterdir() if path.is_file()}
    place = tmp_path / "run"
    place.mkdir()
    ended = set()
    for changed in mutations(form, kept[Path(form.name).name], count, f"resumed {name}"):
        for known, data in {**kept, Path(form.name).name: changed}.items():
            (place / known).write_bytes(data)
        *_, last = train(None, place, resume=True, device="cpu")
        assert isinstance(last, Finished | Failed)
        ended.add(type(last))
        if name in ("weights", "metrics"):
            # Neither bars a run: what is whole is in the state.
            assert isinstance(last, Finished)
            assert Run.open(place).load_weights().step == 4
    assert ended


def test_a_changed_bit_of_the_weights_is_found(files: Path) -> None:
    """Wherever it lies: in the numbers, the header or the text beside them."""
    path = files / "run" / WEIGHTS
    data = path.read_bytes()
    like = run_of(files).load_weights().tensors
    drawn = random.Random(0)
    missed = []
    try:
        for _ in range(300):
            changed = bytearray(data)
            place = drawn.randrange(len(data))
            changed[place] ^= 1 << drawn.randrange(8)
            path.write_bytes(changed)
            try:
                found = run_of(files).load_weights(like).tensors
            except UserError:
                continue
            if not all(torch.equal(found[key], value) for key, value in like.items()):
                missed.append(place)
    finally:
        path.write_bytes(data)
    assert not missed


def test_the_watch_sees_what_a_file_would_carry_out(tmp_path: Path) -> None:
    WATCH.seen.clear()
    WATCH.on = True
    try:
        exec("1 + 1")  # noqa: S102 - it is to be seen
        __import__("this_does_not_exist")
    except ImportError:
        (tmp_path / "a").open("w").close()
    finally:
        WATCH.on = False
    seen, WATCH.seen = WATCH.seen, []
    assert [event.split()[0] for event in seen] == ["exec", "import", "open"]

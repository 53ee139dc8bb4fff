"""Every kind of save: what is there before, what saves, and what must be found afterwards, whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import write_atomically
from msd_engine.backend.tensors import read_notes as texts_beside
from msd_engine.data.own import OwnPictures, keep, load_kept
from msd_engine.events import Failed
from msd_engine.jobs.files.save import save_text
from msd_engine.jobs.tune.journal import Journal
from msd_engine.runs.layout import MANIFEST, METRICS, TUNE, WEIGHTS
from msd_engine.runs.log import flush
from msd_engine.runs.notes import Notes, add_figures, read_figures, read_notes, write_notes
from msd_engine.runs.pictures import encode_animation, save_png
from msd_engine.runs.remote.mirror import Mirror
from msd_engine.runs.restoring import read_spec
from msd_engine.runs.run import Run
from msd_engine.runs.samples import load_samples, save_samples
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.runs.thumbnails import read_thumbnail, save_thumbnail
from msd_engine.specs import ExperimentSpec, ImagesSpec, SweepSpec, load_preset
from msd_engine.specs.search.tune import TuneLine
from msd_engine.specs.sweep import SweepResult

SPEC = ExperimentSpec(title="before")
OTHER = ExperimentSpec(title="after")
PIXELS = np.zeros((4, 4, 3), np.uint8)


def state(step: int) -> dict[str, torch.Tensor]:
    return {"averaged.w": torch.full((300,), float(step)), "m": torch.full((500,), float(step))}


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"step": step, "loss": float(step), "elapsed_s": 0.5 * step} for step in range(first, last + 1)]


@dataclass(frozen=True)
class Kind:
    """A kind of save.

    Attributes:
        begin: Makes what is there before.
        work: Saves.
        check: Fails where a folder is neither as before nor as after; it gets whether it must be as after.
    """

    begin: Callable[[Path], object]
    work: Callable[[Path], object]
    check: Callable[[Path, bool], None]


def run_with_checkpoint(root: Path) -> None:
    run = Run.create(root / "run", SPEC, device="cpu")
    run.append_metrics(rows(1, 10))
    run.save(state(10), 10, elapsed_s=5.0)


def checkpoint(root: Path) -> None:
    run = Run.open(root / "run")
    run.append_metrics(rows(11, 15))
    run.append_metrics(rows(16, 20))
    run.save(state(20), 20, elapsed_s=10.0, status="stopped")


def is_checkpoint(root: Path, finished: bool, steps: tuple[int, ...] = (10, 20)) -> None:
    run = Run.open(root / "run")
    if not run.has_state and 0 in steps and not finished:
        with pytest.raises(BadFile, match="no trained weights yet"):
            run.load_weights()
        assert run.manifest.step == 0
        return
    loaded, weights = run.load_state(state(0)), run.load_weights({"w": torch.zeros(300)})
    assert loaded.step in steps[-1:] if finished else steps
    assert weights.step == loaded.step >= run.manifest.step
    assert run.manifest.step in steps
    assert (run.manifest.step == steps[-1]) == (run.manifest.status == "stopped")
    assert run.manifest.step == steps[-1] or not finished
    # Whoever takes the two files that say what they are gets what they say.
    if run.manifest.step:
        assert int(texts_beside(run.folder / WEIGHTS, "weights")["step"]) >= run.manifest.step
    assert all(torch.equal(value, state(loaded.step)[name]) for name, value in loaded.tensors.items())
    assert torch.equal(weights.tensors["w"], state(loaded.step)["averaged.w"])
    # All that was measured until then is there; what came later may be, and goes when training goes on.
    found = [row["step"] for row in run.read_metrics().rows]
    assert found[: loaded.step] == list(range(1, loaded.step + 1))
    run.follow(loaded)
    run.rewind(loaded.step)
    run.append_metrics(rows(loaded.step + 1, loaded.step + 1))
    assert Run.open(run.folder).manifest.step == loaded.step
    assert run.read_metrics() == (rows(1, loaded.step + 1), 0)


def mirror(root: Path) -> Mirror:
    copy = Mirror(str(root / "run"), root)
    # Its name would follow from that of the root.
    copy.folder = root / "copy"
    return copy


def run_elsewhere(root: Path) -> None:
    """Copy a run, which then goes on."""
    run_with_checkpoint(root)
    mirror(root).pull()
    checkpoint(root)


def is_copied(root: Path, finished: bool) -> None:
    del finished
    copy = mirror(root)
    found, _ = Run.open(copy.folder).read_metrics()
    assert all(row in rows(1, 20) for row in found)
    assert Run.open(copy.folder).load_weights({"w": torch.zeros(300)}).step in (10, 20)
    # Whatever was lost comes with the next look.
    copy.pull()
    for name in (MANIFEST, METRICS, WEIGHTS):
        assert (copy.folder / name).read_bytes() == (root / "run" / name).read_bytes()


def is_measured(root: Path, finished: bool) -> None:
    run = Run.open(root / "run")
    found, _ = run.read_metrics()
    assert all(row in rows(1, 20) for row in found)
    assert [row["step"] for row in found][:10] == list(range(1, 11))
    assert len(found) == 20 or not finished
    run.append_metrics(rows(21, 21))
    assert run.read_metrics().rows[-1]["step"] == 21
    run.rewind(10)
    assert run.read_metrics() == (rows(1, 10), 0)


def measure(root: Path) -> None:
    run = Run.open(root / "run")
    for first in (11, 14, 17):
        run.append_metrics(rows(first, min(first + 2, 19)))
    run.append_metrics(rows(20, 20))
    flush(run.folder / METRICS)


def is_made(root: Path, finished: bool) -> None:
    if (root / "runs" / "run" / MANIFEST).exists():
        assert Run.open(root / "runs" / "run").spec == SPEC
    else:
        assert not finished
        Run.create(root / "runs" / "run", SPEC, device="cpu")


def either(read: Callable[[Path], object], before: object, after: object) -> Callable[[Path, bool], None]:
    """Return a check that what is read is what was there, or what was written."""

    def check(root: Path, finished: bool) -> None:
        found = read(root)
        assert found == after or (found == before and not finished)

    return check


def samples(value: float) -> Callable[[Path], None]:
    x = np.full((9, 2), value, np.float32)
    return lambda root: save_samples(root / "a.npz", x, x[:, None], int(value), SPEC.to_json())


def first_sample(root: Path) -> float:
    return float(load_samples(root / "a.npz").x_hat[0, 0])


def spec_in(name: str) -> Callable[[Path], ExperimentSpec | None]:
    return lambda root: read_spec(root / name) if (root / name).exists() else None


def save_film(path: Path, spec: ExperimentSpec) -> None:
    """Save an animation that carries a spec."""
    write_atomically(path, encode_animation(path.suffix, [PIXELS, PIXELS + 9], spec_json=spec.to_json()))


def preset(spec: ExperimentSpec) -> Callable[[Path], object]:
    def save(root: Path) -> None:
        *_, last = save_text(root / "a.json", text=spec.to_json(indent=2))
        if isinstance(last, Failed):
            raise UserError(last.text)

    return save


PLAN = SweepSpec(base=load_preset("ncsn-toy"), ks=(1,), seeds=(0,))
FAILED = {"k": 1, "seed": 0, "modes": ("same-sigma",), "status": "failed", "text": "blew up"}
RESULT = SweepResult.from_fields({"name": "k1-seed0", **FAILED})


def claimed(root: Path) -> None:
    plan = SweepFolder.open(root)
    with plan.claimed("k1-seed0"):
        plan.save_result(RESULT)


OWN = ImagesSpec(name="folder", path="anywhere", size=8, channels="grey")


def own_pictures(brightness: int) -> OwnPictures:
    """Return some of the user's pictures."""
    images = np.full((6, *OWN.shape), brightness, np.uint8)
    return OwnPictures(images, np.arange(6) % 2, ("a", "b"), "0" * 64, (("c.png", "cut"),))


def kept_brightness(root: Path) -> int | None:
    found = load_kept(root / "kept.safetensors", "0" * 64, OWN)
    return None if found is None else int(found.images[0, 0, 0, 0])


def judged(candidate: int) -> TuneLine:
    """Return a line of the journal of a search."""
    common = {"search": "one", "stage": "rung", "evaluations": 9, "chains": 64, "measure": "kernel", "value": 0.1}
    return TuneLine.from_fields({**common, "candidate": candidate, "sampling": SPEC.sampling.model_dump()})


def is_judged(root: Path, finished: bool) -> None:
    journal = Journal(root / TUNE, "one")
    found = [journal.find("rung", candidate, 64) for candidate in (1, 2)]
    assert found in ([judged(1), judged(2)], [judged(1), None])
    assert found[1] is not None or not finished
    # A search goes on from there, whatever was torn.
    journal.add(judged(3))
    assert Journal(root / TUNE, "one").find("rung", 3, 64) == judged(3)


KINDS = {
    "checkpoint": Kind(run_with_checkpoint, checkpoint, is_checkpoint),
    "first checkpoint": Kind(
        lambda root: Run.create(root / "run", SPEC, device="cpu").append_metrics(rows(1, 10)),
        checkpoint,
        lambda root, finished: is_checkpoint(root, finished, (0, 20)),
    ),
    "run creation": Kind(lambda _: None, lambda root: Run.create(root / "runs" / "run", SPEC, device="cpu"), is_made),
    "metrics": Kind(run_with_checkpoint, measure, is_measured),
    "status": Kind(
        run_with_checkpoint,
        lambda root: Run.open(root / "run").set_status("failed"),
        either(lambda root: Run.open(root / "run").manifest.status, "running", "failed"),
    ),
    "copy of a run elsewhere": Kind(run_elsewhere, lambda root: mirror(root).pull(), is_copied),
    "notes": Kind(
        lambda root: write_notes(root, Notes(name="before")),
        lambda root: write_notes(root, Notes(name="after")),
        either(read_notes, Notes(name="before"), Notes(name="after")),
    ),
    "figures": Kind(
        lambda root: add_figures(root, {"yield": 0.5}),
        lambda root: add_figures(root, {"distance": 2.0}),
        either(read_figures, {"yield": 0.5}, {"yield": 0.5, "distance": 2.0}),
    ),
    "thumbnail": Kind(
        lambda _: None,
        lambda root: save_thumbnail(root, PIXELS),
        either(lambda root: len(read_thumbnail(root)) > 60, False, True),
    ),
    "samples": Kind(samples(1.0), samples(2.0), either(first_sample, 1.0, 2.0)),
    "picture": Kind(
        lambda root: save_png(root / "a.png", PIXELS, SPEC.to_json()),
        lambda root: save_png(root / "a.png", PIXELS, OTHER.to_json()),
        either(spec_in("a.png"), SPEC, OTHER),
    ),
    "animation": Kind(
        lambda _: None,
        lambda root: save_film(root / "a.gif", OTHER),
        either(spec_in("a.gif"), None, OTHER),
    ),
    "preset": Kind(preset(SPEC), preset(OTHER), either(spec_in("a.json"), SPEC, OTHER)),
    "own pictures": Kind(
        lambda root: keep(root / "kept.safetensors", own_pictures(1)),
        lambda root: keep(root / "kept.safetensors", own_pictures(2)),
        either(kept_brightness, 1, 2),
    ),
    "sweep": Kind(
        lambda root: SweepFolder.create(root, PLAN),
        lambda root: SweepFolder.open(root).widen(PLAN.replace("ks", (1, 2))),
        either(lambda root: SweepFolder.open(root).spec.ks, (1,), (1, 2)),
    ),
    "search": Kind(
        lambda root: Journal(root / TUNE, "one").add(judged(1)),
        lambda root: Journal(root / TUNE, "one").add(judged(2)),
        is_judged,
    ),
    "sweep result": Kind(
        lambda root: SweepFolder.create(root, PLAN),
        claimed,
        either(lambda root: SweepFolder.open(root).result("k1-seed0"), None, RESULT),
    ),
}

HEALED = {"copy of a run elsewhere"}
"""Kinds that the next look repairs, whatever was lost: no fsync of theirs is needed."""


def points(steps: int) -> ExperimentSpec:
    """Return the smallest training."""
    small = {"network.width": 8, "training.k": 2, "training.batch": 8, "training.evaluate_every": 2}
    small |= {"training.precision": "float32"}
    return load_preset("ncsn-toy").replace_all({**small, "training.steps": steps})

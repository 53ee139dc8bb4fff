"""Run folders survive crashes at any moment, and hostile ones are refused in one sentence."""

import contextlib
import errno
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from msd_engine.backend.errors import BadFile, NotFiniteError, UserError
from msd_engine.runs import run as run_module
from msd_engine.runs.layout import MANIFEST, STATE, WEIGHTS
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec
from msd_engine.training.trainer import AVERAGED

SPEC = ExperimentSpec(title="ε and σ₁").replace("training.seed", 5)


def tensors(value: float) -> dict[str, Tensor]:
    """A state of training, whose averaged weights are those of `averaged`."""
    return {
        **{f"{AVERAGED}{name}": tensor for name, tensor in averaged(value).items()},
        "layer.weight": torch.full((3, 2), value),
        "layer.bias": torch.full((3,), value, dtype=torch.float64),
        "step": torch.tensor(7),
        "half": torch.full((4,), value, dtype=torch.bfloat16),
        "generator": torch.Generator().manual_seed(3).get_state(),
    }


def averaged(value: float) -> dict[str, Tensor]:
    return {"layer.weight": torch.full((3, 2), 2 * value), "layer.half": torch.full((4,), value, dtype=torch.bfloat16)}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "deep" / "run", SPEC, device="cpu")


def test_a_run_says_what_it_is_made_of(run: Run) -> None:
    opened = Run.open(run.folder)
    assert opened.spec == SPEC
    assert opened.manifest == run.manifest
    manifest = json.loads((run.folder / MANIFEST).read_text("utf-8"))
    # Builds for other devices have a suffix in one of the two places.
    assert manifest["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert set(manifest["versions"]) == {"msd", "torch", "numpy", "python"}
    assert manifest["threads"] == torch.get_num_threads()
    assert manifest["seed"] == 5
    assert (manifest["step"], manifest["status"], manifest["device"]) == (0, "running", "cpu")
    assert not opened.has_state
    assert not opened.has_weights


def test_a_checkpoint_comes_back_to_the_bit(run: Run) -> None:
    state, weights = tensors(0.1), averaged(0.1)
    run.save(state, 12, elapsed_s=1 / 3, status="stopped")
    opened = Run.open(run.folder)
    assert (opened.manifest.step, opened.manifest.elapsed_s, opened.manifest.status) == (12, 1 / 3, "stopped")
    for loaded, saved in ((opened.load_state(state), state), (opened.load_weights(weights), weights)):
        assert (loaded.step, loaded.elapsed_s) == (12, 1 / 3)
        assert loaded.tensors.keys() == saved.keys()
        for name, value in saved.items():
            assert loaded.tensors[name].dtype == value.dtype
            assert torch.equal(loaded.tensors[name], value)
    assert {name for name in os.listdir(run.folder) if name != "lock"} == {MANIFEST, STATE, WEIGHTS}


def test_tensors_that_share_memory_or_lie_crosswise_are_saved(run: Run) -> None:
    whole = torch.arange(6.0).reshape(2, 3)
    shared = {"whole": whole, "row": whole[0], "crosswise": whole.T}
    run.save(shared, 1, elapsed_s=0.0)
    for name, value in run.load_state().tensors.items():
        assert torch.equal(value, shared[name])


def test_loaded_tensors_do_not_hang_on_the_file(run: Run) -> None:
    run.save(tensors(1.0), 1, elapsed_s=0.0)
    loaded = run.load_weights().tensors
    (run.folder / WEIGHTS).write_bytes(b"")
    loaded["layer.weight"].add_(1.0)
    assert torch.equal(loaded["layer.weight"], torch.full((3, 2), 3.0))


def test_weights_carry_the_spec(run: Run) -> None:
    run.save(tensors(1.0), 4, elapsed_s=0.0)
    with safetensors.safe_open(run.folder / WEIGHTS, "pt") as file:
        notes = file.metadata()
    assert ExperimentSpec.from_json(notes["spec"]) == SPEC
    assert notes["step"] == "4"


def test_a_run_is_never_begun_over_another(run: Run) -> None:
    before = (run.folder / MANIFEST).read_bytes()
    with pytest.raises(UserError, match="already holds a run: resume it"):
        Run.create(run.folder, SPEC, device="cpu")
    assert (run.folder / MANIFEST).read_bytes() == before


def test_what_is_no_run_is_named_in_plain_words(run: Run) -> None:
    outer, empty = run.folder.parent, run.folder.parent / "empty"
    empty.mkdir()
    (outer / "note").write_text("hello", "utf-8")
    for path, words in (
        (outer / "none", "does not exist: choose the folder of a run"),
        (outer / "note", "is a file: choose the folder of a run"),
        (empty, "holds no run: choose a folder"),
        (outer, f"holds runs: choose the folder of one, such as {run.folder.name}"),
    ):
        with pytest.raises(BadFile, match=re.escape(f"{path} ") + ".*" + re.escape(words)) as caught:
            Run.open(path)
        assert MANIFEST not in str(caught.value)


def test_a_run_whose_manifest_is_gone_says_which_file_to_put_back(run: Run) -> None:
    run.save(tensors(1.0), 1, elapsed_s=1.0)
    (run.folder / MANIFEST).unlink()
    with pytest.raises(BadFile, match=r"settings are gone \(its file manifest\.json\)"):
        Run.open(run.folder)


def test_weights_cannot_be_loaded_before_there_are_any(run: Run) -> None:
    with pytest.raises(BadFile, match="no trained weights yet"):
        run.load_weights()


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_crash_between_two_files_leaves_one_whole_checkpoint(
    run: Run, monkeypatch: pytest.MonkeyPatch, writes: int, first: bool
) -> None:
    if not first:
        run.save(tensors(1.0), 10, elapsed_s=1.0)
    write, left = run_module.write_atomically, [writes]

    def dying(path: Path, data: bytes) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "write_atomically", dying)
        with contextlib.suppress(KeyboardInterrupt):
            run.save(tensors(2.0), 20, elapsed_s=2.0, status="stopped")
    opened = Run.open(run.folder)
    step = 20 if writes else 0 if first else 10
    assert opened.has_weights == opened.has_state == (step > 0)
    if not step:
        return
    for whose in ("read", "followed"):
        loaded = opened.load_state(tensors(0.0))
        weights = opened.load_weights(averaged(0.0))
        assert loaded.step == weights.step == step, whose
        assert torch.equal(loaded.tensors["layer.weight"], torch.full((3, 2), step / 10))
        assert torch.equal(weights.tensors["layer.weight"], torch.full((3, 2), step / 5))
        with opened.locked():
            opened.follow(loaded)
    with safetensors.safe_open(run.folder / WEIGHTS, "pt") as file:
        assert file.metadata()["step"] == str(step)
    assert Run.open(run.folder).manifest.step == step


def test_damaged_weights_come_back_from_the_state(run: Run) -> None:
    run.save(tensors(1.0), 10, elapsed_s=1.0)
    path = run.folder / WEIGHTS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadFile, match="its checksum differs"):
        run.load_weights(averaged(0.0))
    with run.locked():
        run.follow(run.load_state())
    assert torch.equal(run.load_weights(averaged(0.0)).tensors["layer.weight"], torch.full((3, 2), 2.0))


def test_weights_of_older_versions_without_a_checksum_are_read(run: Run) -> None:
    notes = {"step": "4", "elapsed_s": "1.0", "spec": SPEC.to_json()}
    (run.folder / WEIGHTS).write_bytes(safetensors.torch.save(averaged(1.0), notes))
    assert run.load_weights(averaged(0.0)).step == 4


@pytest.mark.parametrize("name", ["layer.weight", "half", f"{AVERAGED}layer.half"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_not_finite_are_not_saved_over_a_checkpoint(run: Run, name: str, value: float) -> None:
    run.save(tensors(1.0), 10, elapsed_s=1.0)
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    state = tensors(2.0)
    state[name].view(-1)[-1] = value
    with pytest.raises(NotFiniteError):
        run.save(state, 20, elapsed_s=2.0)
    with pytest.raises(NotFiniteError):
        run.save_earlier({"a": state[name]}, 20, elapsed_s=2.0)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


@pytest.mark.parametrize("name", [STATE, WEIGHTS])
def test_hundreds_of_thousands_of_tensors_are_refused_by_the_length_of_the_header(
    run: Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.save(tensors(1.0), 10, elapsed_s=1.0)
    notes = {"__metadata__": {"step": "10", "elapsed_s": "1.0"}}
    many = {f"{number:06}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(200_000)}
    header = json.dumps(many | notes).encode()
    (run.folder / name).write_bytes(len(header).to_bytes(8, "little") + header)

    def unpack(_: bytes) -> dict[str, Tensor]:
        raise AssertionError

    monkeypatch.setattr(safetensors.torch, "load", unpack)
    with pytest.raises(BadFile, match=name):
        run.load_state(tensors(0.0)) if name == STATE else run.load_weights(averaged(0.0))


def test_temporary_files_of_the_dead_are_removed_and_those_of_the_living_are_not(run: Run) -> None:
    of_the_run = [run.folder / f".{name}.{'0' * 16}.tmp" for name in (STATE, WEIGHTS, MANIFEST)]
    of_others = [run.folder / f".notes.json.{digit * 16}.tmp" for digit in "12"]
    mine = run.folder / ".mine.tmp"
    for path in (*of_the_run, *of_others, mine):
        path.write_bytes(b"half")
    os.utime(of_others[1], (0, 0))
    with run.locked():
        assert set(run.folder.glob(".*.tmp")) == {of_others[0], mine}


def test_of_two_that_begin_one_run_the_slower_changes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # The slower one has looked before the quicker one had written its manifest.
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    exists, requested = Path.exists, []

    def blind(path: Path, **given: bool) -> bool:
        requested.append(path.name)
        return exists(path, **given) and requested.count(MANIFEST) > 1

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", blind)
        with pytest.raises(UserError, match="already holds a run"):
            Run.create(run.folder, SPEC.replace("training.seed", 6), device="cpu")
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_a_full_disk_keeps_the_checkpoint_before(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.save(tensors(1.0), 10, elapsed_s=1.0)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="the disk is full"):
            run.save(tensors(2.0), 20, elapsed_s=2.0)
    assert run.manifest.step == Run.open(run.folder).manifest.step == run.load_state().step == 10


def test_the_status_changes_nothing_else(run: Run) -> None:
    run.save(tensors(1.0), 10, elapsed_s=1.0)
    run.set_status("finished")
    manifest = Run.open(run.folder).manifest
    assert (manifest.status, manifest.step) == ("finished", 10)


def test_earlier_weights_of_a_stretch_that_is_lost_go(run: Run) -> None:
    run.save_earlier(averaged(1.0), 5, elapsed_s=1.0)
    run.rewind(5)
    assert run.has_earlier
    run.rewind(4)
    assert not run.has_earlier


def test_two_do_not_train_the_same_run(run: Run) -> None:
    other = Run.open(run.folder)
    with run.locked(), pytest.raises(UserError, match="is being trained already"), other.locked():
        pass
    with other.locked():
        pass


@pytest.mark.timeout(60)
def test_the_lock_of_a_process_that_died_is_taken_over(run: Run) -> None:
    holder = (
        "import os, sys\n"
        "from msd_engine.runs.run import Run\n"
        "with Run.open(sys.argv[1]).locked():\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(run.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(UserError, match="is being trained already"), run.locked():
        pass
    process.kill()
    process.communicate()
    with run.locked():
        pass


def broken_checkpoints() -> dict[str, bytes]:
    good = tensors(1.0)
    notes = {"step": "1", "elapsed_s": "1.0"}

    def packed(changes: dict[str, Tensor | None], metadata: dict[str, str] | None = None) -> bytes:
        changed = {name: value for name, value in (good | changes).items() if value is not None}
        return safetensors.torch.save(changed, notes if metadata is None else metadata)

    return {
        "empty": b"",
        "pickle": b"\x80\x04cos\nsystem\n(S'echo hello'\ntR.",
        "zip": b"PK\x03\x04" + bytes(100),
        "header larger than the file": (2**40).to_bytes(8, "little") + b"{}",
        "header of the largest size": b"\xff" * 16,
        "nested header": (50_000).to_bytes(8, "little") + b"[" * 50_000,
        "not a number": packed({"layer.weight": torch.full((3, 2), math.nan)}),
        "infinite": packed({"half": torch.full((4,), math.inf, dtype=torch.bfloat16)}),
        "wrong shape": packed({"layer.weight": torch.zeros(2, 3)}),
        "wrong dtype": packed({"layer.bias": torch.zeros(3)}),
        "one missing": packed({"step": None}),
        "one too many": packed({"more": torch.zeros(1)}),
        "far too large": packed({"more": torch.zeros(5 * 2**20)}),
        "no step": packed({}, {"elapsed_s": "1.0"}),
        "no number for a step": packed({}, {"step": "one", "elapsed_s": "1.0"}),
        "negative step": packed({}, {"step": "-1", "elapsed_s": "1.0"}),
        "endless time": packed({}, {"step": "1", "elapsed_s": "inf"}),
    }


@pytest.mark.parametrize("name", broken_checkpoints())
def test_hostile_checkpoints_are_refused(run: Run, name: str) -> None:
    data = broken_checkpoints()[name]
    like = tensors(0.0)
    for load, file, other in ((run.load_state, STATE, WEIGHTS), (run.load_weights, WEIGHTS, STATE)):
        (run.folder / other).unlink(missing_ok=True)
        (run.folder / file).write_bytes(data)
        with pytest.raises(BadFile, match=file) as caught:
            load(like)
        assert "\n" not in str(caught.value)


def test_cut_or_flipped_files_only_ever_raise_bad_file(run: Run) -> None:
    small = {"a": torch.ones(3), "b": torch.arange(4)}
    run.append_metrics([{"step": 1, "loss": 1.0}])
    run.save({f"{AVERAGED}{name}": value for name, value in small.items()}, 1, elapsed_s=0.0)
    (run.folder / STATE).unlink()
    for name in (MANIFEST, WEIGHTS):
        path = run.folder / name
        whole = path.read_bytes()
        cuts = [whole[:end] for end in range(0, len(whole), 7)]
        flips = [whole[:at] + bytes((whole[at] ^ 0xFF,)) + whole[at + 1 :] for at in range(0, len(whole), 7)]
        for data in cuts:
            path.write_bytes(data)
            with pytest.raises(BadFile):
                Run.open(run.folder).load_weights(small)
        for data in flips:
            path.write_bytes(data)
            try:
                loaded = Run.open(run.folder).load_weights(small)
            except BadFile:
                continue
            assert loaded.tensors.keys() == small.keys()
        path.write_bytes(whole)
    assert Run.open(run.folder).load_weights(small).step == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "msd-run-9"}, "format must be 'msd-run-1'"),
        ({"threads": 0}, "threads"),
        ({"step": -1}, "step"),
        ({"status": "well"}, "status"),
        ({"extra": 1}, "no field called extra"),
        ({"spec": {}}, None),
        ({"spec": {"training": {"k": 1000}}}, "training.k"),
    ],
)
def test_a_wrong_manifest_names_the_field(run: Run, change: dict[str, object], sentence: str | None) -> None:
    path = run.folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change))
    if sentence is None:
        # A spec of defaults is a spec.
        assert Run.open(run.folder).spec == ExperimentSpec()
        return
    with pytest.raises(BadFile, match=sentence):
        Run.open(run.folder)

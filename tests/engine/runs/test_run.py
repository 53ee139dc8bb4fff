"""Run folders survive crashes at any moment, and hostile ones are refused in one sentence."""

import errno
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.runs import run as run_module
from msd_engine.runs.layout import MANIFEST, METRICS, STATE, WEIGHTS
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec

SPEC = ExperimentSpec(title="ε and σ₁").replace("training.seed", 5)


def tensors(value: float) -> dict[str, Tensor]:
    return {
        "layer.weight": torch.full((3, 2), value),
        "layer.bias": torch.full((3,), value, dtype=torch.float64),
        "step": torch.tensor(7),
        "half": torch.full((4,), value, dtype=torch.bfloat16),
        "generator": torch.Generator().manual_seed(3).get_state(),
    }


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
    state, weights = tensors(0.1), {"layer.weight": torch.rand(3, 2)}
    run.save(state, weights, 12, elapsed_s=1 / 3, status="stopped")
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
    run.save(shared, shared, 1, elapsed_s=0.0)
    for name, value in run.load_state().tensors.items():
        assert torch.equal(value, shared[name])


def test_loaded_tensors_do_not_hang_on_the_file(run: Run) -> None:
    run.save(tensors(1.0), tensors(1.0), 1, elapsed_s=0.0)
    loaded = run.load_weights().tensors
    (run.folder / WEIGHTS).write_bytes(b"")
    loaded["layer.weight"].add_(1.0)
    assert torch.equal(loaded["layer.weight"], torch.full((3, 2), 2.0))


def test_weights_carry_the_spec(run: Run) -> None:
    run.save(tensors(1.0), tensors(1.0), 4, elapsed_s=0.0)
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
    run.save(tensors(1.0), tensors(1.0), 1, elapsed_s=1.0)
    (run.folder / MANIFEST).unlink()
    with pytest.raises(BadFile, match=r"settings are gone \(its file manifest\.json\)"):
        Run.open(run.folder)


def test_weights_are_asked_for_before_there_are_any(run: Run) -> None:
    with pytest.raises(BadFile, match="no trained weights yet"):
        run.load_weights()


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_crash_between_two_files_leaves_a_run_that_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    run.save(tensors(1.0), tensors(1.0), 10, elapsed_s=1.0)
    write, left = run_module.write_atomically, [writes]

    def dying(path: Path, data: bytes) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        write(path, data)

    monkeypatch.setattr(run_module, "write_atomically", dying)
    if writes < 3:
        with pytest.raises(KeyboardInterrupt):
            run.save(tensors(2.0), tensors(2.0), 20, elapsed_s=2.0)
    else:
        run.save(tensors(2.0), tensors(2.0), 20, elapsed_s=2.0)
    opened = Run.open(run.folder)
    state, weights = opened.load_state(tensors(0.0)), opened.load_weights(tensors(0.0))
    assert state.step == (20 if writes >= 1 else 10)
    assert weights.step == (20 if writes >= 2 else 10)
    # Each file's step is that of its content.
    for loaded in (state, weights):
        assert torch.equal(loaded.tensors["layer.weight"], torch.full((3, 2), loaded.step / 10))


def test_a_full_disk_keeps_the_checkpoint_before(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.save(tensors(1.0), tensors(1.0), 10, elapsed_s=1.0)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="the disk is full"):
            run.save(tensors(2.0), tensors(2.0), 20, elapsed_s=2.0)
    assert run.manifest.step == Run.open(run.folder).manifest.step == run.load_state().step == 10


def test_the_status_changes_nothing_else(run: Run) -> None:
    run.save(tensors(1.0), tensors(1.0), 10, elapsed_s=1.0)
    run.set_status("finished")
    manifest = Run.open(run.folder).manifest
    assert (manifest.status, manifest.step) == ("finished", 10)


def test_metrics_come_back_and_are_dropped_after_a_step(run: Run) -> None:
    assert run.read_metrics() == []
    rows = [{"step": step, "loss": 1.0 / (step + 1), "band": np.array([0.5, np.inf])} for step in range(6)]
    run.append_metrics(rows[:4])
    run.append_metrics([*rows[4:], {"step": 6, "loss": float("nan"), "mmse": np.float64(0.25)}])
    read = run.read_metrics()
    assert [row["step"] for row in read] == list(range(7))
    assert read[2]["loss"] == 1.0 / 3
    assert read[0]["band"][0] == 0.5
    assert math.isnan(read[0]["band"][1])
    assert math.isnan(read[6]["loss"])
    assert read[6]["mmse"] == 0.25
    run.rewind_metrics(3)
    assert [row["step"] for row in run.read_metrics()] == [0, 1, 2, 3]


def test_a_line_that_a_crash_cut_is_forgotten(run: Run) -> None:
    run.append_metrics([{"step": 1, "loss": 1.0}, {"step": 2, "loss": 2.0}])
    path = run.folder / METRICS
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        read = run.read_metrics()
        assert [row["step"] for row in read] == [1, 2][: whole[:end].count(b"\n")]
    run.rewind_metrics(2)
    run.append_metrics([{"step": 2, "loss": 5.0}])
    assert [row["loss"] for row in run.read_metrics()] == [1.0, 5.0]


@pytest.mark.parametrize("line", ["[]", "{}", '{"step": "1"}', '{"step": 1.5}', "nonsense", "\x00", "[" * 100_000])
def test_damaged_metrics_are_named(run: Run, line: str) -> None:
    (run.folder / METRICS).write_text(line + "\n")
    with pytest.raises(BadFile, match=r"metrics\.jsonl"):
        run.read_metrics()


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
    for file in (STATE, WEIGHTS):
        (run.folder / file).write_bytes(data)
    like = tensors(0.0)
    for load, file in ((run.load_state, STATE), (run.load_weights, WEIGHTS)):
        with pytest.raises(BadFile, match=file) as caught:
            load(like)
        assert "\n" not in str(caught.value)


def test_cut_or_flipped_files_only_ever_raise_bad_file(run: Run) -> None:
    small = {"a": torch.ones(3), "b": torch.arange(4)}
    run.append_metrics([{"step": 1, "loss": 1.0}])
    run.save(small, small, 1, elapsed_s=0.0)
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

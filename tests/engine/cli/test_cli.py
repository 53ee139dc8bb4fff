"""The `msd` command: what it does, what it refuses, and what a program that reads it can rely on."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import msd_engine
from msd_engine.backend.folders import cache_folder
from msd_engine.cli.fields import declared_fields, describe_range
from msd_engine.cli.main import main
from msd_engine.events import Event, Failed, LossPoints, Started
from msd_engine.runs.pictures import read_picture_spec
from msd_engine.runs.restoring import read_spec
from msd_engine.runs.run import Run
from msd_engine.runs.samples import load_samples
from msd_engine.specs import ExperimentSpec, load_preset, preset_names

MSD = Path(sys.executable).with_name("msd")
QUICK = ["--network.width", "16", "--network.embedding", "16", "--batch", "16", "--precision", "float32"]


class Outcome:
    """What one call left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        (line,) = self.out.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    def refuses(self, *words: str) -> bool:
        """Whether the end is one sentence of bad input that holds the words."""
        lines = self.err.splitlines()
        tidy = len(lines) == 1 and lines[0].startswith("msd: ") and lines[0][-1] in ".?"
        return self.code == 2 and tidy and all(word in lines[0] for word in words)


@pytest.fixture
def msd(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command in this process, in an empty folder and without a data folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MSD_DEVICE", raising=False)
    monkeypatch.setenv("MSD_DATA_DIR", str(tmp_path / "no-data"))

    def call(*words: str) -> Outcome:
        capsys.readouterr()
        code = main(words)
        return Outcome(code, *capsys.readouterr())

    return call


def in_a_process(*words: str, cwd: Path, encoding: str = "utf-8") -> Outcome:
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([MSD, *words], cwd=cwd, env=environment, capture_output=True, encoding=encoding, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_version_presets_and_schema(msd: Any) -> None:
    assert msd("--version").out == f"msd {msd_engine.__version__}\n"
    listed = msd("presets").out.splitlines()
    assert [line.split()[0] for line in listed] == list(preset_names())
    assert [entry["name"] for entry in msd("presets", "--json").json["presets"]] == list(preset_names())
    schema = json.loads(msd("schema").out)
    assert schema["properties"].keys() == ExperimentSpec.model_fields.keys()
    table = msd("schema", "--table").out
    for path, kinds in declared_fields().items():
        rows = [line for line in table.splitlines() if line.split()[:1] == [path]]
        assert len(rows) == len(set(kinds.values()))
        for declared, row in zip(dict.fromkeys(kinds.values()), rows, strict=True):
            assert describe_range(declared, unit=False) in row
            assert declared.symbol in row
            assert declared.title in row


@pytest.mark.parametrize("command", ["train", "sample", "why", "propose", "sweep", "run"])
def test_the_help_names_every_field_with_its_range(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # In one column, texts do not interleave.
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert not caught.value.code
    text = capsys.readouterr().out
    flat = " ".join(text.replace("│", " ").split())
    chain_task = command == "run"
    fields = {path: kinds for path, kinds in declared_fields().items() if chain_task or not path.startswith("denoise.")}
    assert chain_task or "--denoise." not in text
    counts = Counter(path.split(".")[1] for path in fields)
    for path, kinds in fields.items():
        assert f"--{path} " in text
        for declared in kinds.values():
            assert describe_range(declared) in flat
        name = path.split(".")[1]
        if counts[name] == 1 and name not in ("steps", "seconds"):
            assert f"--{name} " in text


def test_a_command_that_there_is_not_is_told_with_the_nearest(msd: Any) -> None:
    assert msd("smaple").refuses("'smaple'", "Did you mean sample?")
    assert msd().refuses("Give a command: train, ")


def test_the_installed_command_runs(tmp_path: Path) -> None:
    done = in_a_process("presets", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert preset_names()[0] in done.out
    assert in_a_process("--help", cwd=tmp_path).code == 0


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_any_screen_will_do(encoding: str, tmp_path: Path) -> None:
    assert in_a_process("schema", "--table", cwd=tmp_path, encoding=encoding).code == 0
    for line in ("nothing", "train --preset", "download nothing"):
        done = in_a_process(*line.split(), cwd=tmp_path, encoding=encoding)
        assert done.refuses(), done.err
        assert "command line is invalid" not in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise on Windows")
def test_a_reader_that_has_had_enough_is_no_error() -> None:
    process = subprocess.Popen([MSD, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert not process.stderr.read()
    process.stderr.close()


# Bad input: exit 2, one sentence, nothing written

REFUSALS = [
    ("", "train, sample"),
    ("nothing", "train, sample"),
    ("train", "--preset", "--resume"),
    ("train --preset ncsn-toy", "--out"),
    ("train --preset nothing --out run", "nothing", "ncsn-toy"),
    ("train --preset missing.json --out run", "missing.json"),
    ("train --preset ncsn-toy --out run --resume run", "--preset"),
    ("train --preset ncsn-toy --out run --bogus 3", "--bogus"),
    ("train --preset ncsn-toy --out run --epsilom 3", "--epsilom", "--epsilon"),
    ("train --preset ncsn-toy --out run --r 0.1 --epsilon 0.1", "sampling.epsilon", "sampling.step_ratio"),
    ("train --preset ncsn-toy --out run --epsilon 0", "sampling.epsilon", "above 0"),
    ("train --preset ncsn-toy --out run --epsilon small", "sampling.epsilon", "a number"),
    ("train --preset ncsn-toy --out run stray", "stray"),
    ("train --preset ncsn-toy --out run --k", "--training.k"),
    ("train --preset ncsn-toy --out run --k 0", "training.k"),
    ("train --preset ncsn-toy --out run --k 65", "training.k", "64"),
    ("train --preset ncsn-toy --out run --k 2.5", "training.k", "whole number"),
    ("train --preset ncsn-toy --out run --steps 20.000", "training.steps", "whole number"),
    ("train --preset ncsn-toy --out run --steps 10,000", "training.steps", "without commas"),
    ("train --preset ncsn-toy --out run --steps 1.5e0", "training.steps", "whole number"),
    ("train --preset ncsn-toy --out run --seconds 1,5", "training.seconds", "without commas"),
    ("train --preset ncsn-toy --out run --seed 4294967296", "training.seed"),
    ("sample --preset ncsn-toy --out s.npz --n 10,000", "--n", "without commas"),
    ("train --preset ncsn-toy --out run --learning_rate nan", "training.learning_rate", "finite"),
    ("train --preset ncsn-toy --out run --learning_rate fast", "training.learning_rate", "number"),
    ("train --preset ncsn-toy --out run --jump perhaps", "sampling.jump", "true or false"),
    ("train --preset ncsn-toy --out run --form strange", "training.form", "plain"),
    ("train --preset ncsn-toy --out run --sigma_L 300", "sampling.sigma_L", "sampling.sigma_1"),
    ("train --preset ncsn-toy --out run --limit 5", "data.limit", "images"),
    ("train --preset digits-30s --out run --depth 5", "network.depth", "mixtures"),
    ("train --preset ncsn-toy --out run --steps 0", "training.steps"),
    ("train --preset ncsn-toy --out run --seconds -1", "training.seconds"),
    ("train --preset ncsn-toy --out run --device abacus", "abacus"),
    ("train --preset mnist-2min --out run --data-dir nowhere", "nowhere"),
    ("train --resume run", "run"),
    ("sample", "--preset"),
    ("sample run --preset ncsn-toy --out a.npz", "--preset"),
    ("sample --preset ncsn-toy", "--out"),
    ("sample --preset ncsn-toy --out a.txt", ".npz"),
    ("sample --preset ncsn-toy --out missing/a.npz", "missing"),
    ("sample --preset ncsn-toy --out a.npz --n 0", "--n", "'0'"),
    ("sample --preset ncsn-toy --out a.npz --grid a.png", "--grid"),
    ("sample --preset cifar10-20min --data.name shapes --out a.npz", "train"),
    ("sample run --out a.npz", "run"),
    ("download nothing", "There is no 'nothing' here", "choose mnist, fashion-mnist or cifar-10"),
    ("train --preset ncsn-toy --out run --steps", "--steps needs a value"),
]


@pytest.mark.parametrize("case", REFUSALS, ids=[case[0] or "(empty)" for case in REFUSALS])
def test_bad_input_is_refused_in_one_sentence(msd: Any, case: tuple[str, ...]) -> None:
    line, *words = case
    done = msd(*line.split())
    assert done.refuses(*words), done.err
    assert not done.out
    assert not list(Path.cwd().glob("*.npz"))


def test_a_refusal_is_also_told_as_json(msd: Any) -> None:
    done = msd("train", "--preset", "ncsn-toy", "--out", "run", "--k", "0", "--json")
    assert done.code == 2
    assert done.json["status"] == "refused"
    assert f"msd: {done.json['error']}\n" == done.err


def test_damaged_runs_and_specs_are_refused(msd: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"format": "msd-experiment-1", "sampling": {"epsilon": NaN}}')
    assert msd("train", "--preset", "bad.json", "--out", "run").refuses("bad.json", "epsilon")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert msd("train", "--preset", "bad.png", "--out", "run").refuses("bad.png")
    assert msd("train", "--preset", "ncsn-toy", "--out", "run", "--steps", "2", *QUICK).code == 0
    assert msd("train", "--preset", "ncsn-toy", "--out", "run").refuses("run", "already")
    assert msd("train", "--resume", "run", "--k", "3").refuses("--resume")
    for name in ("weights.safetensors", "state.safetensors", "manifest.json"):
        path = tmp_path / "run" / name
        path.write_bytes(path.read_bytes()[:-20])
        command = "train --resume run --steps 4" if name == "state.safetensors" else "sample run --out a.npz"
        assert msd(*command.split()).refuses(name)


# Training


def test_training_a_mixture_leaves_a_run_and_one_line(msd: Any) -> None:
    done = msd("train", "--preset", "ncsn-toy", "--out", "run", "--steps", "12", "--k", "2", "--json", *QUICK)
    assert done.code == 0
    assert done.json["command"] == "train"
    assert done.json["status"] == "finished"
    assert done.json["run"] == "run"
    assert done.json["step"] == 12
    assert done.json["elapsed_s"] > 0
    assert done.json["loss"] > 0
    assert done.json["held_out_loss"] >= done.json["mmse"] * 0.9
    assert done.err.startswith("train on ")
    run = Run.open("run")
    assert run.spec.training.k == 2
    assert run.spec.training.batch == 16
    assert run.spec.network.width == 16
    assert run.load_weights().step == 12


def test_a_budget_given_alone_lifts_the_other_one(msd: Any) -> None:
    assert msd("train", "--preset", "ncsn-toy", "--out", "short", "--seconds", "0.05", *QUICK).code == 0
    budget = Run.open("short").spec.training
    assert budget.seconds == 0.05
    assert budget.steps > 10**6
    assert msd("train", "--preset", "digits-30s", "--out", "few", "--steps", "2", *QUICK).code == 0
    budget = Run.open("few").spec.training
    assert (budget.steps, budget.seconds) == (2, 0.0)
    both = ["--steps", "3", "--seconds", "90"]
    assert msd("train", "--preset", "ncsn-toy", "--out", "both", *both, *QUICK).code == 0
    budget = Run.open("both").spec.training
    assert (budget.steps, budget.seconds) == (3, 90.0)


def test_a_run_goes_on_to_a_new_budget(msd: Any) -> None:
    constant = ["--schedule", "constant", *QUICK]
    assert msd("train", "--preset", "ncsn-toy", "--out", "halves", "--steps", "4", *constant).code == 0
    assert msd("train", "--resume", "halves", "--steps", "8").code == 0
    assert msd("train", "--preset", "ncsn-toy", "--out", "whole", "--steps", "8", *constant).code == 0
    halves, whole = Run.open("halves"), Run.open("whole")
    assert halves.spec == whole.spec
    expected = whole.load_weights().tensors
    for name, tensor in halves.load_weights().tensors.items():
        assert tensor.equal(expected[name]), name


def test_flags_make_the_same_spec_whichever_name_they_bear(msd: Any) -> None:
    for out, flag in (("a", "--sampling.steps_per_level"), ("b", "--steps_per_level"), ("c", "--steps-per-level")):
        assert msd("train", "--preset", "ncsn-toy", "--out", out, "--steps", "1", flag, "7", "--seed", "3").code == 0
    specs = [Run.open(out).spec for out in "abc"]
    assert specs[0] == specs[1] == specs[2]
    # The bare name of a field that several sections have is that of the command's own section.
    assert (specs[0].training.seed, specs[0].sampling.seed) == (3, 0)
    assert specs[0].sampling.steps_per_level == 7


def test_the_step_is_given_as_its_ratio_or_as_its_size(msd: Any) -> None:
    few = ("sample", "--preset", "ring-8", "--levels", "2", "--steps_per_level", "1", "--n", "1", "--sigma_L", "0.5")
    drawn = []
    for out, flag, step in (("a", "--epsilon", "0.01"), ("b", "--sampling.epsilon", "0.01"), ("c", "--r", "0.04")):
        assert msd(*few, flag, step, "--out", f"{out}.npz").code == 0
        drawn.append(read_spec(f"{out}.npz").sampling.step_ratio)
    assert drawn == [0.01 / 0.5**2] * 2 + [0.04]
    # A change of σ_L alone leaves the ratio as it is.
    assert msd(*few, "--out", "d.npz").code == 0
    assert read_spec("d.npz").sampling.step_ratio == load_preset("ring-8").sampling.step_ratio


def test_a_spec_is_taken_from_a_file_or_a_run(msd: Any, tmp_path: Path) -> None:
    spec = load_preset("ring-8").replace_all({"training.steps": 1, "network.width": 16, "title": "by file"})
    (tmp_path / "mine.json").write_text(spec.to_json())
    assert msd("train", "--preset", "mine.json", "--out", "run").code == 0
    assert Run.open("run").spec == spec
    assert msd("train", "--preset", "run", "--out", "again").code == 0
    assert Run.open("again").spec == spec


def test_a_job_that_had_begun_and_failed_is_no_bad_input(msd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> Iterator[Event]:
        yield Started("train", "cpu", 10, 0, "{}")
        yield LossPoints(np.array([3]), np.array([0.5]), np.array([0.1]))
        yield Failed("The loss is not finite.")

    monkeypatch.setattr("msd_engine.jobs.training.train.train", failing)
    done = msd("train", "--preset", "ncsn-toy", "--out", "run", "--json")
    assert done.code == 1
    assert "msd: The loss is not finite." in done.err.splitlines()
    assert (done.json["status"], done.json["step"], done.json["loss"]) == ("failed", 3, 0.5)
    # What was never measured is null: JSON has no NaN.
    assert done.json["held_out_loss"] is None


# Sampling


def test_samples_of_a_mixture_are_written_with_their_spec(msd: Any) -> None:
    words = ["--levels", "3", "--steps_per_level", "4", "--k", "2", "--seed", "5", "--json"]
    done = msd("sample", "--preset", "ncsn-toy", "--n", "6", "--out", "a.npz", *words)
    assert done.code == 0, done.err
    assert done.json["status"] == "finished"
    assert (done.json["n"], done.json["seed"], done.json["step"]) == (6, 5, 12)
    assert done.json["out"] == "a.npz"
    with np.load("a.npz", allow_pickle=False) as archive:
        assert archive["x_hat"].shape == (6, 2)
        assert archive["x_hat"].dtype == np.float32
        assert archive["y"].shape == (6, 2, 2)
        assert int(archive["seed"]) == 5
        spec = ExperimentSpec.from_json(str(archive["spec"]))
    assert spec.sampling.levels == 3
    assert spec.training.k == 2
    assert np.isfinite(load_samples("a.npz").x_hat).all()
    # The sample file is itself a preset, and chain i does not depend on the number of chains.
    assert msd("sample", "--preset", "a.npz", "--n", "3", "--out", "b.npz").code == 0
    np.testing.assert_array_equal(load_samples("b.npz").x_hat, load_samples("a.npz").x_hat[:3])
    assert read_spec("b.npz") == spec.replace("sampling.chains", 3)


def test_samples_of_a_trained_run_with_a_grid(msd: Any) -> None:
    assert msd("train", "--preset", "digits-30s", "--out", "run", "--steps", "3", "--k", "2", *QUICK).code == 0
    few = ["--levels", "2", "--steps_per_level", "1"]
    done = msd("sample", "run", "--n", "5", "--out", "a.npz", "--grid", "a.png", "--json", *few)
    assert done.code == 0, done.err
    assert done.json["grid"] == "a.png"
    samples = load_samples("a.npz")
    assert samples.x_hat.shape == (5, 1, 8, 8)
    assert samples.y.shape == (5, 2, 1, 8, 8)
    assert ExperimentSpec.from_json(read_picture_spec("a.png")) == read_spec("a.npz")
    assert msd("sample", "run", "--out", "b.npz", "--k", "3", *few).refuses("training.k", "k = 2 copies alone", "mean")
    # A flag that says what the run says already, as copied commands do, is no change.
    assert msd("sample", "run", "--n", "1", "--out", "b.npz", "--k", "2", *few).code == 0


# Presets are the examples: each works, made small


@pytest.mark.parametrize("name", [name for name in preset_names() if load_preset(name).data.kind == "mixture"])
def test_every_mixture_preset_samples(msd: Any, name: str) -> None:
    few = ["--levels", "2", "--steps_per_level", "3", "--n", "4"]
    if learned := load_preset(name).sampling.source == "trained":
        assert msd("train", "--preset", name, "--out", "run", "--steps", "3").code == 0
    done = msd("sample", *(["run"] if learned else ["--preset", name]), "--out", "a.npz", "--json", *few)
    assert done.code == 0
    assert np.isfinite(load_samples("a.npz").x_hat).all()
    rows = done.json.get("score_errors", [])
    assert [row["error"] > 0 and round(sum(row["where"].values()), 6) for row in rows] == [1] * 2 * learned


@pytest.mark.parametrize("name", [name for name in preset_names() if load_preset(name).data.kind == "images"])
def test_every_image_preset_trains_on_digits(msd: Any, name: str) -> None:
    digits = ["--data.name", "digits", "--limit", "64", "--steps", "2", "--k", "2", *QUICK]
    done = msd("train", "--preset", name, "--out", "run", "--json", *digits)
    assert done.code == 0, done.err
    assert done.json["step"] == 2
    few = ["--levels", "2", "--steps_per_level", "1", "--n", "2"]
    assert msd("sample", "run", "--out", "a.npz", *few).code == 0
    assert np.isfinite(load_samples("a.npz").x_hat).all()


def test_every_path_of_a_command_knows_the_home_folder(msd: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own.json").write_text(load_preset("ncsn-toy").to_json())
    for words in (("--preset", "~/own.json"), ("--preset", "ncsn-toy")):
        assert msd("propose", *words, "--out=~/made.json", "--json").code == 0
        assert (tmp_path / "made.json").exists()
    monkeypatch.setenv("MSD_RUNS_DIR", "~/my runs")
    (tmp_path / "my runs").mkdir()
    assert str(tmp_path / "my runs") in msd("runs").out
    assert str(tmp_path / "my runs") in msd("runs", "~/my runs").out
    monkeypatch.setenv("MSD_CACHE_DIR", "~/kept")
    assert cache_folder() == tmp_path / "kept"
    monkeypatch.setenv("MSD_DATA_DIR", "~/no data")
    assert f"{tmp_path / 'no data'}" in msd("propose", "--preset", "mnist-2min", "--json").err
    monkeypatch.setenv("MSD_DATA_DIR", "~nobody-at-all/x")
    assert "~nobody-at-all/x" in msd("propose", "--preset", "mnist-2min").err

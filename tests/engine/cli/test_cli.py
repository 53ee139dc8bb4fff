"""The `msd` command as a whole: its help, its presets, and the processes and folders around it."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from called import MSD, QUICK, in_a_process

import msd_engine
from msd_engine.backend.folders import cache_folder
from msd_engine.cli.fields import declared_fields, describe_range
from msd_engine.cli.main import main
from msd_engine.runs.samples import load_samples
from msd_engine.specs import ExperimentSpec, load_preset, preset_names


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

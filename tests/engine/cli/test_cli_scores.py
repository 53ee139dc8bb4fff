"""`msd scores`: the table for people, and the files for programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from msd_engine.cli.main import main
from msd_engine.specs.scores.spec import ScoresSpec

FEW = "--steps 6 --width 8 --depth 1 --batch 16 --seeds 0,1 --objectives denoising,explicit --threads 1 --device cpu"


def ran(line: str) -> int:
    return main(["scores", *line.split()])


def test_a_table_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(f"{FEW} --out {tmp_path / 'table.csv'}") == 0
    printed = capsys.readouterr().out
    assert "Where the data are, Denoising is nearest to the exact score" in printed
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["objective"] for row in rows] == ["denoising", "explicit"]
    assert [row["uses_exact"] for row in rows] == ["False", "True"]
    for row in rows:
        assert float(row["data_low"]) < float(row["data_mean"]) < float(row["data_high"])
        assert f"{float(row['data_mean']):.3f}" in printed


def test_json_holds_the_settings_and_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "table.json"
    assert ran(f"--preset ring-8 {FEW} --seeds 3 --out {path} --json") == 0
    reported = json.loads(capsys.readouterr().out)
    written = json.loads(path.read_text())
    assert reported["rows"] == written["rows"]
    ends = reported["rows"][0]["errors"]["data"]
    assert (ends["low"], ends["high"]) == (0.0, None)
    assert list(reported["rows"][0]["by_seed"]["data"]) == ["3"]
    assert ScoresSpec.from_json(json.dumps(written["spec"])).seeds == (3,)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--preset digits-30s", "known: choose points or a mixture"),
        ("--objectives ncsn,colour", "contenders"),
        ("--objectives ncsn,ncsn", "twice"),
        ("--seeds one", "whole numbers"),
        ("--seconds 3", "--steps"),
        ("--training.objective implicit", "give --objectives"),
        ("--out table.txt", "must end in .csv or .json"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(line) == 2
    reported = capsys.readouterr().err.strip().splitlines()
    assert len(reported) == 1
    assert words in reported[0]

"""`msd shoot-out`: the table for people, the files, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from msd_engine.cli.main import main

FEW = "two-gaussians --chains 20 --evaluations 6 12 --seeds 2 --threads 1 --device cpu"


def ran(line: str) -> int:
    return main(["shoot-out", *line.split()])


def test_the_table_is_printed_and_the_files_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "folder"
    assert ran(f"{FEW} --samplers langevin:r=0.3 ode --out {out}") == 0
    printed = capsys.readouterr().out
    assert "With 12 evaluations " in printed
    assert {path.name for path in out.iterdir()} == {"shoot-out.csv", "shoot-out.md", "shoot-out.svg"}
    for line in printed.splitlines():
        if line.startswith("Langevin "):
            assert line.split()[1] in ("6", "12")
    assert (out / "shoot-out.svg").read_text().count("<svg") == 1


def test_json_is_one_line_with_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(f"{FEW} --seeds 4,7 --samplers gibbs consistent --json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["title"], row["budget"]) for row in found["rows"]] == [
        ("Gibbs (exact)", 6), ("Consistent", 6), ("Gibbs (exact)", 12), ("Consistent", 12),
    ]  # fmt: skip
    assert list(found["rows"][0]["by_seed"]["distance"]) == ["4", "7"]
    assert found["exact"]["distance"]["low"] < found["exact"]["distance"]["mean"]
    assert found["text"].startswith("With 12 evaluations")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("digits-30s", "choose points or a mixture"),
        ("two-gaussians --samplers colour", "There is no sampler 'colour'"),
        ("two-gaussians --samplers ode:r=2", "it has none"),
        ("two-gaussians --samplers langevin:r=fast", "must be a number"),
        ("two-gaussians --samplers ode ode", "twice"),
        ("two-gaussians --evaluations few", "whole numbers"),
        ("two-gaussians --seeds 0", "give their number"),
        ("two-gaussians --sampler ode", "give --samplers"),
        ("two-gaussians --source trained", "give --run"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(line) == 2
    reported = capsys.readouterr().err.strip().splitlines()
    assert len(reported) == 1
    assert words in reported[0]

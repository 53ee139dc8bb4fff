"""`msd tune`: the table of a search, one line of JSON, and a file that sampling goes on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from msd_engine.cli.commands import tune as command
from msd_engine.cli.main import main
from msd_engine.events import Effect, Figure, Finalist, Finished, Started, TuneReport, TuneRow, TuneTable
from msd_engine.runs.restoring import read_spec
from msd_engine.specs import job_of, load_card, model_folder

BEST = {"sampling.sampler": "consistent", "sampling.levels": 12, "sampling.step_ratio": 0.125}
WANTED: list[Any] = []


def received(spec: Any, run: Path) -> Any:
    rows = (
        TuneRow(3, "drawn", "Consistent 12 × 1", BEST, 12, 1, 64, "frechet", 5.0, 4.0, 6.0, (7.0, 5.0)),
        TuneRow(0, "preset", "Underdamped 3 × 3", {}, 9, 0, 32, "kernel", 9.0, 8.0, 10.0, (9.0,), survives=False),
    )
    preset = TuneRow(-1, "preset", "Underdamped 25 × 5", {}, 126)
    figures = (Figure("frechet", "Fréchet distance", 5.5, 4.5, 6.5, 2.0, real_spread=0.25),)
    effects = (
        Effect("sampling.step_ratio", "Step ratio", 0.4, 0.1, 0.7, 24),
        Effect("sampling.ladder", "Ladder", 0.05, -0.1, 0.2, 24),
    )
    yield Started("tune", "cpu", 10, 0, spec.to_json())
    yield TuneTable(rows, 1, (32, 64))
    best = spec.base.replace_all(BEST)
    finalists = (Finalist(rows[0], 96, figures), Finalist(preset, 96, figures))
    yield TuneReport(finalists, effects, best.to_json(), "some features", 149, 148, 96)
    yield Finished(2, 1.5, "The best of 2 chains.", str(run / "tune.jsonl"))


@pytest.fixture
def msd(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command with a job that only tells, in an empty folder; returns code, output and errors."""
    monkeypatch.chdir(tmp_path)
    WANTED.clear()

    def job(_options: Any, spec: Any, run: Path) -> Any:
        WANTED.append((spec, run))
        return received(spec, run)

    monkeypatch.setattr(command, "_job", job)

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return (main(["tune", *words]), *capsys.readouterr())

    return call


def test_one_line_of_json_has_all_candidates_and_the_file_is_the_best_chain(msd: Any) -> None:
    words = ("--evaluations", "50", "--candidates", "9", "--chains", "32,64", "--final", "96", "--seed", "4")
    code, out, errors = msd("digits", *words, "--apply", "best.json", "--json")
    assert code == 0
    (line,) = out.splitlines()
    figures = json.loads(line)
    ((spec, run),) = WANTED
    assert run == model_folder("digits")
    assert (spec.evaluations, spec.candidates, spec.rungs, spec.final, spec.seed) == (50, 9, (32, 64), 96, 4)
    assert spec.base.sampling.source == "trained"
    assert figures["best"]["values"] == BEST
    assert [one["by_rung"] for one in figures["candidates"]] == [[7.0, 5.0], [9.0]]
    assert figures["finalists"][0]["figures"]["frechet"] == {
        "value": 5.5, "interval": [4.5, 6.5], "real": 2.0, "real_spread": 0.25,
    }  # fmt: skip
    assert [effect["clear"] for effect in figures["effects"]] == [True, False]
    best = read_spec("best.json")
    assert all(best.get(path) == value for path, value in BEST.items())
    assert best.data == load_card("digits").spec.data
    assert job_of(Path("best.json").read_bytes()) == "sample"
    assert "msd sample --preset best.json" in errors


def test_the_table_says_what_is_unclear(msd: Any) -> None:
    code, out, _ = msd("--model", "digits")
    assert code == 0
    rows = {line.split("│")[1].strip(): line for line in out.splitlines() if line.startswith("│")}
    assert "unclear" in rows["Ladder"]
    assert "0.40" in rows["Step ratio"]
    assert "4 to 6" in rows["Consistent 12 × 1"]
    assert "5.5 (4.5 to 6.5)" in rows["Fréchet distance"]
    assert "2 ± 0.25" in rows["Fréchet distance"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--model NAME"),
        (("digits", "--model", "digits"), "--model NAME"),
        (("nothing-here",), "nothing-here"),
        (("--model", "nothing"), "no pretrained model"),
        (("digits", "--chains", "64,32"), "must rise"),
        (("digits", "--chains", "many"), "whole numbers"),
        (("digits", "--evaluations", "0"), "--evaluations must be a positive"),
        (("digits", "--evaluations", "2"), "evaluations must be"),
        (("digits", "--seed", "x"), "--seed"),
        (("digits", "--apply", "best.txt"), ".json"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_sentence(msd: Any, words: tuple[str, ...], said: str) -> None:
    code, out, errors = msd(*words)
    assert (code, out) == (2, "")
    assert said in errors
    assert not WANTED

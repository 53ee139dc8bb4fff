"""`msd propose`: what the job proposes, beside what is set now, and a file that goes on with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from msd_engine.cli.main import main
from msd_engine.events import Ladder, Proposed
from msd_engine.jobs.sampling.ladder import ladder
from msd_engine.jobs.sampling.propose import proposal
from msd_engine.runs.restoring import read_spec
from msd_engine.specs import load_card, load_preset


@pytest.fixture
def msd(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command in this process, in an empty folder; returns code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return (main(["propose", *words]), *capsys.readouterr())

    return call


def own(spec: Any) -> Proposed:
    (found,) = [event for event in proposal(spec) if isinstance(event, Proposed)]
    return found


def test_it_is_the_proposal_of_the_job_and_its_file_continues_with_it(msd: Any) -> None:
    spec = load_preset("ring-8").replace_all({"training.k": 4, "sampling.steps_per_level": 20})
    code, out, _ = msd("--preset", "ring-8", "--k", "4", "--steps_per_level", "20", "--out", "better.json", "--json")
    assert code == 0
    (line,) = out.splitlines()
    received = json.loads(line)
    expected = own(spec)
    assert received["values"] == dict(expected.values)
    assert received["text"] == expected.text
    assert received["kept"]["training.k"] == 4
    better = spec.replace_all(dict(expected.values))
    assert read_spec("better.json") == better
    for when, wanted in (("now", spec), ("then", better)):
        (step,) = [event for event in ladder(wanted) if isinstance(event, Ladder)]
        assert received[f"evaluations_{when}"] == step.evaluations
        assert received[f"swelling_{when}"] == pytest.approx(step.swelling.max())


def test_the_table_has_each_field_now_and_as_proposed_and_flags_that_work(msd: Any) -> None:
    code, out, _ = msd("--model", "digits")
    assert code == 0
    spec = load_card("digits").spec
    values = own(spec).values
    rows = {line[:24].split("  ")[0]: line for line in out.splitlines()}
    assert rows["Levels"].split()[-2:] == [str(spec.sampling.levels), str(values["sampling.levels"])]
    assert rows["Last noise"].split()[-2] == rows["Last noise"].split()[-1] == f"{spec.sampling.sigma_L:g}"
    (flags,) = [line.removeprefix("As flags: ") for line in out.splitlines() if line.startswith("As flags: ")]
    code, again, _ = msd("--model", "digits", *flags.split())
    assert code == 0
    # What was proposed is proposed again: it rests on the data alone.
    assert flags in again


@pytest.mark.parametrize("preset", ["ring-8", "digits-30s"])
@pytest.mark.parametrize("steps", ["1", "5"])
def test_what_is_said_of_the_noise_is_what_the_proposed_ladder_leaves(msd: Any, preset: str, steps: str) -> None:
    words = ("--preset", preset, "--sampler", "langevin", "--steps_per_level", steps, "--json")
    received = json.loads(msd(*words)[1])
    by_paper = json.loads(msd(*words, "--step", "ncsnv2")[1])
    for found in (received, by_paper):
        said = float(found["text"].split("long ladder is ")[1].split()[0])
        assert found["swelling_then"] == pytest.approx(said, rel=0.02)
    assert received["swelling_then"] <= by_paper["swelling_then"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("run", "--preset", "ring-8"),
        ("--preset", "nothing"),
        ("--preset", "ring-8", "--out", "better.txt"),
        ("--preset", "ring-8", "--out", "none/better.json"),
        ("--preset", "ring-8", "--k", "many"),
        ("--preset", "ring-8", "--levls", "3"),
        ("--model", "digits", "--k", "0"),
        ("no-run",),
        ("--preset", "mnist-2min", "--data-dir", "nowhere"),
    ],
)
def test_bad_input_is_refused_with_one_sentence(msd: Any, words: tuple[str, ...]) -> None:
    code, out, err = msd(*words)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("msd: ")
    assert line[-1] in ".?"

"""`msd why`: the table, the line of JSON, and what it refuses."""

from __future__ import annotations

import json

import pytest

from msd_engine.cli.main import main

QUICK = ["--preset", "two-gaussians", "--steps_per_level", "2", "--levels", "3", "--n", "5"]


def test_counts_and_conclusion_as_a_table_and_as_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", *QUICK]) == 0
    table = capsys.readouterr().out
    assert main(["why", *QUICK, "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    received = json.loads(line)
    assert received["text"] in table
    changes = [trial["change"] for trial in received["trials"]]
    assert [one for one in changes if one != "σ_L / 2"] == ["as is", "actual noise", "T × 2", "another seed"]
    assert all(trial["n"] == 5 and 0 <= trial["survived"] <= 5 for trial in received["trials"])
    assert received["trials"][0]["chance"] is None
    assert received["trials"][2]["values"] == {"sampling.steps_per_level": 4}


@pytest.mark.parametrize(
    ("words", "named"),
    [(["--n", "0"], "--n"), (["--model", "digits"], "exactly one"), (["--sigma_L", "-1"], "sigma_L")],
)
def test_bad_input_is_refused_with_one_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    assert main(["why", "--preset", "two-gaussians", *words]) == 2
    assert named in capsys.readouterr().err


def test_shares_are_explained_where_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    # A first noise inside the data draws the nearer mode too often.
    narrow = ["--preset", "ncsn-toy", "--sigma_1", "2", "--start", "uniform", "--levels", "2", "--steps_per_level", "4"]
    assert main(["why", *narrow, "--fault", "shares", "--n", "200", "--json"]) == 0
    table, line = capsys.readouterr()
    received = json.loads(table)
    assert received["text"] in line
    assert received["text"].startswith("Chains ")
    assert "mode" in received["text"]
    assert [one["change"] for one in received["trials"]] == ["as is", "actual noise", "T × 2", "T / 2", "σ₁ × 2"]

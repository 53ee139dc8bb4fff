"""Places for the runs of a comparison: what they need here, and the cards that they can give."""

from __future__ import annotations

import pytest

from msd_engine.specs import SpecError
from msd_engine.specs.tables.places import PLACES, cards_of, why_not


@pytest.mark.parametrize(
    ("text", "on", "cards"),
    [("", "slurm", None), (" ", "", None), ("0.5", "ray", 0.5), ("0", "slurm:a", 0.0), ("2", "ray:host:1", 2.0)],
)
def test_cards_that_a_place_can_give(text: str, on: str, cards: float | None) -> None:
    assert cards_of(text, on) == cards


@pytest.mark.parametrize(
    ("text", "on", "part"),
    [
        ("1.5", "ray", "fraction below 1"),
        ("-1", "ray", "'-1'"),
        ("inf", "ray", "'inf'"),
        ("nan", "ray", "'nan'"),
        ("one", "slurm", "'one'"),
        ("0.5", "slurm", "whole cards"),
        ("1", "local:2", "share its cards"),
        ("1", "", "share its cards"),
    ],
)
def test_other_cards_are_refused_in_a_sentence(text: str, on: str, part: str) -> None:
    with pytest.raises(SpecError, match=part):
        cards_of(text, on)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_not("local") == ""
    there: dict[str, object] = {}
    monkeypatch.setattr("msd_engine.specs.tables.places.find_spec", there.get)
    monkeypatch.setattr("msd_engine.specs.tables.places.shutil.which", there.get)
    assert "msd-gui[ray]" in why_not("ray")
    assert "msd-gui[slurm]" in why_not("slurm")
    there["submitit"] = "found"
    assert "sbatch" in why_not("slurm")
    there |= {"ray": "found", "sbatch": "found"}
    assert [why_not(kind) for kind in PLACES] == ["", "", ""]

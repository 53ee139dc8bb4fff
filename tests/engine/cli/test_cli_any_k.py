"""Another number of copies on the command line: for a run that serves every k, and for one that does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from msd_engine.cli.main import main
from msd_engine.runs.samples import load_samples

FEW = ["--levels", "2", "--steps_per_level", "1", "--n", "4", "--json"]


@pytest.fixture(params=["mean", "concat"])
def fusion(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Train a run in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    small = ["--steps", "3", "--k", "2", "--batch", "16", "--network.width", "16", "--network.embedding", "16"]
    name = str(request.param)
    assert main(["train", "--preset", "ncsn-toy", "--out", "run", *small, "--network.fusion", name]) == 0
    return name


@pytest.mark.parametrize("flag", ["--k", "--training.k"])
def test_k_of_a_run(fusion: str, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    code = main(["sample", "run", "--out", "a.npz", flag, "3", *FEW])
    received = capsys.readouterr()
    if fusion == "mean":
        assert code == 0, received.err
        assert load_samples("a.npz").y.shape == (4, 3, 2)
        assert json.loads(received.out)["out"] == "a.npz"
        assert main(["sample", "run", "--out", "a.npz", "--batch", "7", *FEW]) == 2
        assert "training.batch belongs to the trained run" in capsys.readouterr().err
    else:
        assert code == 2
        assert "takes k = 2 copies alone" in received.err
        assert "--network.fusion mean" in received.err

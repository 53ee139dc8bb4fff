"""The log of measurements: what is whole is read, what is damaged is counted, and nothing in it bars a run."""

import math
from pathlib import Path

import numpy as np
import pytest

from msd_engine.jobs.training.recall import measured_again
from msd_engine.runs.layout import METRICS
from msd_engine.runs.log import Log
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", ExperimentSpec(), device="cpu")


def test_metrics_come_back_and_are_dropped_after_a_step(run: Run) -> None:
    assert run.read_metrics() == Log([], 0)
    rows = [{"step": step, "loss": 1.0 / (step + 1), "extra": np.array([0.5, np.inf])} for step in range(6)]
    run.append_metrics(rows[:4])
    run.append_metrics([*rows[4:], {"step": 6, "loss": float("nan"), "mmse": np.float64(0.25)}])
    read = run.read_metrics().rows
    assert [row["step"] for row in read] == list(range(7))
    assert read[2]["loss"] == 1.0 / 3
    assert read[0]["extra"][0] == 0.5
    assert math.isnan(read[0]["extra"][1])
    assert math.isnan(read[0]["elapsed_s"])
    assert math.isnan(read[6]["loss"])
    assert read[6]["mmse"] == 0.25
    assert run.rewind(3) == ""
    assert [row["step"] for row in run.read_metrics().rows] == [0, 1, 2, 3]


def test_a_line_that_a_crash_cut_is_forgotten_and_swallows_no_other(run: Run) -> None:
    run.append_metrics([{"step": 1, "loss": 1.0}, {"step": 2, "loss": 2.0}])
    path = run.folder / METRICS
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        kept = [1, 2][: whole[:end].count(b"\n")]
        rows, damaged = run.read_metrics()
        assert ([row["step"] for row in rows], damaged) == (kept, 0)
        run.append_metrics([{"step": 3, "loss": 5.0}])
        rows, damaged = run.read_metrics()
        # Only the line feed was missing: then the row is whole after all.
        whole_again = [1, 2] if end == len(whole) - 1 else [1] if end == whole.index(b"\n") else kept
        assert [row["step"] for row in rows] == [*whole_again, 3]
        assert damaged == (whole_again == kept and not whole[:end].endswith(b"\n") and end > 0)


BAD_LINES = {
    "a list": "[]",
    "nothing": "{}",
    "a step in words": '{"step": "1", "loss": 1.0}',
    "half a step": '{"step": 1.5, "loss": 1.0}',
    "a step that is true": '{"step": true, "loss": 1.0}',
    "a step before the first": '{"step": -1, "loss": 1.0}',
    "no words": "nonsense",
    "zeros": "\x00" * 300,
    "deep": "[" * 100_000,
    "no loss": '{"step": 5}',
    "a loss in words": '{"step": 5, "loss": "1.0"}',
    "a list for a loss": '{"step": 5, "loss": [1.0]}',
    "a loss beyond all numbers": '{"step": 5, "loss": 1' + "0" * 400 + "}",
    "a number for bands": '{"step": 5, "held_out": 1.0, "band_loss": 1.0}',
    "bands that do not fit": '{"step": 5, "held_out": 1.0, "band_loss": [1.0], "band_sigma_eff": [], "band_mmse": []}',
    "nested bands": '{"step": 5, "held_out": 1.0, "band_loss": [[1.0]], "band_sigma_eff": [1], "band_mmse": [1]}',
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_damaged_line_is_left_out_and_reported_once(run: Run, name: str) -> None:
    path = run.folder / METRICS
    good = '{"step": 1, "loss": 1.0}\n', '{"step": 2, "held_out": 0.5}\n'
    path.write_text(good[0] + BAD_LINES[name] + "\n" + good[1])
    rows, damaged = run.read_metrics()
    assert ([row["step"] for row in rows], damaged) == ([1, 2], 1)
    *received, notice = measured_again(run)
    assert [type(event).__name__ for event in received] == ["HeldOutLoss", "LossPoints"]
    assert "1 line is damaged" in notice.text
    assert "1 damaged line was left out" in run.rewind(2)
    assert run.rewind(2) == ""
    assert [row["step"] for row in run.read_metrics().rows] == [1, 2]


def test_a_log_that_cannot_be_read_is_put_aside(run: Run) -> None:
    (run.folder / METRICS).mkdir()
    [notice] = measured_again(run)
    assert "cannot be shown" in notice.text
    assert "put aside" in run.rewind(2)
    run.append_metrics([{"step": 3, "loss": 1.0}])
    assert len(run.read_metrics().rows) == 1


def test_steps_that_were_repeated_are_reported_once(run: Run) -> None:
    held_out = [{"step": step, "held_out": float(step)} for step in (2, 4)]
    first = [{"step": step, "loss": 1.0} for step in range(1, 6)]
    run.append_metrics([*first[:2], held_out[0], *first[2:4], held_out[1], first[4]])
    again = [{"step": step, "loss": 2.0} for step in range(3, 5)]
    run.append_metrics(again)
    run.append_metrics([*again[1:], held_out[1]])
    read = [(row["step"], row.get("loss")) for row in run.read_metrics().rows]
    assert read == [(1, 1.0), (2, 1.0), (2, None), (3, 2.0), (4, 2.0), (4, None)]

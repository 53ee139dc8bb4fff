"""Runs behind real servers of ssh and of S3, far away and cut off for a minute; `far` says what they need."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import far
import pytest

from msd_engine.events import Watched
from msd_engine.jobs.files.elsewhere import ask_elsewhere, watch_elsewhere
from msd_engine.runs.layout import MANIFEST, METRICS
from msd_engine.runs.log import read_log
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

SPEC = load_preset("ncsn-toy").replace("network.width", 16)
CUT_S = 60.0


@pytest.fixture(params=["sftp", "s3"])
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[far.Place]:
    with contextlib.ExitStack() as stack:
        opened = far.s3(monkeypatch) if request.param == "s3" else far.sftp(tmp_path, monkeypatch)
        try:
            found = stack.enter_context(opened)
        except far.MissingError as error:
            pytest.skip(str(error))
        yield found


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"step": step, "loss": step / 7, "elapsed_s": 0.1 * step} for step in range(first, last + 1)]


@pytest.mark.parametrize("how", ["refused", "silent"])
def test_a_run_far_away_is_followed_over_a_cut_of_a_minute(place: far.Place, how: str, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "near" / "one", SPEC, device="cpu")
    written = 0

    def train(first: int, last: int) -> None:
        nonlocal written
        before = (run.folder / METRICS).stat().st_size if first > 1 else 0
        run.append_metrics(rows(first, last))
        written += (run.folder / METRICS).stat().st_size - before
        for name in (METRICS, MANIFEST):
            place.put("one", run.folder / name)

    train(1, 1000)
    job = watch_elsewhere(place.address, tmp_path / "here")
    told = (event for event in job if isinstance(event, Watched))
    seen = next(event for event in told if not math.isnan(event.age_s) and event.runs)
    copy = Path(seen.folder) / "one"
    steps = 1000
    for _ in range(10):
        train(steps + 1, steps + 1000)
        steps += 1000
        next(event for event in told if len(read_log(copy / METRICS).rows) == steps)
    # Of the curves only the new part was read, besides listings and the small files.
    assert place.relay.passed < 1.3 * written + 100_000
    place.relay.cut() if how == "refused" else place.relay.hold()
    cut_s = time.monotonic()
    train(steps + 1, steps + 1000)
    problem = next(event for event in told if event.problem)
    # The badge of C11: silence is said within 15 s.
    assert problem.age_s < 15.0
    ages = [problem.age_s]
    while time.monotonic() - cut_s < CUT_S:
        event = next(told)
        assert event.problem
        ages.append(event.age_s)
    assert ages == sorted(ages)
    assert ages[-1] > 0.9 * CUT_S
    place.relay.mend()
    back = next(event for event in told if not event.problem)
    assert back.age_s < ages[-1]
    found = read_log(copy / METRICS)
    assert [row["step"] for row in found.rows] == list(range(1, steps + 1001))
    assert found.damaged == 0
    job.close()  # type: ignore[attr-defined]
    list(ask_elsewhere(copy, "stop"))
    assert place.has("stop.request")

"""Watching runs elsewhere: over a cut, to its end, and with requests to their trainings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from lab import PLACE, rows, send

from msd_engine.backend.errors import UserError
from msd_engine.events import (
    Failed,
    Finished,
    Watched,
)
from msd_engine.jobs.files import elsewhere
from msd_engine.jobs.files.elsewhere import ask_elsewhere, watch_elsewhere
from msd_engine.runs.layout import METRICS
from msd_engine.runs.log import read_log
from msd_engine.runs.remote.mirror import Mirror, ask
from msd_engine.runs.run import Run


def cut_off(method: Callable[..., object], down: list[bool]) -> Callable[..., object]:
    def slow(self: MemoryFileSystem, path: str, **more: object) -> object:
        time.sleep(0.02)
        if down[0]:
            raise ConnectionResetError("Connection reset by peer")
        return method(self, path, **more)

    return slow


def test_a_cut_is_said_and_survived(
    tmp_path: Path, lab: MemoryFileSystem, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"_REFRESH_S": (0.01, 0.01), "_PULL_S": (0.01, 0.01), "_AWAY_S": 0.01}.items():
        monkeypatch.setattr(elsewhere, name, seconds)
    monkeypatch.setattr(elsewhere, "_TELL_HZ", 1000.0)
    down = [False]
    for name in ("ls", "info"):
        monkeypatch.setattr(MemoryFileSystem, name, cut_off(getattr(MemoryFileSystem, name), down))
    job = watch_elsewhere(PLACE, tmp_path / "here")
    told = (event for event in job if isinstance(event, Watched))
    assert next(event for event in told if event.runs).age_s >= 0.0
    down[0] = True
    cut = next(event for event in told if event.problem)
    assert "Connection reset by peer" in cut.problem
    assert next(told).age_s > cut.age_s - 1e-9
    run.append_metrics(rows(51, 55))
    send(lab, run)
    down[0] = False
    back = next(event for event in told if not event.problem and event.age_s < cut.age_s)
    assert [one["step"] for one in read_log(Path(back.folder) / "one" / METRICS).rows] == list(range(1, 56))
    job.close()  # type: ignore[attr-defined]


def test_a_missing_answer_is_said_and_not_waited_for_at_the_end(
    tmp_path: Path, lab: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = threading.Event(), threading.Event()

    def never(self: MemoryFileSystem, path: str, **more: object) -> list[object]:
        asked.set()
        answered.wait()
        return []

    monkeypatch.setattr(MemoryFileSystem, "ls", never)
    job = watch_elsewhere(PLACE, tmp_path / "here")
    monkeypatch.setattr(elsewhere, "_UNANSWERED_S", 0.2)
    monkeypatch.setattr(elsewhere, "_TELL_HZ", 1000.0)
    told = (event for event in job if isinstance(event, Watched))
    assert next(event for event in told if event.problem).problem == "It has not answered yet."
    assert asked.is_set()
    job.close()  # type: ignore[attr-defined]
    assert not answered.is_set()
    answered.set()


def test_a_request_becomes_a_file_there(tmp_path: Path, lab: MemoryFileSystem, run: Run) -> None:
    mirror = Mirror(PLACE, tmp_path / "here")
    mirror.pull()
    assert isinstance(list(ask_elsewhere(mirror.folder / "one", "stop"))[-1], Finished)
    assert lab.exists("/lab/runs/one/stop.request")
    with pytest.raises(UserError, match="no copy"):
        ask(run.folder, "stop")
    assert isinstance(list(ask_elsewhere(run.folder, "checkpoint"))[-1], Failed)

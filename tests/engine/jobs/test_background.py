"""Work in a thread of its own reports, returns and raises; its caller can end it."""

import importlib.abc
import importlib.machinery
import sys
import threading
from collections.abc import Generator

import pytest

from msd_engine.events import Event, Notice, Tick
from msd_engine.jobs.tools.background import Notify, imported, in_background


def drain(job: Generator[Event, None, int]) -> tuple[list[Event], int]:
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as end:
            return events, end.value


@pytest.mark.timeout(30)
def test_what_is_reported_comes_up_and_the_result_comes_back() -> None:
    seen = threading.Event()

    def work(notify: Notify) -> int:
        notify(Notice("first"))
        seen.wait(20)
        notify(Notice("last"))
        return 7

    job = in_background(work)
    # Waiting for the work, the caller gets ticks and keeps its turn.
    first = next(job)
    while isinstance(first, Tick):
        first = next(job)
    assert isinstance(first, Notice)
    assert isinstance(next(job), Tick)
    seen.set()
    events, result = drain(job)
    assert [event.text for event in events if isinstance(event, Notice)] == ["last"]
    assert result == 7


def test_what_the_work_raises_is_raised() -> None:
    def work(_: Notify) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drain(in_background(work))


@pytest.mark.timeout(30)
def test_a_closed_job_ends_its_work_at_the_next_word() -> None:
    go_on, ended = threading.Event(), threading.Event()
    reached = []

    def work(notify: Notify) -> int:
        try:
            go_on.wait(20)
            notify(Notice("nobody listens"))
            reached.append("beyond")
        finally:
            ended.set()
        return 0

    job = in_background(work)
    next(job)
    job.close()
    go_on.set()
    assert ended.wait(20)
    assert not reached


class SlowModule(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """A module whose import goes on until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name == "slow_module" else None

    def exec_module(self, module):
        self.begun.set()
        self.go_on.wait(20)
        module.is_whole = True


@pytest.mark.timeout(30)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_job_that_is_closed_does_not_wait_for_an_import(monkeypatch: pytest.MonkeyPatch, elsewhere: bool) -> None:
    slow = SlowModule()
    monkeypatch.setattr(sys, "meta_path", [slow, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "slow_module", raising=False)
    try:
        if elsewhere:
            threading.Thread(target=lambda: __import__("slow_module"), daemon=True).start()
            assert slow.begun.wait(20)
        job = imported("slow_module")
        assert isinstance(next(job), Tick)
        assert slow.begun.wait(20)
        job.close()
        assert not slow.go_on.is_set()
        job = imported("slow_module")
        assert isinstance(next(job), Tick)
        slow.go_on.set()
        assert all(isinstance(event, Tick) for event in job)
        assert sys.modules["slow_module"].is_whole
        assert list(imported("slow_module")) == []
    finally:
        slow.go_on.set()
        sys.modules.pop("slow_module", None)

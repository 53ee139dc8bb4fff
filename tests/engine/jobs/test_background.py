"""Work in a thread of its own is told, returned, raised and ended by its caller."""

import threading
from collections.abc import Generator

import pytest

from msd_engine.events import Event, Notice, Tick
from msd_engine.jobs.tools.background import Notify, in_background


def drain(job: Generator[Event, None, int]) -> tuple[list[Event], int]:
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as end:
            return events, end.value


@pytest.mark.timeout(30)
def test_what_is_told_comes_up_and_the_result_comes_back() -> None:
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

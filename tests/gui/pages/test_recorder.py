"""Recording in steps: one at each tick, what the job is given, and what stops or goes wrong on the way."""

from __future__ import annotations

import pytest

from msd_engine.events import Finished, Progress
from msd_engine.specs import Live
from msd_engine.specs.live import NEVER
from msd_gui.bridge.clock import ScreenClock
from msd_gui.pages.base.recorder import Recorder


def saved(result):
    def job(_cadence, _live):
        yield Finished(0, 0.0, result)

    return job


def steps(log, count=3):
    try:
        for number in range(count):
            log.append(number)
            yield
        return "whole"
    finally:
        log.append("closed")


def test_one_step_is_taken_at_each_tick_and_the_job_waits_for_the_last(qapp):
    clock, log = ScreenClock(), []
    recorder = Recorder(clock, steps(log), clock, count=3, words="Recording")
    job = recorder.job(saved)(NEVER, Live())
    assert log == []
    for number in range(3):
        told = next(job)
        assert isinstance(told, Progress)
        assert (told.step, told.total) == (number, 3)
        clock.tick.emit()
        assert log == list(range(number + 1))
    clock.tick.emit()
    assert log[-1] == "closed"
    assert [event.text for event in job if isinstance(event, Finished)] == ["whole"]
    clock.tick.emit()


def test_a_job_that_is_closed_ends_the_steps(qapp):
    clock, log = ScreenClock(), []
    job = Recorder(clock, steps(log, 1000), clock).job(saved)(NEVER, Live())
    next(job)
    clock.tick.emit()
    job.close()
    clock.tick.emit()
    assert log == [0, "closed"]
    clock.tick.emit()
    assert log == [0, "closed"]


def test_a_step_that_fails_is_told_by_the_job(qapp):
    def failing():
        yield
        raise ValueError("no such layer")

    clock = ScreenClock()
    job = Recorder(clock, failing(), clock).job(saved)(NEVER, Live())
    clock.tick.emit()
    next(job)
    clock.tick.emit()
    with pytest.raises(ValueError, match="no such layer"):
        list(job)

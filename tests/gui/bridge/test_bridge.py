"""The bridge: newest frame wins, loss points are never lost, a stopped job is closed, errors become sentences."""

import os
import sys
import threading
import time

import numpy as np
import pytest

from msd_engine.events import ChainReport, Failed, Finished, LossPoints, Progress, Tick
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.mailbox import Mailbox
from msd_gui.bridge.runner import SYNCHRONOUS, Runner


def points(step):
    return LossPoints(np.array([step]), np.array([1.0]), np.array([0.0]))


def progress(step):
    return Progress(step, 10, 1.0, 1.0, 0.0, 0.0)


@pytest.fixture
def clock(qtbot):
    clock = ScreenClock()
    clock.start()
    yield clock
    clock.stop()


@pytest.fixture
def runner(clock):
    runner = Runner(clock)
    runner.seen = []
    runner.event_ready.connect(runner.seen.append)
    yield runner
    runner.close()


def test_mailbox_keeps_points_and_only_the_newest_frame():
    box = Mailbox()
    for step in range(5):
        box.put(1, points(step))
        box.put(1, progress(step))
        box.put(1, Tick())
    events = [event for _, event in box.drain()]
    assert [int(event.steps[0]) for event in events if isinstance(event, LossPoints)] == list(range(5))
    assert [event.step for event in events if isinstance(event, Progress)] == [4]
    assert len(events) == 6
    assert box.drain() == []


def test_mailbox_does_not_mix_generations():
    box = Mailbox()
    box.put(1, progress(1))
    box.put(2, progress(2))
    assert [(generation, event.step) for generation, event in box.drain()] == [(1, 1), (2, 2)]


def test_events_come_in_order_and_idle_is_told_last(qtbot, runner):
    def job(cadence, live):
        yield points(0)
        yield points(1)
        yield Finished(2, 0.0, "done")

    received = []
    runner.event_ready.connect(lambda event: received.append(type(event).__name__))
    runner.running_changed.connect(received.append)
    runner.submit(job)
    qtbot.waitUntil(lambda: not runner.running)
    assert received == [True, "LossPoints", "LossPoints", "Finished", False]


def test_events_arrive_on_the_screen_thread(qtbot, runner):
    threads = {}

    def job(cadence, live):
        threads["job"] = threading.get_ident()
        yield points(0)

    runner.event_ready.connect(lambda event: threads.update(event=threading.get_ident()))
    runner.submit(job)
    qtbot.waitUntil(lambda: not runner.running)
    assert threads["event"] == threading.get_ident() != threads["job"]


def test_stop_closes_the_job(qtbot, runner):
    closed = threading.Event()

    def job(cadence, live):
        try:
            while True:
                yield Tick()
                time.sleep(0.001)
        finally:
            closed.set()

    runner.submit(job)
    qtbot.wait(50)
    runner.stop()
    qtbot.waitUntil(lambda: not runner.running)
    assert closed.is_set()


def test_a_new_job_closes_the_old_and_drops_its_events(qtbot, runner):
    def old(cadence, live):
        while True:
            yield points(-1)
            time.sleep(0.001)

    def new(cadence, live):
        yield points(1)

    runner.submit(old)
    qtbot.waitUntil(lambda: bool(runner.seen))
    runner.submit(new)
    runner.seen.clear()
    qtbot.waitUntil(lambda: not runner.running)
    assert [int(event.steps[0]) for event in runner.seen] == [1]


def test_grace_lets_a_young_job_finish(qtbot, runner):
    all_submitted = threading.Event()

    def job(number):
        def run(cadence, live):
            while not all_submitted.is_set():
                yield Tick()
                time.sleep(0.001)
            yield Finished(number, 0.0, "")

        return run

    for number in range(4):
        runner.submit(job(number), grace_ms=60_000)
        qtbot.wait(5)
    all_submitted.set()
    qtbot.waitUntil(lambda: not runner.running)
    # The first finishes, those that were overtaken while it ran never begin, the newest always runs.
    assert [event.step for event in runner.seen] == [0, 3]


def test_an_error_becomes_a_sentence_and_the_runner_goes_on(qtbot, runner):
    def bad(cadence, live):
        yield Tick()
        raise RuntimeError("no room")

    def good(cadence, live):
        yield points(3)

    runner.submit(bad)
    qtbot.waitUntil(lambda: not runner.running)
    (failure,) = runner.seen
    assert isinstance(failure, Failed)
    assert "no room" in failure.text
    assert "Traceback" in failure.details
    runner.submit(good)
    qtbot.waitUntil(lambda: not runner.running)
    assert isinstance(runner.seen[-1], LossPoints)


def test_no_frame_is_due_while_nobody_watches(qtbot, runner):
    due = []

    def job(cadence, live):
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            due.append(cadence.due())
            yield Tick()
            time.sleep(0.002)

    runner.set_watched(False)
    runner.submit(job)
    qtbot.waitUntil(lambda: not runner.running)
    assert due
    assert not any(due)
    runner.set_watched(True)
    runner.submit(job)
    qtbot.waitUntil(lambda: not runner.running)
    assert any(due)


def test_frames_wait_for_the_screen(qtbot, runner, clock):
    """A frame that the screen has not taken yet holds back the next one."""
    clock.stop()
    made = []

    def job(cadence, live):
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            if cadence.due():
                made.append(1)
                yield ChainReport(0, *([np.zeros(1)] * 2), 0, 0, 0, 0, np.zeros(2), np.zeros(2), 1.0)
            yield Tick()
            time.sleep(0.002)

    runner.submit(job)
    time.sleep(0.4)
    assert len(made) == 1
    clock.start()
    qtbot.waitUntil(lambda: not runner.running)


def test_a_queue_runs_every_job_in_order(qtbot, runner):
    def job(number):
        def run(cadence, live):
            yield Tick()
            time.sleep(0.02)
            yield Finished(number, 0.0, "")

        return run

    for number in range(4):
        runner.enqueue(job(number))
    qtbot.waitUntil(lambda: not runner.running)
    assert [event.step for event in runner.seen] == [0, 1, 2, 3]


def test_in_place_a_job_has_ended_when_it_was_submitted_and_is_told_at_the_next_tick(monkeypatch, qapp):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    clock, threads, received = ScreenClock(), [], []

    def job(cadence, live):
        threads.append(threading.get_ident())
        yield points(0)
        raise RuntimeError("no room")

    runner = Runner(clock)
    runner.event_ready.connect(received.append)
    runner.submit(job)
    assert threads == [threading.get_ident()]
    assert runner.running
    assert not received
    clock.tick.emit()
    assert [type(event) for event in received] == [LossPoints, Failed]
    assert not runner.running
    runner.close()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError(), GeneratorExit()])
@pytest.mark.parametrize("synchronous", [False, True])
def test_whatever_ends_a_job_is_told_and_the_runner_goes_on(qtbot, clock, monkeypatch, error, synchronous):
    if synchronous:
        monkeypatch.setenv(SYNCHRONOUS, "1")

    def bad(cadence, live):
        yield Tick()
        raise error

    def good(cadence, live):
        yield points(3)

    runner = Runner(clock)
    seen = []
    runner.event_ready.connect(seen.append)
    for job in (bad, good):
        runner.enqueue(job)
    qtbot.waitUntil(lambda: not runner.running)
    runner.close()
    failure, after = seen
    assert isinstance(failure, Failed)
    assert (
        "not enough memory" in failure.text if isinstance(error, MemoryError) else type(error).__name__ in failure.text
    )
    assert failure.details
    assert isinstance(after, LossPoints)


@pytest.mark.skipif(sys.platform != "linux", reason="niceness belongs to a thread on Linux alone")
def test_jobs_leave_the_processor_to_the_window_and_patient_ones_to_other_jobs(qtbot, clock):
    heard = []

    def job(_cadence, _live):
        heard.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        yield Finished(0, 0.0, "")

    usual = os.getpriority(os.PRIO_PROCESS, 0)
    for patient in (True, False):
        runner = Runner(clock, patient=patient)
        with qtbot.waitSignal(runner.event_ready):
            runner.submit(job)
        runner.close()
    assert heard == [min(19, usual + 10), min(19, usual + 5)]

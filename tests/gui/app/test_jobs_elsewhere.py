"""Habits of the window: jobs of hidden pages are seen, errors go once they are mended, buttons keep their places."""

from __future__ import annotations

import pytest
from fake_engine import FakeEngine
from PySide6.QtGui import QStatusTipEvent
from PySide6.QtWidgets import QApplication, QWidget

from msd_engine.events import Failed, Finished, Tick
from msd_gui.app.files import Files
from msd_gui.bridge.clock import ScreenClock
from msd_gui.pages.base.page import Status
from msd_gui.session.settings import Settings

WAIT_MS = 60_000


@pytest.fixture
def ready(qtbot, window):
    qtbot.waitUntil(lambda: window.engine.ready, timeout=WAIT_MS)
    return window


def test_a_job_of_a_hidden_page_is_named_in_the_status_bar_and_a_click_goes_there(window):
    images = window.pages["images"]
    window.show_page("mixture")
    images.set_status(Status("Training, step 12 of 100", "3 steps/s", 0.34))
    assert window.status.elsewhere() == {"images": "Images: Training 34 %"}
    dots = window.bar._dots
    assert [name for name, dot in dots.items() if not dot.isHidden()] == ["images"]
    window.status._elsewhere["images"].click()
    assert window.page is images
    # In front it has the status bar itself; its button stays marked.
    assert window.status.elsewhere() == {}
    assert not dots["images"].isHidden()
    images.set_status(Status())
    assert dots["images"].isHidden()


def test_the_progress_of_a_hidden_page_goes_on(window, monkeypatch):
    from msd_gui.bridge import runner

    monkeypatch.setattr(runner, "HIDDEN_S", 0.0)
    images = window.pages["images"]
    window.show_page("mixture")
    assert not images._runners[0]._cadence.watched
    assert images._runners[0]._cadence.due()


def jobs(*ends):
    def make(end):
        def job(cadence, live):
            yield Tick()
            yield end

        return job

    return [make(end) for end in ends]


def test_an_error_goes_with_the_next_end_of_the_same_kind_of_job(qtbot, ready):
    window = ready
    page = window.page
    one, other = page.runner(), page.runner()
    bad, worse, good = jobs(Failed("The disk is full."), Failed("The disk is gone."), Finished(1, 0.1, ""))

    def run(runner, job):
        runner.submit(job)
        qtbot.waitUntil(lambda: not runner.running)

    run(one, bad)
    run(other, good)
    assert window.messages.errors() == ["The disk is full."]
    run(one, worse)
    assert window.messages.errors() == ["The disk is gone."]
    run(one, good)
    assert window.messages.errors() == []


def test_an_error_of_a_file_goes_with_the_next_file_that_is_asked_for(qtbot, tmp_path):
    window, clock = QWidget(), ScreenClock()
    qtbot.addWidget(window)
    clock.start()
    files = Files(window, FakeEngine(), clock, Settings(tmp_path / "settings.ini"))
    received = []
    files.failed.connect(lambda text, _details: received.append(text))
    files.recovered.connect(received.remove)
    bad, good = jobs(Failed("wrong.json has no settings."), Finished(1, 0.1, ""))

    def ask(*requested):
        for job in requested:
            files._enqueue(job)
        qtbot.waitUntil(lambda: not files.running)

    # The user has not seen the error when the second file is opened.
    ask(bad, good)
    assert received == ["wrong.json has no settings."]
    ask(good)
    assert received == []
    files.close()
    clock.stop()


def test_on_every_page_the_buttons_keep_their_places_and_no_tool_tip_is_one_long_line(window):
    window.resize(1280, 800)
    places = set()
    for name in window.pages:
        window.show_page(name)
        window.bar.layout().activate()
        buttons = [window.bar.widgetForAction(window.commands[action]) for action in ("train", "sample", "stop")]
        places.add(tuple(button.x() for button in buttons))
    assert len(places) == 1
    for widget in window.findChildren(QWidget):
        tip = widget.toolTip()
        # Qt wraps rich text itself.
        if "<" not in tip:
            longest = max(map(len, tip.split("\n")), default=0)
            assert longest <= 80, f"{widget.objectName()}: {tip}"


def test_the_tip_of_an_action_takes_the_place_of_the_sentence_alone(window, qtbot):
    """Qt's own message would hide the labels, and a job that begins elsewhere would show them through it."""
    window.show()
    window.show_page("mixture")
    status, tip = window.status, "Train on images and watch them appear."
    status.set_device("cpu")
    QApplication.sendEvent(window, QStatusTipEvent(tip))
    window.pages["images"].set_status(Status("Sampling, step 12 of 100", "3 steps/s", 0.12))
    qtbot.wait(50)
    assert status.elsewhere() == {"images": "Images: Sampling 12 %"}
    assert (status.text(), status.currentMessage()) == (tip, "")
    assert not status._device.geometry().intersects(status._text.geometry())
    window.page.set_status(Status("Sampling"))
    assert status.text() == tip
    QApplication.sendEvent(window, QStatusTipEvent(""))
    assert status.text() == "Sampling"

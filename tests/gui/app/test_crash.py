"""Errors that nobody has caught reach the window, from whatever thread, and the program stays up."""

from __future__ import annotations

import sys
import threading

import pytest
from PySide6.QtCore import QTimer

from msd_gui.app import crash
from msd_gui.app.messages import MessageBar


@pytest.fixture
def caught(monkeypatch):
    """What is shown: the sentences with the threads that showed them."""
    # The former hooks write to the terminal, and pytest takes what reaches its own for a failure.
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)
    monkeypatch.setattr(threading, "excepthook", lambda *_: None)
    shown = []
    restore = crash.install(lambda text, details: shown.append((text, details, threading.get_ident())))
    yield shown
    restore()


def fail(error):
    raise error


def test_an_error_in_a_thread_reaches_the_screen(qtbot, caught):
    thread = threading.Thread(target=fail, args=(ValueError("in a thread"),))
    thread.start()
    thread.join()
    # Shown by the screen's thread alone, once it gets to it.
    assert not caught
    qtbot.waitUntil(lambda: bool(caught))
    [(text, details, shown_by)] = caught
    assert text == "Something went wrong behind the window: ValueError: in a thread"
    assert "Traceback" in details
    assert shown_by == threading.get_ident()


def test_an_error_in_the_window_is_shown_at_once(caught):
    sys.excepthook(ValueError, ValueError("here"), None)
    assert [text for text, *_ in caught] == ["Something went wrong in the window: ValueError: here"]


def test_used_up_memory_is_reported_in_plain_words(caught):
    sys.excepthook(MemoryError, MemoryError(), None)
    assert caught[0][0].startswith("There is not enough memory")


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_who_wants_to_leave_is_no_error(qtbot, caught, error):
    thread = threading.Thread(target=fail, args=(error,))
    thread.start()
    thread.join()
    sys.excepthook(type(error), error, None)
    done = []
    QTimer.singleShot(0, lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done))
    assert not caught


def test_the_former_hooks_come_back(monkeypatch):
    before = sys.excepthook, threading.excepthook
    crash.install(lambda *_: None)()
    assert (sys.excepthook, threading.excepthook) == before


def test_a_report_names_the_versions(qtbot):
    bar = MessageBar()
    qtbot.addWidget(bar)
    bar.error("one", "two")
    assert bar.errors() == ["one"]
    assert "torch" in crash.report("one", "two")

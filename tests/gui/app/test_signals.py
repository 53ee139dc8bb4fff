"""A window that a signal ends closes as by its button: settings kept, the run in training saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from msd_engine.runs.run import Run
from msd_gui.app.main import close_on_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="There are no such signals on Windows.")

PROGRAM = """
import signal
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog
from msd_gui.app import create_window
from msd_gui.app.main import close_on_signals

# A shell starts background work with SIGINT ignored, and the program keeps ignored signals ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
application = QApplication([])
window = create_window(runs_dir=Path(sys.argv[1]))
close_on_signals(window.close, application.quit)
window.show()
page = window.pages["mixture"]
page.experiment.set(page.experiment.spec.replace_all({"training.seconds": 600.0, "network.width": 16}))


def look():
    if page.can("train"):
        page.act("train")
    elif page.trainer.progress is not None and page.trainer.progress.step > 5:
        timer.stop()
        print("training", flush=True)
        # A dialog waits for the user in an event loop of its own.
        QDialog(window).exec()


timer = QTimer()
timer.timeout.connect(look)
timer.start(50)
sys.exit(application.exec())
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_window_that_is_ended_by_a_signal_saves_everything(tmp_path, name):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "runs")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "training\n"
        program.send_signal(getattr(signal, name))
        assert program.wait(timeout=60) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    run = Run.open(folder)
    assert run.manifest.status == "stopped"
    assert run.load_state().step == run.manifest.step > 5
    settings = (tmp_path / "home" / "settings.ini").read_text()
    assert "page=mixture" in settings
    assert "geometry" in settings


@pytest.fixture
def handlers():
    """Put the handlers of the tests back."""
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_a_terminal_that_closes_twice_closes_the_window_once():
    calls = []
    close_on_signals(lambda: calls.append("close"), lambda: calls.append("leave"))
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGHUP)
    assert calls == ["close", "leave"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.usefixtures("handlers")
def test_what_was_ignored_from_the_start_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    close_on_signals(lambda: None, lambda: None)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN

"""What every test of the program lives under: no screen, no files of the user, nothing left running."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from pathlib import Path

# Before Qt is imported: no test needs a screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QThread, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

FOLDERS = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "APPDATA", "LOCALAPPDATA", "HOME", "USERPROFILE")


@pytest.fixture(autouse=True)
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for this test alone: settings, data and runs go nowhere else."""
    home = tmp_path / "home"
    for name in FOLDERS:
        folder = home / name.lower()
        folder.mkdir(parents=True)
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("MSD_SETTINGS", str(home / "settings.ini"))
    monkeypatch.setenv("MSD_DATA_DIR", str(home / "data"))
    monkeypatch.setenv("MSD_RUNS_DIR", str(home / "runs"))
    return home


@pytest.fixture
def window(qtbot: object, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[QWidget]:
    """The program's window on the screen, with settings and runs of its own; it begins with the module's FIRST_PAGE."""
    from hands import launched

    from msd_engine.specs import load_preset
    from msd_gui.session.settings import Settings

    settings = Settings(tmp_path / "settings.ini")
    # The default data set of this page may be missing on the machine.
    settings.set_last_spec("images", load_preset("digits-30s"))
    window = launched(settings, tmp_path / "runs", getattr(request.module, "FIRST_PAGE", ""))
    yield window
    window.close()


def _alive(references: list[weakref.ref[QObject]]) -> Iterator[QObject]:
    for reference in references:
        item = reference()
        if item is not None and shiboken6.isValid(item):
            yield item


def _record_starts(cls: type, monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[QObject]]:
    """Remember every object of a Qt class that is started, without keeping it alive."""
    started: list[weakref.ref[QObject]] = []
    original = cls.start

    def start(self, *args, **kwargs):
        started.append(weakref.ref(self))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(cls, "start", start)
    return started


@pytest.fixture(autouse=True)
def nothing_left_running(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves a thread running, a timer firing or a window on the screen."""
    threads = _record_starts(QThread, monkeypatch)
    timers = _record_starts(QTimer, monkeypatch)
    before = set(QApplication.topLevelWidgets()) if QApplication.instance() else set()
    yield
    if not isinstance(QApplication.instance(), QApplication):
        return
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    running = [thread for thread in _alive(threads) if isinstance(thread, QThread) and thread.isRunning()]
    for thread in running:
        thread.quit()
        thread.wait(2000)
    assert not running, f"threads left running: {running}"
    firing = [timer for timer in _alive(timers) if isinstance(timer, QTimer) and timer.isActive()]
    for timer in firing:
        timer.stop()
    assert not firing, f"timers left firing: {[(timer, timer.parent()) for timer in firing]}"
    windows = [window for window in QApplication.topLevelWidgets() if window not in before and _is_window(window)]
    for window in windows:
        window.close()
    assert not windows, f"windows left open: {windows}"
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()
    assert popup is None, f"a popup is left open: {popup}"
    _release_buttons()


def _release_buttons() -> None:
    """Let go of a mouse button that a test has pressed for good: the next test's window would think itself busy."""
    pressed = QGuiApplication.mouseButtons()
    held = [button for button in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton) if pressed & button]
    if held:
        place = QWidget()
        place.show()
        for button in held:
            QTest.mouseRelease(place, button)
        place.close()


def _is_window(widget: QWidget) -> bool:
    return widget.isVisible() and type(widget).__name__ != "QTipLabel"

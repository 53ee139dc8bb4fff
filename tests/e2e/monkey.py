"""Press, drag and type at random in the whole window, and report errors, crashes and long slices.

    python tests/e2e/monkey.py [--seeds 1 2 3] [--seconds 120]

Each seed has a process and an empty home of its own. Reported are uncaught exceptions, jobs that fail unexpectedly,
signals that end the process, and the slices of the window's thread that took the most processor time. What is pressed
also depends on how fast jobs are: a seed does not repeat to the letter, so the last acts are told with each fault.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QGraphicsView,
    QLineEdit,
    QMenu,
    QScrollBar,
    QTabBar,
    QWidget,
)

from msd_gui.app import create_window
from msd_gui.session.settings import Settings

ACT_MS, LOOK_MS = 60, 150
TOLD, LONGEST = 12, 8
TEXTS = ("", "abc", "-1", "0", "0.5", "1e9", "1", "1, 2, 4", "nan", "3,5", "☃", "1e-30", "64", "  ", "9" * 20)
KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
KEYS += (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Space, Qt.Key.Key_Delete)
USED = (QAbstractButton, QComboBox, QAbstractSlider, QAbstractSpinBox, QLineEdit, QTabBar, QAbstractItemView)
USED += (QGraphicsView,)
LEFT = Qt.MouseButton.LeftButton


class Monkey:
    """Uses a window at random.

    Args:
        window: The window.
        seed: Of the choices.

    Attributes:
        acts: What was done, last the newest.
        slices: Seconds of the window's thread for each act, with its name.
    """

    def __init__(self, window: QWidget, seed: int) -> None:
        self.window, self.random = window, random.Random(seed)
        self.acts: list[str] = []
        self.slices: list[tuple[float, str]] = []
        self.is_acting = False

    def act(self) -> None:
        """Do one thing, unless a menu or a dialog waits for an answer."""
        if self.is_acting or QApplication.activeModalWidget() or QApplication.activePopupWidget():
            return
        self.is_acting = True
        begun = time.thread_time()
        try:
            choice = self.random.random()
            if choice < 0.1:
                name = self.random.choice(list(self.window.pages))
                self.acts.append(f"page {name}")
                self.window.show_page(name)
            elif choice < 0.2:
                action = self.random.choice([one for one in self.window.commands if one.isEnabled()])
                if action is not self.window.commands["quit"]:
                    self.acts.append(f"action {action.text()}")
                    action.trigger()
            else:
                others = [one for one in QApplication.topLevelWidgets() if one.isVisible() and one.isWindow()]
                self.use_one_of(self.random.choice(others) if choice < 0.4 and others else self.window)
        finally:
            self.is_acting = False
            self.slices.append((time.thread_time() - begun, self.acts[-1] if self.acts else ""))

    def answer(self) -> None:
        """Choose from an open menu, or fill in, accept or cancel an open dialog."""
        popup, dialog = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if popup is not None:
            rows = [row for row in popup.actions() if row.isEnabled() and not row.isSeparator() and not row.menu()]
            popup.close()
            if isinstance(popup, QMenu) and rows and self.random.random() < 0.5:
                row = self.random.choice(rows)
                if row is not self.window.commands["quit"]:
                    self.acts.append(f"menu {row.text()}")
                    QTimer.singleShot(0, row, row.trigger)
        elif dialog is not None:
            self.acts.append(f"dialog {dialog.windowTitle()}")
            choice = self.random.random()
            if isinstance(dialog, QFileDialog) or choice < 0.4:
                dialog.close()
            elif choice < 0.8:
                QTimer.singleShot(0, dialog, lambda: self.use_one_of(dialog))
            elif hasattr(dialog, "accept"):
                dialog.accept()

    def use_one_of(self, root: QWidget) -> None:
        """Use one of the visible controls of a window."""
        found = [
            one
            for one in root.findChildren(QWidget)
            if isinstance(one, USED)
            and not isinstance(one, QScrollBar)
            and one.isVisible()
            and one.isEnabled()
            and not one.visibleRegion().isEmpty()
        ]
        if found:
            widget = self.random.choice(found)
            self.acts.append(f"{type(widget).__name__} {widget.objectName() or widget.accessibleName()}".strip())
            self.use(widget)

    def use(self, widget: QWidget) -> None:
        """Click, drag, type or press keys in a control, as fits it."""
        first, last = self.place_in(widget), self.place_in(widget)
        if isinstance(widget, QAbstractSpinBox | QLineEdit):
            edit = widget if isinstance(widget, QLineEdit) else widget.lineEdit()
            widget.setFocus()
            edit.selectAll()
            # Of other letters QTest knows no keys.
            text = self.random.choice(TEXTS)
            QTest.keyClicks(edit, text) if text.isascii() else edit.insert(text)
            if self.random.random() < 0.8:
                QTest.keyClick(edit, Qt.Key.Key_Return)
            if self.random.random() < 0.4:
                QTest.keyClick(widget, self.random.choice(KEYS))
        elif isinstance(widget, QComboBox):
            widget.setFocus()
            for _ in range(self.random.randint(1, 4)):
                QTest.keyClick(widget, self.random.choice(KEYS[:2]))
        elif isinstance(widget, QTabBar):
            widget.setCurrentIndex(self.random.randrange(max(1, widget.count())))
        elif isinstance(widget, QAbstractButton):
            QTest.mouseClick(widget, LEFT)
        else:
            inner = widget.viewport() if isinstance(widget, QAbstractItemView | QGraphicsView) else widget
            choice = self.random.random()
            if choice < 0.2:
                QTest.mouseDClick(inner, LEFT, pos=first)
            elif choice < 0.5:
                QTest.mouseClick(inner, LEFT, pos=first)
            elif choice < 0.6 and isinstance(widget, QGraphicsView):
                QTest.mouseClick(inner, Qt.MouseButton.RightButton, pos=first)
            elif choice < 0.9:
                QTest.mousePress(inner, LEFT, pos=first)
                for part in range(1, 6):
                    QTest.mouseMove(inner, first + (last - first) * (part / 5))
                QTest.mouseRelease(inner, LEFT, pos=last)
            else:
                QTest.keyClick(widget, self.random.choice(KEYS))

    def place_in(self, widget: QWidget) -> QPoint:
        """Draw a place in a control."""
        return QPoint(self.random.randrange(max(1, widget.width())), self.random.randrange(max(1, widget.height())))


def child(seed: int, seconds: float, home: Path) -> None:
    """Use a window for some time, and print the faults."""
    QDesktopServices.openUrl = staticmethod(lambda _: True)
    app = QApplication([])
    window = create_window(settings=Settings(home / "settings.ini"), runs_dir=home / "runs")
    window.resize(1280, 800)
    window.show()
    monkey = Monkey(window, seed)

    def fault(text: str) -> None:
        print(f"FAULT {text.strip()}\n  after: {', '.join(monkey.acts[-TOLD:])}", flush=True)

    sys.excepthook = lambda *error: fault("".join(traceback.format_exception(*error)))
    threading.excepthook = lambda error: fault("".join(traceback.format_exception(error.exc_value)))
    for page in window.pages.values():
        # Only what nobody expected has details.
        page.failed.connect(lambda text, details: fault(f"{text}\n{details}") if details else None)
    timers = [QTimer(interval=ACT_MS, timeout=monkey.act), QTimer(interval=LOOK_MS, timeout=monkey.answer)]
    for timer in timers:
        timer.start()
    # It closes the window, which ends its jobs.
    QTimer.singleShot(int(1000 * seconds), app.quit)
    app.exec()
    for timer in timers:
        timer.stop()
    longest = ", ".join(f"{1000 * took:.0f} ms {name}" for took, name in sorted(monkey.slices, reverse=True)[:LONGEST])
    print(f"{len(monkey.acts)} acts; longest slices: {longest}", flush=True)
    # As the program does at its end.
    os._exit(0)


def main() -> int:
    """Run a process for each seed; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.home:
        child(options.seeds[0], options.seconds, options.home)
    failed = False
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as home:
            own = {"HOME": home, "XDG_CONFIG_HOME": f"{home}/config", "XDG_DATA_HOME": f"{home}/data"}
            words = [sys.executable, "-X", "faulthandler", __file__, "--seeds", str(seed)]
            words += ["--seconds", str(options.seconds), "--home", home]
            done = subprocess.run(words, env=os.environ | own, capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        how = f"ended by {signal.Signals(-done.returncode).name}" if done.returncode < 0 else "ended well"
        told = [line for line in done.stderr.splitlines() if done.returncode and not line.startswith("This plugin")]
        print(f"seed {seed}: {how}", *lines, *told, sep="\n", flush=True)
        failed |= bool(done.returncode) or any(line.startswith("FAULT") for line in lines)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

"""How many pictures per second are seen while a slider is dragged on the mixture page.

    python tests/benchmarks/dragging.py [--seconds 6] [--chains 10] [--k 8]

A real window is opened (set QT_QPA_PLATFORM=offscreen where there is no screen), the handle of the ε slider is dragged
to and fro by mouse events at 60 Hz, and every painting of the plane that shows a new run of the chains is counted.
On a busy machine the pictures tell little: the milliseconds of the screen's own thread, for the answer to each mouse
event and for all that follows from it, tell what the window itself costs.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from msd_gui.app import create_window
from msd_gui.session.settings import Settings

EVENTS = 40


class Painted(QObject):
    """Notes when the plane was painted with which run."""

    def __init__(self, page):
        super().__init__()
        self.page, self.times, self.last = page, [], None

    def eventFilter(self, _watched, event):
        if event.type() == QEvent.Type.Paint and self.page.player.buffer.shown is not self.last:
            self.last = self.page.player.buffer.shown
            self.times.append(time.perf_counter())
        return False


class Paintings(QObject):
    """Counts the paintings of a widget."""

    def __init__(self, widget):
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched, event):
        self.count += event.type() == QEvent.Type.Paint
        return False


def wait(app, condition, seconds=30.0):
    end = time.perf_counter() + seconds
    while not condition():
        app.processEvents()
        time.sleep(0.002)
        if time.perf_counter() > end:
            raise SystemExit("The window did not get ready.")


def one_at_a_time(app, page, track, y) -> float:
    """Milliseconds of the screen's thread for one mouse event and all that it leads to, whatever the machine does."""
    start = time.thread_time()
    for event in range(EVENTS):
        before = page.player.buffer.shown
        QTest.mouseMove(track, QPoint(round((0.3 + 0.3 * event / EVENTS) * track.width()), y))
        wait(app, lambda before=before: page.player.buffer.shown is not before and not page.running, 30.0)
    return 1e3 * (time.thread_time() - start) / EVENTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--chains", type=int, default=10)
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--settings", default="")
    options = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        window = create_window(settings=Settings(Path(folder) / "settings.ini"), runs_dir=Path(folder))
        window.show()
        page = window.pages["mixture"]
        wait(app, lambda: page.player.buffer.shown.complete)
        spec = page.experiment.spec.replace_all({"sampling.chains": options.chains, "training.k": options.k})
        page.experiment.set(spec)
        page.player.playhead.playing, page.player.playhead.position = False, float("inf")
        wait(app, lambda: not page.running)
        painted = Painted(page)
        page.plane.viewport().installEventFilter(painted)
        track = page.form.control("sampling.step_ratio").track
        y, width = track.height() // 2, track.width()
        QTest.mousePress(track, Qt.MouseButton.LeftButton, pos=QPoint(width // 2, y))
        start, moves = time.perf_counter(), 0
        answers, whole = [], time.thread_time()
        while (now := time.perf_counter() - start) < options.seconds:
            # One sweep to and fro in two seconds over the middle of the track.
            place = 0.3 + 0.3 * abs((now % 2.0) - 1.0)
            answer = time.thread_time()
            QTest.mouseMove(track, QPoint(round(place * width), y))
            answers.append(1e3 * (time.thread_time() - answer))
            moves += 1
            until = start + moves / 60
            while time.perf_counter() < until:
                app.processEvents()
                time.sleep(0.001)
        whole = time.thread_time() - whole
        wait(app, lambda: not page.running)
        singly = one_at_a_time(app, page, track, y)
        QTest.mouseRelease(track, Qt.MouseButton.LeftButton, pos=QPoint(width // 2, y))
        gaps = 1e3 * np.diff(painted.times)
        print(f"{options.chains} chains × {spec.sampling.total_steps} steps, k = {options.k}, dragged for {now:.1f} s")
        print(f"pictures of new runs per second: {len(painted.times) / now:.1f}")
        print(f"ms of the screen's thread per mouse event: {1e3 * whole / moves:.2f} in all ({moves} events), of which")
        print(f"the answer itself: median {np.median(answers):.2f}, p95 {np.percentile(answers, 95):.2f}")
        print(f"ms of the screen's thread per event that is waited for until its picture is seen: {singly:.1f}")
        if len(gaps):
            print(
                "time between them in ms: "
                + ", ".join(
                    f"{name} {np.percentile(gaps, q):.0f}" for name, q in (("median", 50), ("p90", 90), ("most", 100))
                )
            )
        window.close()


if __name__ == "__main__":
    main()

"""How soon the chains of the images page follow a slider: from a mouse event to the first picture of its preview.

    python tests/benchmarks/previews.py [--preset mnist-2min] [--events 30] [--data-dir DIR]

A real window is opened (set QT_QPA_PLATFORM=offscreen where there is no screen) on the shipped network of the preset.
Once its chains are drawn, the handles of r, T, L and k are dragged, one mouse event at a time: the milliseconds until
the first picture of a preview of the new settings is painted, and until the preview is at its end.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from msd_engine.specs import load_preset, preset_names
from msd_gui.app import create_window
from msd_gui.session.settings import Settings

FIELDS = ("sampling.step_ratio", "sampling.steps_per_level", "sampling.levels", "training.k")


class Painted(QObject):
    """Notes when the grid of chains was painted."""

    def __init__(self) -> None:
        super().__init__()
        self.last_s = 0.0

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Note the time of a painting."""
        if event.type() == QEvent.Type.Paint:
            self.last_s = time.perf_counter()
        return False


def wait(app: QApplication, condition: Callable[[], bool], seconds: float = 240.0) -> None:
    """Let the window live until something holds."""
    end = time.perf_counter() + seconds
    while not condition():
        app.processEvents()
        time.sleep(0.001)
        if time.perf_counter() > end:
            raise SystemExit("The window did not get ready.")


def main() -> None:
    """Drag, and print the times by field."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="mnist-2min", choices=preset_names())
    parser.add_argument("--events", type=int, default=30)
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    with tempfile.TemporaryDirectory() as folder:
        window = create_window(
            settings=Settings(Path(folder, "settings.ini")), runs_dir=Path(folder), data_dir=options.data_dir
        )
        window.resize(1280, 800)
        window.show()
        window.show_page("images")
        page = window.pages["images"]
        page.experiment.set(load_preset(options.preset))
        wait(app, lambda: page.gallery.samples is not None and not page.running)
        shown: list[float] = []
        show_preview = page.gallery.show_preview

        def noted(frame: object) -> None:
            show_preview(frame)
            shown.append(time.perf_counter())

        page.gallery.show_preview = noted
        painted = Painted()
        page.gallery.grid.installEventFilter(painted)
        runner = page.chains.preview._runner
        for path in FIELDS:
            track = page.form.slider(path).track
            y, width = track.height() // 2, track.width()
            middle = track._x(track.fraction()) / width
            QTest.mousePress(track, Qt.MouseButton.LeftButton, pos=QPoint(round(middle * width), y))
            before = drawn = page.experiment.spec.get(path)
            first, whole = [], []
            for event in range(options.events):
                shown.clear()
                start = time.perf_counter()
                place = middle + 0.25 * np.sin(1.7 * (event + 1))
                QTest.mouseMove(track, QPoint(round(min(max(place, 0.05), 0.95) * width), y))
                if page.experiment.spec.get(path) in (before, drawn):
                    # The settings of the chains themselves need no preview.
                    continue
                before = page.experiment.spec.get(path)
                wait(app, lambda: bool(shown) and painted.last_s > shown[0])
                first.append(1e3 * (painted.last_s - start))
                wait(app, lambda: not runner.running)
                whole.append(1e3 * (time.perf_counter() - start))
            QTest.mouseRelease(track, Qt.MouseButton.LeftButton, pos=QPoint(round(middle * width), y))
            wait(app, lambda: not page.running)
            print(
                f"{path}: first picture after median {np.median(first):.0f} ms, p95 {np.percentile(first, 95):.0f}; "
                f"whole preview {np.median(whole):.0f} ms ({len(first)} events)",
                flush=True,
            )
        window.close()


if __name__ == "__main__":
    main()

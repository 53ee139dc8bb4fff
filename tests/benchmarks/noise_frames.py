"""How fast the noise page follows a dragged γ and a dragged t, at 32×32×3.

    python tests/benchmarks/noise_frames.py [--seconds 4]

For each it prints the frames shown per second, and the processor time of one event of the slider, of one job, and of
showing and painting its frame, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from msd_engine.jobs.noise.forward import forward
from msd_gui.app import create_window
from msd_gui.session.settings import Settings

_REST_S = 10.0
DRAGGED = {"noise.gamma": (-1.0, 3.0), "denoise.time": (0.0, 1.0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    seconds = parser.parse_args().seconds
    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        window = create_window(settings=Settings(Path(folder) / "settings.ini"), runs_dir=Path(folder) / "runs")
        window.show()
        window.show_page("noise")
        page = window.page
        # The window builds its other pages in its first seconds.
        begun = time.perf_counter()
        while page.shown.frame is None or time.perf_counter() - begun < _REST_S:
            app.processEvents()
            time.sleep(0.002)
        for path, (low, high) in DRAGGED.items():
            count = _dragged(app, page, path, low, high, seconds)
            moved, job, shown = _costs(app, page, path, low, high)
            print(
                f"{path}: {count / seconds:.1f} frames/s; processor time of an event of the slider {moved:.1f} ms, of"
            )
            print(f"  a job {job:.1f} ms, to show and to paint a frame {shown:.1f} ms")
        window.close()


def _dragged(app, page, path, low, high, seconds):
    """Drag a control as fast as events go, and count the frames that are shown."""
    shown, frames = page.shown.show, []
    page.shown.show = lambda frame: (frames.append(frame), shown(frame))
    form, begun = page.forms["images"], time.perf_counter()
    form.editing_started.emit(path)
    while (share := (time.perf_counter() - begun) / seconds) < 1:
        form.control(path).change_value(low + (high - low) * share)
        app.processEvents()
        time.sleep(0.002)
    form.editing_finished.emit(path)
    page.shown.show = shown
    return len(frames)


def _costs(app, page, path, low, high):
    """Return the median processor times in ms: of an event, of a job, and of showing and painting its frame."""
    moves, jobs, paints, spec = [], [], [], page.experiment.spec
    for step in range(40):
        value = low + (high - low) * step / 40
        begun = time.thread_time()
        page.forms["images"].control(path).change_value(value)
        moves.append(time.thread_time() - begun)
        begun = time.thread_time()
        _, frame, _ = forward(spec.replace(path, value))
        done = time.thread_time()
        page.shown.show(frame)
        page.shown.catch_up()
        app.processEvents()
        jobs.append(done - begun)
        paints.append(time.thread_time() - done)
    moved, job, shown = (1e3 * statistics.median(times) for times in (moves, jobs, paints))
    return moved, job, shown


if __name__ == "__main__":
    main()

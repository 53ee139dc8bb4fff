"""How many pictures per second are painted while a mean or an ellipse is dragged on the mixture page.

    python tests/benchmarks/editing.py [--what mean|ellipse] [--seconds 6] [--chains 200] [--k 8]

A real window is opened (set QT_QPA_PLATFORM=offscreen where there is no screen), and a handle of the mixture is dragged
round by mouse events at 60 Hz. Every painting of the plane, every density and every run of the chains that follows is
counted. On a busy machine the milliseconds of the screen's own thread tell what the window itself costs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from dragging import Paintings, wait
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from msd_gui.app import create_window
from msd_gui.session.settings import Settings

# Radius of the way of the hand, and seconds of one round.
RADIUS_PX, ROUND_S = 40.0, 2.0


def main() -> None:
    """Open the window, drag, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--what", choices=("mean", "ellipse"), default="mean")
    parser.add_argument("--seconds", type=float, default=6.0)
    for name, usual in (("chains", 200), ("k", 8)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    options = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        window = create_window(settings=Settings(Path(folder) / "settings.ini"), runs_dir=Path(folder))
        window.resize(1280, 800)
        window.show()
        page = window.pages["mixture"]
        spec = page.experiment.spec.replace_all({"sampling.chains": options.chains, "training.k": options.k})
        page.experiment.set(spec)
        wait(app, lambda: page.player.buffer.shown.spec == spec and page.player.buffer.shown.complete, 120)
        page.player.playhead.playing, page.player.playhead.position = False, float("inf")
        page.editing.modes.setChecked(True)
        wait(app, lambda: not page.plane.shape_missing and not page.running, 60)
        drag(app, page, options)
        window.close()


def drag(app, page, options) -> None:
    """Drag a handle round, and print the figures."""
    plane = page.plane
    shape = page.editing._shape()
    start = shape.means[0] if options.what == "mean" else shape.means[0] + shape.half_axes(0)[0]
    begun_at = plane.place(start)
    painted, runs, densities, last = Paintings(plane.viewport()), 0, 0, (None, None)
    QTest.mousePress(plane.viewport(), Qt.MouseButton.LeftButton, pos=begun_at.toPoint())
    begun, used, moves = time.perf_counter(), time.thread_time(), 0
    while (now := time.perf_counter() - begun) < options.seconds:
        turn = 2 * np.pi * now / ROUND_S
        place = begun_at.toPoint()
        place.setX(place.x() + round(RADIUS_PX * np.sin(turn)))
        place.setY(place.y() + round(RADIUS_PX * (1 - np.cos(turn))))
        QTest.mouseMove(plane.viewport(), place)
        moves += 1
        until = begun + moves / 60
        while True:
            app.processEvents()
            seen = page.player.buffer.shown, plane._held.log_density
            runs, densities = runs + (seen[0] is not last[0]), densities + (seen[1] is not last[1])
            last = seen
            if time.perf_counter() >= until:
                break
            time.sleep(0.001)
    wall, own = time.perf_counter() - begun, time.thread_time() - used
    QTest.mouseRelease(plane.viewport(), Qt.MouseButton.LeftButton, pos=begun_at.toPoint())
    print(
        f"{options.what} dragged for {wall:.1f} s: {options.chains} chains × {options.k} copies, {moves} mouse events"
    )
    print(f"screen's thread: {1e3 * own / painted.count:.1f} ms per picture, at most {painted.count / own:.0f}/s")
    print(
        f"wall: {painted.count / wall:.0f} pictures/s with the handle, {densities / wall:.0f} densities/s, "
        f"{runs / wall:.0f} runs of the chains/s"
    )


if __name__ == "__main__":
    main()

"""Times the painting of every view and prints the distribution: ``python tests/benchmarks/painting.py``.

Each frame sets new data and repaints, without a screen. Times are those of the painting thread alone, so that other
programs count little; the last column compares the median with the bare drawing of 20 000 short lines by Qt, which
depends on the machine only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from msd_engine.events.plots import LAYERS, Axis, Curve, Curves
from msd_gui.theme import Theme
from msd_gui.views.base.layers import draw_polylines
from msd_gui.views.curves.bars import BarsView
from msd_gui.views.curves.curves import CurvesView
from msd_gui.views.curves.losses import LossView
from msd_gui.views.images.film import FilmStripView
from msd_gui.views.images.grid import ImageGridView
from msd_gui.views.images.strip import HeldOutView
from msd_gui.views.plane.plane import PlaneView
from msd_gui.views.plane.timeline import Timeline

FRAMES = 40
Case = tuple[str, QWidget, tuple[int, int], Callable[[int], None]]


def times_ms(once: Callable[[int], None]) -> np.ndarray:
    """Milliseconds of thread time of each of `FRAMES` calls, after three unmeasured ones."""
    taken = []
    for frame in range(FRAMES + 3):
        start = time.thread_time()
        once(frame)
        taken.append(1e3 * (time.thread_time() - start))
    return np.array(taken[3:])


def bare_lines(rng: np.random.Generator) -> Callable[[int], None]:
    """Draws 100 lines of 200 points with nothing around."""
    image = QImage(600, 600, QImage.Format.Format_RGB32)
    lines = rng.uniform(100, 500, (100, 1, 2)) + np.cumsum(4 * rng.normal(size=(100, 200, 2)), axis=1)

    def once(_: int) -> None:
        with QPainter(image) as painter:
            painter.setPen(QColor("#123456"))
            draw_polylines(painter, lines)

    return once


def plane_case(rng: np.random.Generator) -> Case:
    """100 chains with 200 tail states over a density, 1 000 data points and arrows."""
    view = PlaneView()
    points = rng.uniform(-8, 8, (225, 2))
    view.show_plane(
        log_density=rng.normal(size=(128, 128)),
        density_bounds=(-10, 10, -10, 10),
        data=rng.normal(size=(1000, 2)) * 4,
        at=points,
        exact=-points,
        learned=-points,
        chosen=0,
        on=frozenset(LAYERS),
    )
    view.frame()
    walks = rng.uniform(-8, 8, (1, 100, 2)) + np.cumsum(0.12 * rng.normal(size=(300, 100, 2)), axis=0)

    def show(frame: int) -> None:
        copies = walks[frame, :8], walks[frame, :1], walks[frame, 1:2]
        view.show_plane(tails=walks[frame : frame + 200], heads=walks[frame + 199], copies=copies)

    return "plane, 100 chains x 200 states", view, (640, 560), show


def loss_case(count: int, rng: np.random.Generator) -> Case:
    """A loss curve of many points to which ten are added in each frame."""
    view = LossView()
    view.append_train(np.arange(count), rng.exponential(size=count), np.arange(count) / 100)

    def show(frame: int) -> None:
        steps = np.arange(10) + count + 10 * frame
        view.append_train(steps, rng.exponential(size=10), steps / 100)

    return f"losses, {count} points + 10", view, (300, 240), show


def image_cases(rng: np.random.Generator) -> list[Case]:
    """Grid, film and strip."""
    grid, film, strip = ImageGridView(), FilmStripView(), HeldOutView()
    images = rng.uniform(-1, 1, (8, 64, 1, 28, 28)).astype(np.float32)
    bytes_ = (images * 127 + 128).astype(np.uint8)
    colour = rng.uniform(-1, 1, (8, 3, 32, 32)).astype(np.float32)

    def add(frame: int) -> None:
        if film.count() >= 32:
            film.clear()
        film.add_frame(frame, 1.0, bytes_[frame % 8], bytes_[frame % 8])

    def strip_show(_: int) -> None:
        strip.set_strip(colour, colour[:, None].repeat(8, axis=1), colour[::-1], np.ones(8), np.ones(8))

    return [
        ("grid, 64 x 28 x 28", grid, (560, 480), lambda frame: grid.set_images(images[frame % 8])),
        ("film, up to 32 frames", film, (640, 110), add),
        ("strip, 8 x 3 x 32 x 32", strip, (640, 260), strip_show),
    ]


def figure_cases(rng: np.random.Generator) -> list[Case]:
    """Bands, mode weights and timeline."""
    at = np.geomspace(0.1, 10, 12)
    axes, least = (Axis("σ_eff", log=True), Axis("error", log=True)), Curve("least", at, at, "exact", "dash")
    bands, weights, timeline = CurvesView(Curves("bands", *axes)), BarsView("weights", "mode", "true"), Timeline()
    names = [str(mode) for mode in range(25)]

    def show_bands(_: int) -> None:
        error = Curve("held-out", at, at * rng.uniform(1, 1.2, 12), dots=True)
        bands.set_plot(Curves("bands", *axes, (least, error), growing=True))

    timeline.set_levels(np.geomspace(20, 0.1, 50).tolist(), [20] * 50)
    timeline.set_available(1000)
    return [
        ("bands", bands, (300, 220), show_bands),
        (
            "mode weights, 25",
            weights,
            (300, 200),
            lambda _: weights.set_shares(names, rng.dirichlet(np.ones(25)), at.repeat(3)[:25] / 250),
        ),
        ("timeline, 50 levels", timeline, (640, 56), timeline.set_position),
    ]


def main() -> None:
    """Prints one line for each view."""
    app = QApplication([])
    Theme(app)
    rng = np.random.default_rng(0)
    bare = float(np.median(times_ms(bare_lines(rng))))
    print(f"bare drawing of 20 000 lines: {bare:.2f} ms")
    print(f"{'view':34}{'median ms':>10}{'p95 ms':>9}{'/ bare':>8}")
    cases = [plane_case(rng), *(loss_case(n, rng) for n in (1_000, 100_000)), *image_cases(rng), *figure_cases(rng)]
    for name, view, size, show in cases:
        view.resize(*size)
        view.show()
        app.processEvents()
        surface = view.viewport() if hasattr(view, "viewport") else view

        def once(frame: int, show: Callable[[int], None] = show, surface: QWidget = surface) -> None:
            show(frame)
            surface.repaint()

        taken = times_ms(once)
        median, high = np.percentile(taken, [50, 95])
        print(f"{name:34}{median:10.2f}{high:9.2f}{median / bare:8.2f}")
        view.close()


if __name__ == "__main__":
    main()

"""How long the screen's thread is held up while plots are drawn into files: ``python tests/benchmarks/exporting.py``.

For every plot that can be exported, with data as large as in use: milliseconds of the screen's own thread to take it,
seconds of the thread that draws it, and the gaps between ticks of a clock of 60 Hz on the screen's thread meanwhile.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[1] / "gui"))

from gallery_views import make_losses, make_views

from msd_engine.events.figures.drawn import FILM_DPI, Sheet
from msd_engine.events.plots import Axis, Curve, Curves
from msd_engine.runs.report.plots import figure, film
from msd_gui.theme import Theme
from msd_gui.views.base.colour_maps import paper
from msd_gui.views.base.plot import PlotView
from msd_gui.views.curves.curves import STEPS, CurvesView

TICK_MS = 16
FRAMES = 20


def plots() -> dict[str, PlotView]:
    """The plots that pages export."""
    rng = np.random.default_rng(0)
    made = {name: view for name, (view, _) in make_views().items() if isinstance(view, PlotView)}
    walks = rng.uniform(-8, 8, (1, 100, 2)) + np.cumsum(0.12 * rng.normal(size=(300, 100, 2)), axis=0)
    made["plane"].show_plane(tails=walks)
    steps = np.arange(20.0, 4000, 20)
    values = [60 / np.sqrt(steps * k) * np.exp(0.05 * rng.normal(size=len(steps))) for k in range(1, 9)]
    curves = tuple(Curve(f"run {k}", steps, value, f"own {k}") for k, value in enumerate(values, 1))
    overlay = CurvesView(Curves("Held-out errors", STEPS, Axis("error", log=True), curves))
    return made | {"overlay": overlay, "losses, 20 000": make_losses(rng)}


def gaps_ms(app: QApplication, work: Callable[[], object]) -> tuple[float, list[float]]:
    """Seconds that a thread works, and milliseconds between the ticks of the screen's thread meanwhile."""
    ticks: list[float] = []
    timer = QTimer(interval=TICK_MS)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start()
    thread = threading.Thread(target=work)
    start = time.perf_counter()
    thread.start()
    while thread.is_alive():
        app.processEvents()
        time.sleep(0.001)
    timer.stop()
    return time.perf_counter() - start, (1e3 * np.diff([start, *ticks])).tolist()


def main() -> None:
    """Prints one line for each plot and form."""
    app = QApplication([])
    theme = Theme(app)
    print(f"{'plot':28}{'ms to take':>11}{'s to draw':>11}{'gaps in ms: median':>20}{'longest':>9}")
    shown = plots()
    # As the program does once it stands: what lasts is not looked through again for what can be thrown away.
    gc.freeze()
    for name, view in shown.items():
        view.resize(640, 480)
        view.show()
        for _ in range(3):
            app.processEvents()
        start = time.thread_time()
        plot, palette = view.plot(), paper()
        taken = 1e3 * (time.thread_time() - start)
        works: dict[str, Callable[[], object]] = {
            suffix: partial(figure, plot, palette, suffix=suffix) for suffix in ("png", "svg", "pdf")
        }
        if name == "plane":
            works[f"film of {FRAMES}"] = partial(deque, film([plot] * FRAMES, palette, Sheet(dpi=FILM_DPI)))
            works["nothing, to compare"] = partial(time.sleep, 5.0)
        for form, work in works.items():
            seconds, gaps = gaps_ms(app, work)
            row = f"{taken:11.2f}{seconds:11.2f}{np.median(gaps or [0]):20.1f}{max(gaps or [0]):9.1f}"
            print(f"{f'{name}, {form}':28}{row}", flush=True)
        view.hide()
    del theme


if __name__ == "__main__":
    main()

"""How long the screen's thread is held up by the making of a plot's file: ``python tests/benchmarks/exporting.py``.

For every plot that can be exported, with data as large as in use: the steps in which it is recorded, one at each tick
of the screen's clock, with the longest and the sum in milliseconds of the screen's own thread. What the export's job
then does in its own thread holds up nobody.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[1] / "gui"))

from gallery_views import make_losses, make_views
from msd_gui.views.curves.compared import Compared, ComparedView
from msd_gui.views.curves.overlay import Curve, OverlayView

from msd_gui.theme import Theme
from msd_gui.views.base import figures
from msd_gui.views.base.plot import PlotView

TIMES = 7


def plots() -> dict[str, PlotView]:
    """The plots that pages export."""
    rng = np.random.default_rng(0)
    made = {name: view for name, (view, _) in make_views().items() if isinstance(view, PlotView)}
    plane = made["plane"]
    walks = rng.uniform(-8, 8, (1, 100, 2)) + np.cumsum(0.12 * rng.normal(size=(300, 100, 2)), axis=0)
    plane.set_tails(walks)
    overlay, compared = OverlayView(), ComparedView("Held-out error of every run", "step", {"line": "same σ per copy"})
    steps = np.arange(20.0, 4000, 20)
    values = [60 / np.sqrt(steps * k) * np.exp(0.05 * rng.normal(size=len(steps))) for k in range(1, 9)]
    overlay.set_curves([Curve(f"run {k}", steps, steps / 20, value) for k, value in enumerate(values)])
    compared.set_curves([Compared(f"k = {k}", k, "line", steps, value) for k, value in enumerate(values, 1)])
    return made | {"overlay": overlay, "comparison": compared, "losses, 20 000": make_losses(rng)}


def steps_ms(recording: figures.Recording) -> list[float]:
    """Milliseconds of thread time of each step of a recording."""
    taken, going = [], True
    while going:
        start = time.thread_time()
        try:
            next(recording)
        except StopIteration:
            going = False
        taken.append(1e3 * (time.thread_time() - start))
    return taken


def main() -> None:
    """Prints one line for each plot."""
    app = QApplication([])
    theme = Theme(app)
    heads = "".join(f"{kind + ': steps':>12}{'longest':>9}{'sum':>7}" for kind in ("PNG", "SVG"))
    print(f"{'ms of the screen thread':24}{heads}")
    for name, view in plots().items():
        view.resize(640, 480)
        view.show()
        for _ in range(3):
            app.processEvents()
        line = f"{name:24}"
        for record in (figures.png_sheet, figures.svg_sheet):
            taken = np.median([steps_ms(record(view)) for _ in range(TIMES)], axis=0)
            line += f"{len(taken):12}{taken.max():9.1f}{taken.sum():7.1f}"
        print(line, flush=True)
        view.hide()
    del theme


if __name__ == "__main__":
    main()

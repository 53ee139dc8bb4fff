"""How long the runs page holds up the screen's thread with many runs.

    python tests/benchmarks/listing.py [--runs 2000]

A folder of runs is made, listed, sorted, searched, scrolled and chosen from as a user would, without a screen. Each
pass of the event loop is one slice: nothing else can be answered while it lasts. Times are those of the screen's
thread alone, so that other programs and the reading thread count little. Nothing should take more than 16 ms.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from msd_engine.events import RunsChanged
from msd_engine.jobs.files.catalogue import MOST_ROWS
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.notes import Notes, add_figures, write_notes
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.runs.thumbnails import keep_thumbnail
from msd_engine.specs import SweepSpec, load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.runs.columns import COLUMNS
from msd_gui.pages.runs.page import RunsPage
from msd_gui.theme import Theme

FRAME_MS = 16.0
KS = (1, 2, 4, 8, 16)
# Of each 75 runs so many belong to a comparison.
PER_SWEEP = 20
STATES = ("finished", "stopped", "failed", "running", "finished", "finished", "stopped")


def make_runs(root: Path, number: int) -> None:
    """Make a few runs in full and copy them, with other dates, pictures and words."""
    rng = np.random.default_rng(0)
    models = []
    for place, k in enumerate(KS):
        spec = load_preset("digits-30s" if place % 2 else "ring-8").replace("training.k", k)
        run = Run.create(root / f"model-{k}", spec, device="cpu")
        run.append_metrics([{"step": n, "held_out": 50 / (n * k), "elapsed_s": n / 20} for n in range(20, 1000, 20)])
        run.save({"averaged.w": torch.zeros(300, 100)}, 980, elapsed_s=49.0, status="finished")
        models.append(run.folder)
    for n in range(number):
        above = root / f"sweep-{n // 75}" if n % 75 < PER_SWEEP else root
        if n % 75 == 0:
            SweepFolder.create(above, SweepSpec(title=f"Copies {n}", base=load_preset("digits-30s"), seeds=(0, 1)))
        run = above / f"run-{n:05d}"
        shutil.copytree(models[n % len(models)], run)
        received = json.loads((run / MANIFEST).read_text())
        received |= {"status": STATES[n % len(STATES)], "step": 100 + n, "elapsed_s": 3.0 * n}
        received["created"] = f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}T{n % 24:02d}:{n % 60:02d}:00+00:00"
        (run / MANIFEST).write_text(json.dumps(received))
        keep_thumbnail(run, rng.uniform(-1, 1, (16, 1, 28, 28)).astype(np.float32))
        if n % 3 == 0:
            distance = {"distance": 20 * rng.uniform(), "distance_features": "classifier"}
            add_figures(run, {"yield": rng.uniform()} | distance)
        if n % 4 == 0:
            write_notes(run, Notes(name=f"try {n}: wider net", note="Chains that live.", tags=("good", "wide")))
    for model in models:
        shutil.rmtree(model)


class Bench:
    """A page, and what each pass of the event loop took."""

    def __init__(self, app: QApplication, root: Path, size: tuple[int, int]) -> None:
        self.app = app
        self.clock = ScreenClock()
        self.clock.start()
        self.page = RunsPage(Engine(data_dir=lambda: None, runs_dir=lambda: root), self.clock)
        self.page.resize(*size)
        self.page.show()
        self.slices: list[float] = []
        self.spin(1.0)
        self.slices.clear()

    def spin(self, seconds: float) -> None:
        """Let the event loop run."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.do(self.app.processEvents)
            time.sleep(0.001)

    def do(self, what: Callable[[], object]) -> None:
        """Do something and note how long it took."""
        start = time.thread_time()
        what()
        self.slices.append(1e3 * (time.thread_time() - start))

    def report(self, name: str) -> None:
        """Print what the slices since the last report took."""
        busy = np.array([taken for taken in self.slices if taken > 0.3] or [0.0])
        median, high = np.percentile(busy, [50, 95])
        over = int((busy > FRAME_MS).sum())
        print(f"{name:34}{len(busy):7}{median:10.1f}{high:9.1f}{busy.max():9.1f}{over:13}", flush=True)
        self.slices.clear()

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the event loop run until something is so."""
        end = time.monotonic() + 120
        while not condition() and time.monotonic() < end:
            self.spin(0.05)


def use(bench: Bench, root: Path, number: int) -> None:
    """List, sort, search, scroll, choose and follow."""
    page, model, table = bench.page, bench.page.model, bench.page.table
    page.set_watched(True)
    bench.until(lambda: len(model.runs) == number)
    bench.spin(1.0)
    bench.report("first listing")
    page.set_watched(False)
    bench.spin(0.5)
    bench.slices.clear()
    page.set_watched(True)
    bench.spin(2.0)
    bench.report("listing what is known")
    everything = [replace(row, step=row.step + 1) for row in model.runs.values()]
    # As the job tells them: in parts.
    for first in range(0, number, MOST_ROWS):
        part = tuple(everything[first : first + MOST_ROWS])
        bench.do(lambda part=part: page._on_runs(RunsChanged(part, (), complete=True)))
        bench.spin(0.1)
    bench.report("all changed at once")
    for column in (*range(len(COLUMNS)), 0, 6, -1):
        bench.do(lambda column=column: table.sortByColumn(column, Qt.SortOrder.AscendingOrder))
        bench.spin(0.15)
    bench.report("sort")
    for text in ("t", "tr", "try", "try k=8", "k=8", ""):
        bench.do(lambda text=text: page.search.box.setText(text))
        bench.spin(0.15)
    bench.report("search")
    lines = model.rowCount()
    for place in range(0, lines, max(lines // 40, 1)):
        bench.do(lambda place=place: table.scrollTo(model.index(place, 0)))
        bench.spin(0.08)
    bench.report("scroll")
    sweeps = [model.row(index).path for index in model.comparisons()]
    for away in (False, True):
        for path in sweeps:
            bench.do(lambda path=path, away=away: table.setExpanded(model.index_of(path), not away))
            bench.spin(0.05)
        bench.report("fold" if away else "unfold")
    for path in sweeps[:8]:
        bench.do(lambda path=path: page.choose(path))
        bench.spin(0.1)
    bench.report("choose comparisons")
    first = [row.path for row in model.lines()[:8]]
    for path in first:
        bench.do(lambda path=path: page.choose(path))
        bench.spin(0.1)
    bench.report("choose one after the other")
    bench.do(lambda: page.choose(*first))
    bench.spin(1.0)
    bench.report("choose 8")
    table.setFocus()
    bench.do(lambda: QTest.keyClick(table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier))
    bench.spin(1.0)
    bench.report("choose all (Ctrl+A)")
    for column in (2, 0, -1):
        bench.do(lambda column=column: table.sortByColumn(column, Qt.SortOrder.AscendingOrder))
        bench.spin(0.2)
    bench.report("sort, all chosen")
    bench.do(table.clearSelection)
    bench.spin(0.5)
    bench.report("choose none")
    run = Run.open(next(root.glob("run-*")))
    with run.locked():
        run.set_status("running")
        for n in range(8):
            run.append_metrics([{"step": 10_000 + n, "held_out": 1 / (n + 1), "elapsed_s": 5.0 * n}])
            bench.spin(0.4)
    bench.report("follow a run in training")


def main() -> None:
    """Prints one line for each thing that is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 720))
    parser.add_argument("--folder", type=Path, help="folder of runs to make, or to use again; by default a new one")
    options = parser.parse_args()
    app = QApplication([])
    # The application keeps no second reference to its theme.
    theme = Theme(app)
    with tempfile.TemporaryDirectory() as folder:
        root = options.folder or Path(folder)
        if not any(root.glob("*")):
            print(f"making {options.runs} runs …", flush=True)
            make_runs(root, options.runs)
        bench = Bench(app, root, tuple(options.size))
        # As the program does once all is imported: looking through all these objects takes a tenth of a second.
        gc.collect()
        gc.freeze()
        print(f"{'ms of the screen thread':34}{'slices':>7}{'median':>10}{'p95':>9}{'most':>9}{'over 16 ms':>13}")
        use(bench, root, options.runs)
        bench.page.close_jobs()
        bench.clock.stop()
    del theme


if __name__ == "__main__":
    main()

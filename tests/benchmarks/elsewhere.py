"""How late the window shows what a training elsewhere has written, what that reads, and what it costs the window.

    python tests/benchmarks/elsewhere.py [--writes 40] [--places path sftp s3]

Runs lie behind a path, an sshd and an S3 server (moto) on the loopback; a relay delays each part by 100 to 150 ms in
each direction. A training adds 1 000 measurements every .5 to 2.5 s. The program's window shows the list of runs.
For each place: time from a write to the copy and to the row in the window's list; bytes of files read and bytes that
passed the relay, over those written; gaps between ticks of a clock of 5 ms on the window's thread, beside those of the
same window that watches nothing. Needs what `tests/engine/far.py` says.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

import far
import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from msd_engine.runs.layout import MANIFEST, METRICS
from msd_engine.runs.remote.mirror import Mirror, Pulled
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset
from msd_gui.app import create_window
from msd_gui.session.settings import Settings

ROWS, TICK_MS = 1000, 5
RESTS_S = (0.5, 2.5)
POLL_S, ROUND_TRIP_S = 1.0, 2 * (far.DELAY_S + far.JITTER_S / 2)


class Writer:
    """A training far away, in a thread of its own; it notes when it wrote, and when the copy has it."""

    def __init__(self, near: Path, put: Callable[[str, Path], None], copy: Callable[[], Path], writes: int) -> None:
        self.run = Run.create(near / "one", load_preset("ncsn-toy").replace("network.width", 16), device="cpu")
        self.put, self.copy, self.writes = put, copy, writes
        self.step = 0
        self.written: dict[int, float] = {}
        self.copied: list[float] = []
        self.write()
        self.first = self.size
        self.thread = threading.Thread(target=self.train, daemon=True)

    @property
    def size(self) -> int:
        return (self.run.folder / METRICS).stat().st_size

    def write(self) -> None:
        first, self.step = self.step + 1, self.step + ROWS
        steps = range(first, self.step + 1)
        self.run.append_metrics([{"step": step, "loss": step / 7, "elapsed_s": step / 10} for step in steps])
        for name in (METRICS, MANIFEST):
            self.put("one", self.run.folder / name)

    def train(self) -> None:
        drawn = np.random.default_rng(0)
        for _ in range(self.writes):
            time.sleep(drawn.uniform(*RESTS_S))
            self.write()
            begun = self.written[self.step] = time.monotonic()
            size, copy = self.size, self.copy() / "one" / METRICS
            while copy.stat().st_size < size:
                time.sleep(0.01)
            self.copied.append(time.monotonic() - begun)


@contextlib.contextmanager
def place_of(kind: str, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[tuple[str, Callable, far.Place | None]]:
    """The address of a place, what puts a file there, and its servers."""
    if kind == "path":
        there = folder / "far"

        def put(run: str, path: Path) -> None:
            (there / run).mkdir(parents=True, exist_ok=True)
            (there / run / ".part").write_bytes(path.read_bytes())
            (there / run / ".part").replace(there / run / path.name)

        yield str(there), put, None
        return
    with far.s3(patch) if kind == "s3" else far.sftp(folder, patch) as place:
        yield place.address, place.put, place


def gaps_ms(app: QApplication, until: Callable[[], bool], look: Callable[[], None]) -> np.ndarray:
    """Milliseconds between the ticks of the window's thread until something holds."""
    ticks: list[float] = []
    timer = QTimer(interval=TICK_MS)
    timer.timeout.connect(lambda: (ticks.append(time.perf_counter()), look()))
    timer.start()
    while not until():
        app.processEvents()
        time.sleep(0.0005)
    timer.stop()
    return 1e3 * np.diff(ticks)


def ticks_of(gaps: np.ndarray) -> str:
    return f"tick p50 {np.median(gaps):.1f}, p99 {np.quantile(gaps, 0.99):.1f}, longest {gaps.max():.0f} ms"


def measure(app: QApplication, kind: str, writes: int) -> None:
    """Print the line of a place."""
    with (
        tempfile.TemporaryDirectory() as name,
        pytest.MonkeyPatch.context() as patch,
        place_of(kind, Path(name), patch) as (address, put, place),
    ):
        folder = Path(name)
        read: list[int] = []
        for look in ("pull", "refresh"):
            whole = getattr(Mirror, look)

            def counted(self: Mirror, whole: Callable[[Mirror], Pulled] = whole) -> Pulled:
                found = whole(self)
                read.append(found.bytes)
                return found

            patch.setattr(Mirror, look, counted)
        window = create_window(settings=Settings(folder / "settings.ini"), runs_dir=folder / "runs")
        window.resize(1280, 800)
        window.show()
        page = window.pages["runs"]
        window.show_page("runs")
        copy = Mirror(address, folder / "runs").folder
        writer = Writer(folder / "near", put, lambda: copy, writes)
        listed: dict[int, float] = {}

        def look() -> None:
            for row in page.model.runs.values():
                listed.setdefault(row.step, time.monotonic())

        until_s = time.monotonic() + 5
        gaps_ms(app, lambda: window.engine.ready and time.monotonic() > until_s, look)
        gc.freeze()
        until_s = time.monotonic() + 15
        alone = gaps_ms(app, lambda: time.monotonic() > until_s, look)
        page.watch_elsewhere(address)
        gaps_ms(app, lambda: ROWS in listed, look)
        before, passed, cpu_s, wall_s = sum(read), place.relay.passed if place else 0, time.process_time(), time.time()
        writer.thread.start()
        watching = gaps_ms(app, lambda: not writer.thread.is_alive() and writer.step in listed, look)
        share = (time.process_time() - cpu_s) / (time.time() - wall_s)
        written = writer.size - writer.first
        shown = [listed[step] - begun for step, begun in writer.written.items() if step in listed]
        lags = ", ".join(
            f"{title} p50 {np.median(lag):.2f}, p95 {np.quantile(lag, 0.95):.2f} s"
            for title, lag in (("copy", writer.copied), ("list", shown))
        )
        over = f"{(sum(read) - before) / written:.2f}"
        over += f" ({(place.relay.passed - passed) / written:.2f} with all that passed)" if place else ""
        print(f"{kind:5} lag: {lags}; read over written {over}; {100 * share:.0f} % of a core; watching: ", end="")
        print(f"{ticks_of(watching)}; before: {ticks_of(alone)}", flush=True)
        window.close()
        app.processEvents()


def main() -> None:
    """Print a line for each place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writes", type=int, default=40)
    parser.add_argument("--places", nargs="+", default=["path", "sftp", "s3"])
    options = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = QApplication([])
    print(f"goal: lag p95 {2 * POLL_S + ROUND_TRIP_S:.2f} s (two polls and a round trip), tick p99 40 ms, read 1.1")
    for kind in options.places:
        measure(app, kind, options.writes)


if __name__ == "__main__":
    main()

"""What watching costs: training speed with the window open against none, and the gaps between the screen's ticks.

    python tests/benchmarks/watching.py [--preset digits-30s] [--seconds 10] [--rounds 3] [--sample]

Training runs in turn without a window and watched at 30 Hz in a shown window, in one process and on the same spec;
the ratio of their speeds is printed round by round, with the cores that other programs have used meanwhile: where they
use some, repeat. With --sample, chains are drawn all the time as well (then only
the gaps matter).
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from msd_engine.backend.threads import Load
from msd_engine.events import LossPoints
from msd_engine.specs import load_preset
from msd_gui.app import create_window
from msd_gui.app.main import collect_what_is_new
from msd_gui.session.settings import Settings

WARM_S = 2.0


def headless(spec, folder, seconds, data_dir):
    """Return steps per second without a window, after the warm-up.

    In a thread that ends, as the window's does: one that stays would keep helpers of its own, which slow down those of
    the next.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(trained, spec, folder, seconds, data_dir).result()


def trained(spec, folder, seconds, data_dir):
    """Train for some seconds and return steps per second."""
    from msd_engine.jobs.training.train import train

    times = []
    job = train(spec, folder, data_dir=data_dir)
    start = time.perf_counter()
    for event in job:
        now = time.perf_counter() - start
        if type(event).__name__ == "Tick" or isinstance(event, LossPoints):
            times.append(now)
        if now > WARM_S + seconds:
            break
    job.close()
    inside = [t for t in times if t >= WARM_S]
    return (len(inside) - 1) / (inside[-1] - inside[0])


def watched(app, window, page, spec, seconds, sample):
    """Return steps per second in the window and the times of the screen's ticks."""
    page.load(spec)
    steps, ticks = [], []
    start = time.perf_counter()
    losses = page.trainer

    def note():
        ticks.append(time.perf_counter())
        if losses.progress is not None:
            steps.append((losses.progress.elapsed_s, losses.progress.step))

    page.clock.tick.connect(note)
    page.act("train")
    while time.perf_counter() - start < WARM_S + seconds:
        app.processEvents()
        time.sleep(0.001)
        if sample and not page.chains.running and losses.has_weights:
            page.chains.forget()
            page.chains.draw_if_new()
    page.clock.tick.disconnect(note)
    page.act("stop")
    while page.running:
        app.processEvents()
        time.sleep(0.001)
    inside = [row for row in steps if row[0] >= WARM_S]
    (s0, n0), (s1, n1) = inside[0], inside[-1]
    return (n1 - n0) / (s1 - s0), np.diff(ticks) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="digits-30s")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", action="store_true")
    options = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    spec = load_preset(options.preset).replace_all({"training.seconds": 0.0, "training.steps": 10_000_000})
    kind = "mixture" if spec.data.kind == "mixture" else "images"
    gaps, ratios = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        window = create_window(
            settings=Settings(folder / "settings.ini"), runs_dir=folder / "runs", data_dir=options.data_dir
        )
        gc.disable()
        window.files.warmed_up.connect(collect_what_is_new)
        window.resize(1280, 800)
        window.show()
        window.show_page(kind)
        page = window.pages[kind]
        while not (page.can("train") and gc.isenabled()):
            app.processEvents()
            time.sleep(0.01)
        for number in range(options.rounds):
            load = Load()
            alone = headless(spec, folder / f"alone-{number}", options.seconds, options.data_dir)
            others = [load.others()]
            observed, ticks = watched(app, window, page, spec, options.seconds, options.sample)
            others.append(load.others())
            gaps.append(ticks)
            ratios.append(observed / alone)
            print(
                f"round {number + 1}: {alone:.1f} steps/s alone, {observed:.1f} watched, ratio {observed / alone:.3f}; "
                f"others used {others[0]:.2f} and {others[1]:.2f} cores",
                flush=True,
            )
        window.close()
    every = np.concatenate(gaps)
    print(f"{options.preset}: median ratio watched / alone {np.median(ratios):.3f}")
    print(
        f"gaps between {len(every)} ticks of the screen in ms: median {np.median(every):.0f}, "
        f"p99 {np.percentile(every, 99):.0f}, most {every.max():.0f}; over 100 ms: {(every > 100).sum()}"
    )


if __name__ == "__main__":
    main()

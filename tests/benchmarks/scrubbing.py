"""How many pictures per second the mixture page paints while its timeline is dragged.

    python tests/benchmarks/scrubbing.py [--moments 1000] [--chains 200] [--k 8] [--pictures 200]

A real window is opened (set QT_QPA_PLATFORM=offscreen where there is no screen) and its timeline is dragged to and fro
through all kept states of the chains; after each move all that follows from it is painted. The milliseconds of the
screen's own thread say what the window costs, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import time

from dragging import Paintings, wait
from PySide6.QtWidgets import QApplication

from msd_gui.app import create_window
from msd_gui.session.settings import Settings


def main() -> None:
    """Open the window, scrub, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, usual in (("moments", 1000), ("chains", 200), ("k", 8), ("pictures", 200)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    options = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    window = create_window(settings=Settings())
    window.resize(1280, 800)
    window.show()
    page = window.pages["mixture"]
    levels = 10
    page.experiment.set(
        page.experiment.spec.replace_all(
            {
                "training.k": options.k,
                "sampling.chains": options.chains,
                "sampling.levels": levels,
                "sampling.steps_per_level": options.moments // levels,
            }
        )
    )
    wait(app, lambda: page.player.buffer.shown.spec == page.experiment.spec and page.player.buffer.shown.complete, 120)
    page.player.playhead.playing = False
    states = len(page.player.buffer.shown)
    wait(app, lambda: not page.running, 60)
    painted = Paintings(page.plane.viewport())
    begun, used = time.perf_counter(), time.thread_time()
    for picture in range(options.pictures):
        share = abs((4 * picture / options.pictures) % 2 - 1)
        before, step = painted.count, round(share * page.timeline.total())
        if step == page.timeline.position():
            continue
        page.timeline._go(step)
        # A picture that is not waited for might be merged with the next one.
        while painted.count == before:
            app.processEvents()
    wall, own = time.perf_counter() - begun, time.thread_time() - used
    print(f"{states} states × {options.chains} chains × {options.k} copies, {options.pictures} pictures")
    count = painted.count
    print(f"screen's thread: {1e3 * own / count:.1f} ms per picture, at most {count / own:.0f}/s")
    print(f"wall: {count / wall:.0f} pictures/s ({count} painted)")
    window.close()


if __name__ == "__main__":
    main()

"""How long a launch takes: the first painting, chains that move, and 64 digits from a shipped model.

    python tests/benchmarks/launch.py [--rounds 5]

`msd-gui` is started anew each time with empty settings, in a process of its own; all times run from the start of that
process, whose bare Python start is taken too. On the images page pictures move unasked; then small digits are asked for
as a user would, by Sample.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

COUNT = 64
ROWS = {
    "first_painting": "first painting of the window",
    "engine": "engine ready (torch imported)",
    "chains": "chains on the plane",
    "pictures": "pictures that move on the images page, unasked",
    "digits": "64 digits from the shipped model",
}


def child(start: float, folder: Path) -> None:
    """Launch the program, note when things are first seen, and print them as JSON."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    import msd_gui.app
    from msd_engine.specs import load_preset
    from msd_gui.app.main import main as launch
    from msd_gui.session.settings import Settings

    batch: dict[str, float] = {}
    build = msd_gui.app.create_window

    class Watch(QObject):
        def eventFilter(self, _watched, event):
            if event.type() == QEvent.Type.Paint:
                batch.setdefault("first_painting", time.time() - start)
            return False

    def create_window(**options):
        window = build(**{**options, "settings": Settings(folder / "settings.ini"), "runs_dir": folder / "runs"})
        window.watch, window.extract_features = Watch(), QTimer(window)
        window.centralWidget().installEventFilter(window.watch)
        window.files.engine_ready.connect(lambda _device: batch.setdefault("engine", time.time() - start))
        wanted = []

        def extract_features():
            if "chains" not in batch:
                if not window.pages["mixture"].player.empty:
                    batch["chains"] = time.time() - start
                    window.show_page("images")
                return
            page = window.pages["images"]
            if page.gallery.latest is not None and page.gallery.latest.step > 1:
                batch.setdefault("pictures", time.time() - start)
            if not wanted and "pictures" in batch:
                wanted.append(True)
                page.load(load_preset("digits-30s"))
                page.act("sample")
            drawn = page.gallery.samples
            if drawn is not None and drawn.x_hat.shape[0] == COUNT and not page.running:
                batch["digits"] = time.time() - start
                print(json.dumps(batch), flush=True)
                window.close()

        window.extract_features.timeout.connect(extract_features)
        window.extract_features.start(5)
        return window

    msd_gui.app.create_window = create_window
    sys.exit(launch([]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--start", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.start:
        child(options.start, options.folder)
    times, bare = [], []
    for _ in range(options.rounds):
        start = time.time()
        subprocess.run([sys.executable, "-c", ""], check=True)
        bare.append(time.time() - start)
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--start", str(time.time()), "--folder", folder]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            times.append(json.loads(done.stdout.splitlines()[-1]))
    print(f"seconds since the start of the process, {options.rounds} launches; bare python: {np.median(bare):.2f}")
    for key, title in ROWS.items():
        values = [row[key] for row in times]
        print(f"{title:36} median {np.median(values):.2f}, least {min(values):.2f}, most {max(values):.2f}")


if __name__ == "__main__":
    main()

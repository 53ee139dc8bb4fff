"""Makes the pictures of the README from the running program.

    python tests/e2e/screenshots.py [--out resources/help/screenshots] [--data-dir FOLDER] [--preset mnist-2min]

One picture of each page at 1280 × 800: the mixture page with its chains, the images page after training with the
given preset, with its samples, a digit denoised by hand, the comparison that the program comes with, the runs of all
these, and a picture on its way to noise. Without a data folder use --preset digits-30s, whose data are built in.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from walk import Walk

from msd_engine.specs import load_preset

OUT = Path(__file__).parents[2] / "resources" / "help" / "screenshots"
PATIENCE_S = 900.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--preset", default="mnist-2min")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--only", choices=tuple(PAGES))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        walk = Walk(Path(folder), theme=options.theme, data_dir=options.data_dir)
        try:
            for name, show in PAGES.items():
                if options.only in (None, name):
                    walk.window.show_page(name)
                    show(walk, options)
                    walk.keep(options.out / f"{name}.png")
        finally:
            walk.close()


def mixture(walk: Walk, _options: argparse.Namespace) -> None:
    """The mixture page, with a trained network beside the exact score, half way down the ladder."""
    page = walk.mixture
    walk.wait(lambda: page.report is not None)
    page.experiment.set(page.experiment.spec.replace_all({"training.steps": 1500, "training.evaluate_every": 50}))
    page.act("train")
    walk.wait(lambda: page.trainer.has_weights and not page.running)
    page.layers["exact arrows"].setChecked(True)
    page.player.playhead.playing = False
    page.player.playhead.position = 0.93 * page.player.buffer.shown.total
    walk.rest(1.0)


def images(walk: Walk, options: argparse.Namespace) -> None:
    """The images page, trained and sampled as the preset says."""
    page = walk.images
    walk.wait(lambda: page.can("train"))
    page.load(load_preset(options.preset))
    walk.click("train")
    walk.wait(lambda: page.trainer.has_weights and not page.trainer.running, PATIENCE_S)
    walk.click("sample")
    walk.wait(lambda: page.gallery.samples is not None and not page.running, PATIENCE_S)
    page.gallery.choose(0)
    walk.rest(6.0)


def denoise(walk: Walk, _options: argparse.Namespace) -> None:
    """A held-out digit, its copies and what is seen in them."""
    walk.rest(4.0)


def compare(walk: Walk, _options: argparse.Namespace) -> None:
    """The comparison that comes with the program, as the page opens."""
    page = walk.window.pages["compare"]
    walk.wait(lambda: page.can("train") and not page.running)
    walk.rest(2.0)


def scores(walk: Walk, _options: argparse.Namespace) -> None:
    """Objectives side by side, with few steps; the score of the implicit one."""
    page = walk.window.pages["scores"]
    page.experiment.set(page.experiment.spec.replace("training.steps", 500))
    walk.wait(lambda: page.can("train"))
    page.act("train")
    walk.rest(1.0)
    walk.wait(lambda: not page.running, PATIENCE_S)
    page.shown.objective.setCurrentIndex(page.shown.objective.findData("implicit"))
    walk.rest(1.0)


def runs(walk: Walk, _options: argparse.Namespace) -> None:
    """What was trained for the other pictures."""
    walk.rest(3.0)


def noise(walk: Walk, _options: argparse.Namespace) -> None:
    """A picture on its way to white and to coloured noise."""
    page = walk.window.pages["noise"]
    walk.wait(lambda: page.shown.frame is not None)
    walk.rest(1.0)


PAGES = {"mixture": mixture, "images": images, "denoise": denoise, "compare": compare, "runs": runs, "noise": noise}
PAGES |= {"scores": scores}


if __name__ == "__main__":
    main()

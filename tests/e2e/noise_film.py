"""A film of the noise page, from "what is this noise?" to a figure for a paper, in seven scenes.

    python tests/e2e/noise_film.py --out FOLDER [--theme light] [--size 1280x800] [--seconds 8] [--only SCENE ...]

One picture under two noises; γ and t dragged; noise with the spectrum of the data; points and their ellipse; one
network trained under each noise; the spectra in a file. All pictures are put together into film.webp.
"""

from __future__ import annotations

import itertools

from walk import Walk, film, fraction

from msd_engine.specs import load_preset


def first_sight(walk: Walk, _seconds: float) -> None:
    """One white draw is made into both noises."""
    walk.window.show_page("noise")
    page = walk.window.page
    walk.wait(lambda: page.shown.frame is not None)
    walk.rest(1.0)
    walk.picture("one-picture-under-two-noises")


def smoothness(walk: Walk, _seconds: float) -> None:
    """γ turns white noise blue or smooth."""
    places = [fraction(walk, "noise.gamma", gamma) for gamma in (1.0, -1.0, 2.5, 1.0)]
    for number, (here, there) in enumerate(itertools.pairwise(places)):
        walk.drag("noise.gamma", here, there, 1.5, (f"gamma-{number + 1}",))


def time(walk: Walk, _seconds: float) -> None:
    """Fine detail goes first under white noise."""
    here, there = (fraction(walk, "denoise.time", t) for t in (0.1, 0.7))
    walk.drag("denoise.time", here, there, 2.0, ("t-grows", "t-at-its-end"))
    walk.drag("denoise.time", there, here, 1.0)


def of_the_data(walk: Walk, _seconds: float) -> None:
    """Noise with the spectrum of the data hides all frequencies alike."""
    experiment = walk.window.page.experiment
    before = experiment.spec
    experiment.set(before.replace("noise.covariance", "data"))
    walk.rest(1.0)
    walk.picture("noise-with-the-spectrum-of-the-data")
    experiment.set(before)


def points(walk: Walk, _seconds: float) -> None:
    """In the plane the noise is an ellipse, and the flow knows the likelihood of each datum."""
    page = walk.window.page
    page.tabs.setCurrentIndex(1)
    walk.rest(2.5)
    walk.picture("points-under-an-ellipse")
    page.tabs.setCurrentIndex(0)
    walk.rest(0.5)


def two_trainings(walk: Walk, seconds: float) -> None:
    """One network is trained under each noise, and draws samples with many and with few steps."""
    page = walk.window.page
    page.load(load_preset("noise-digits").replace_all({"training.seconds": seconds, "training.steps": 100_000}))
    walk.rest(0.5)
    walk.wait(lambda: page.can("train"))
    page.act("train")
    walk.wait(lambda: page.trainings.table_event is not None or not page.can("stop"))
    walk.picture("first-samples")
    walk.wait(lambda: not page.can("stop"), 900.0)
    walk.rest(1.0)
    walk.picture("compared-by-steps")


def exporting(walk: Walk, _seconds: float) -> None:
    """A figure for a paper."""
    page = walk.window.page
    page.parts.setCurrentIndex(0)
    row = next(row for row in page.exports() if row.label == "Spectra")
    path = walk.out / "spectra.pdf"
    walk.window.files.run_export(row, path)
    walk.wait(path.exists)
    walk.rest(0.5)
    walk.picture("spectra-in-a-file")


SCENES = (first_sight, smoothness, time, of_the_data, points, two_trainings, exporting)


if __name__ == "__main__":
    film(__doc__, SCENES)

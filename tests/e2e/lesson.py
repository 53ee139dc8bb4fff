"""A film of a teacher's ten minutes in the plane, in eight scenes.

    python tests/e2e/lesson.py --out FOLDER [--theme light] [--size 1280x800] [--seconds 8] [--only SCENE ...]

Plain Langevin dynamics is wrong; annealed dynamics is right; k at equal σ_eff changes nothing that the chains draw, and
k at equal σ does; the wall; an exact score beside a learned one; one figure goes to a file. All pictures are put
together into film.webp.
"""

from __future__ import annotations

from walk import Walk, film, fraction, press

from msd_engine.specs import WALL, ExperimentSpec, load_preset
from msd_gui.session.rules import method_rule


def finished(walk: Walk) -> None:
    """Wait for the end of the chains, and show their last moment."""
    mixture = walk.mixture
    walk.wait(lambda: mixture.report is not None and not mixture.running)
    mixture.player.playhead.playing, mixture.player.playhead.position = False, float("inf")
    walk.rest(0.8)


def draw(walk: Walk, spec: ExperimentSpec) -> None:
    """Draw the chains of an experiment to their end."""
    walk.window.show_page("mixture")
    walk.mixture.load(spec)
    finished(walk)


def plain(walk: Walk, _seconds: float) -> None:
    """Plain Langevin dynamics keeps each chain in the mode where it began: half and half instead of .8 and .2."""
    toy = load_preset("ncsn-toy")
    draw(walk, toy.replace_all(method_rule(toy, "fixed") | {"sampling.method": "fixed"}))
    walk.picture("plain-weights-are-wrong")


def annealed(walk: Walk, _seconds: float) -> None:
    """Annealed dynamics begins where the modes are one, and finds their weights."""
    walk.mixture.load(load_preset("ncsn-toy"))
    walk.wait(lambda: walk.mixture.report is not None and not walk.mixture.running)
    playhead = walk.mixture.player.playhead
    for share in (0.2, 0.6):
        playhead.playing, playhead.position = False, share * walk.mixture.player.buffer.shown.total
        walk.rest(0.6)
        walk.picture(f"annealed-at-{share:.0%}")
    finished(walk)
    walk.picture("annealed-weights-are-right")


def copies_at_equal_noise(walk: Walk, _seconds: float) -> None:
    """With σ following √k the mean of the copies walks the same chain, whatever k is."""
    walk.mixture.ladder_controls.equal_noise.setChecked(True)
    here, there = (fraction(walk, "training.k", k) for k in (8, 2))
    walk.drag("training.k", here, there, 2.0, ("k-falls-with-the-lock",))
    finished(walk)
    walk.picture("two-copies-of-equal-noise")
    walk.drag("training.k", there, here, 1.0)
    walk.mixture.ladder_controls.equal_noise.setChecked(False)
    finished(walk)


def copies(walk: Walk, _seconds: float) -> None:
    """At equal σ fewer copies leave more noise in their mean."""
    here, there = (fraction(walk, "training.k", k) for k in (8, 1))
    walk.drag("training.k", here, there, 2.0, ("k-falls",))
    finished(walk)
    walk.picture("one-copy")
    walk.drag("training.k", there, here, 1.0)
    finished(walk)


def wall(walk: Walk, _seconds: float) -> None:
    """From r = 2 on chains blow up."""
    here = fraction(walk, "sampling.step_ratio", walk.mixture.experiment.spec.sampling.step_ratio)
    there = fraction(walk, "sampling.step_ratio", WALL) + 0.04
    walk.drag("sampling.step_ratio", here, there, 2.0, ("towards-the-wall", "past-the-wall"))
    walk.rest(0.8)
    walk.picture("beyond-the-wall")
    walk.drag("sampling.step_ratio", there, here, 1.0)
    finished(walk)


def learned(walk: Walk, seconds: float) -> None:
    """A small network learns the score while its loss falls towards that of the exact one; its chains beside."""
    toy = load_preset("ncsn-toy").replace_all({"training.seconds": seconds, "training.steps": 100_000})
    draw(walk, toy)
    press(walk, "Keep as A")
    walk.click("train")
    walk.rest(seconds / 2)
    walk.picture("learning")
    walk.wait(lambda: not walk.mixture.trainer.running)
    walk.mixture.experiment.set(walk.mixture.experiment.spec.replace("sampling.source", "trained"))
    walk.rest(0.5)
    finished(walk)
    walk.picture("exact-as-A-learned-as-B")


def scores(walk: Walk, _seconds: float) -> None:
    """The exact score, the learned one and their difference, by several objectives."""
    walk.window.show_page("scores")
    page = walk.window.page
    walk.wait(lambda: page.can("train"))
    walk.click("train")
    walk.rest(4.0)
    walk.picture("scores-are-learned")
    walk.wait(lambda: not page.running)
    walk.rest(0.5)
    walk.picture("scores-compared")


def exporting(walk: Walk, _seconds: float) -> None:
    """One figure goes to a file."""
    if walk.mixture.sides.kept is not None:
        walk.mixture.sides.forget()
    draw(walk, load_preset("poster-figure-3"))
    figure = next(row for row in walk.mixture.exports() if row.suffix == ".svg")
    path = walk.out / f"{figure.name}.svg"
    walk.window.files.run_export(figure, path)
    walk.wait(path.exists)
    walk.rest(0.5)
    walk.picture("a-figure-of-the-papers-is-saved")


SCENES = (plain, annealed, copies_at_equal_noise, copies, wall, learned, scores, exporting)


if __name__ == "__main__":
    film(__doc__, SCENES)

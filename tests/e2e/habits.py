"""A film of what the window says: true sentences beside what is shown, in eleven scenes.

    python tests/e2e/habits.py --out FOLDER [--theme light] [--size 1280x800] [--seconds 8] [--only SCENE ...]

k and a network of another k; old beside new; a comparison by equal steps; Why?; plain Langevin; figures at the
playhead; the wall; a preview; a job of another page; the export dialog; a restored grid. Each scene keeps at least one
picture; all are put together into film.webp.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from walk import Walk, film, fraction, press

from msd_engine.specs import WALL, load_preset
from msd_gui.session.rules import method_rule


def drawn(walk: Walk) -> None:
    """Wait for the chains of the images page."""
    walk.wait(lambda: walk.images.gallery.samples is not None and not walk.images.running)
    walk.rest(0.5)


def copies(walk: Walk, seconds: float) -> None:
    """A network of eight copies alone is asked for three."""
    walk.window.show_page("images")
    images = walk.images
    walk.wait(lambda: images.can("train"))
    spec = load_preset("digits-30s").replace_all({"training.seconds": seconds, "sampling.chains": 36})
    images.experiment.set(spec.replace("network.fusion", "concat"))
    walk.click("train")
    walk.wait(lambda: images.trainer.has_weights and not images.trainer.running)
    walk.click("sample")
    drawn(walk)
    walk.picture("network-of-eight-copies")
    images.experiment.set(images.experiment.spec.replace("training.k", 3))
    walk.rest(1.0)
    walk.picture("three-copies-asked")
    press(walk, "Back to 8")
    drawn(walk)
    walk.picture("back-to-eight")


def old_beside_new(walk: Walk, seconds: float) -> None:
    """A new training begins beside the chains of the last network."""
    images = walk.images
    images.experiment.set(images.experiment.spec.replace("training.seed", 5))
    walk.click("train")
    walk.rest(seconds / 2)
    walk.picture("old-chains-beside-a-new-training")
    walk.wait(lambda: not images.trainer.running)
    walk.rest(0.5)
    walk.picture("old-chains-beside-the-new-network")


def equal_steps(walk: Walk, seconds: float) -> None:
    """A comparison with a budget in seconds is of equal steps."""
    walk.window.show_page("compare")
    page = walk.window.pages["compare"]
    walk.wait(lambda: page.can("train"))
    page.form.ks.setText("1, 8")
    page.form.seeds.setText("0, 1")
    page.form.budget.setText(f"{seconds:g}")
    walk.rest(0.5)
    walk.picture("time-in-all-before-the-start")
    page.act("train")
    walk.rest(1.0)
    walk.wait(lambda: not page.running)
    walk.rest(1.0)
    walk.picture("compared-by-equal-steps")


def why(walk: Walk, _seconds: float) -> None:
    """Chains die under strong guidance, and an experiment finds the cause."""
    walk.window.show_page("images")
    images = walk.images
    images.load(load_preset("mnist-2min"))
    drawn(walk)
    images.experiment.set(
        images.experiment.spec.replace_all(
            {"sampling.sampler": "langevin", "sampling.guidance": 4.0, "sampling.levels": 20, "sampling.chains": 32}
        )
    )
    drawn(walk)
    walk.picture("chains-have-died")
    press(walk, "Why?")
    walk.rest(1.0)
    walk.picture("why-draws-others")
    walk.wait(lambda: not walk.window.page.running)
    walk.rest(1.0)
    walk.picture("why-names-the-cause")


def plain(walk: Walk, _seconds: float) -> None:
    """Plain Langevin draws wrong weights, and a card says so."""
    walk.window.show_page("mixture")
    mixture = walk.mixture
    toy = load_preset("ncsn-toy")
    mixture.load(toy.replace_all(method_rule(toy, "fixed") | {"sampling.method": "fixed"}))
    mixture.player.playhead.playing, mixture.player.playhead.position = False, float("inf")
    walk.wait(lambda: mixture.report is not None and not mixture.running)
    walk.rest(1.0)
    walk.picture("plain-langevin")


def playhead(walk: Walk, _seconds: float) -> None:
    """The figures are those of the moment that is seen."""
    mixture = walk.mixture
    mixture.load(load_preset("ncsn-toy"))
    walk.wait(lambda: mixture.report is not None and not mixture.running)
    for share in (0.4, 0.8):
        mixture.player.playhead.playing = False
        mixture.player.playhead.position = share * mixture.player.buffer.shown.total
        walk.rest(0.8)
        walk.picture(f"figures-at-{share:.0%}")
    mixture.player.playhead.position = float("inf")


def wall(walk: Walk, _seconds: float) -> None:
    """Chains beyond the wall are seen."""
    mixture = walk.mixture
    here = fraction(walk, "sampling.step_ratio", mixture.experiment.spec.sampling.step_ratio)
    there = fraction(walk, "sampling.step_ratio", WALL) + 0.04
    walk.drag("sampling.step_ratio", here, there, 2.0, ("towards-the-wall", "past-the-wall"))
    walk.rest(0.8)
    walk.picture("beyond-the-wall")
    walk.drag("sampling.step_ratio", there, here, 1.0)


def preview(walk: Walk, _seconds: float) -> None:
    """A short ladder follows the slider."""
    walk.window.show_page("images")
    walk.images.load(load_preset("mnist-2min"))
    drawn(walk)
    here = fraction(walk, "sampling.levels", walk.images.experiment.spec.sampling.levels)
    walk.drag("sampling.levels", here, here - 0.2, 2.0, ("preview", "preview-later"))
    drawn(walk)


def elsewhere(walk: Walk, seconds: float) -> None:
    """A training of another page is seen in the status bar."""
    walk.images.load(load_preset("digits-30s").replace("training.seconds", seconds))
    walk.click("train")
    walk.rest(seconds / 3)
    walk.window.show_page("mixture")
    walk.rest(1.0)
    walk.picture("a-job-of-another-page")
    walk.wait(lambda: not walk.images.trainer.running)


def exporting(walk: Walk, _seconds: float) -> None:
    """The export dialog shows the figure before it is written; an exported grid brings back its pictures."""
    window, images = walk.window, walk.images
    window.show_page("images")
    walk.click("sample")
    drawn(walk)
    rows = {row.label: row for row in images.exports()}
    dialog = window.files.open_export(rows["Sample grid"])
    walk.wait(lambda: "pixels" in dialog.size_line.text())
    walk.rest(0.3)
    path = walk.out / f"{len(walk.pictures) + 1:02d}-export-dialog.png"
    assert dialog.grab().save(str(path))
    walk.pictures.append(path)
    dialog.folder.setText(str(walk.out))
    dialog.name.setText("grid")
    QTest.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
    walk.wait((walk.out / "grid.png").exists)
    walk.rest(0.5)
    dialog.close()
    images.load(load_preset("mnist-2min"))
    drawn(walk)
    walk.drop(walk.out / "grid.png")
    walk.rest(2.0)
    walk.picture("restored-grid")


SCENES: tuple[Callable[[Walk, float], None], ...] = (
    copies, old_beside_new, equal_steps, why, plain, playhead, wall, preview, elsewhere, exporting,
)  # fmt: skip


if __name__ == "__main__":
    film(__doc__, SCENES)

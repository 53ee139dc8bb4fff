"""A user's walk through the program, with a picture of the window at each step.

    python tests/e2e/walk.py --out FOLDER [--film walk|chains] [--train-seconds 30] [--theme light] [--size 1280x800]

The walk: launch, drag ε past the wall and back, train on digits, sample, export the grid, and restore everything from
the PNG by dropping it on the window. The chains: the images page as it opens, r, T, L and k dragged while chains of the
shipped network run, then a folder of pictures dropped, trained and sampled. It needs a screen (Xvfb will do) or
QT_QPA_PLATFORM=offscreen. The pictures are named in their order and put together into film.webp.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton

from msd_engine.data.images import load_images
from msd_engine.specs import WALL, ImagesSpec, load_preset
from msd_gui.app import create_window
from msd_gui.session.settings import Settings
from msd_gui.widgets.panels.spec_form import SpecForm

PATIENCE_S = 240.0


class Walk:
    """A window, and the hand that clicks and drags in it."""

    def __init__(
        self, out: Path, *, theme: str = "light", size: tuple[int, int] = (1280, 800), data_dir: Path | None = None
    ) -> None:
        self.app = QApplication.instance() or QApplication([])
        self.out = out
        self.pictures: list[Path] = []
        out.mkdir(parents=True, exist_ok=True)
        self.window = create_window(
            settings=Settings(out / "settings.ini"), runs_dir=out / "runs", theme=theme, data_dir=data_dir
        )
        self.window.resize(*size)
        self.window.show()
        self.mixture = self.window.pages["mixture"]
        self.images = self.window.pages["images"]

    def wait(self, condition, seconds: float = PATIENCE_S) -> None:
        """Let the window live until something holds; fail where it never does."""
        end = time.monotonic() + seconds
        while not condition():
            self.app.processEvents()
            time.sleep(0.005)
            if time.monotonic() > end:
                raise TimeoutError(f"The window did not get there; messages: {self.window.messages.errors()}")

    def rest(self, seconds: float) -> None:
        """Let the window live for some time."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)

    def picture(self, name: str) -> Path:
        """Keep a picture of the window as it is on the screen."""
        self.rest(0.15)
        path = self.out / f"{len(self.pictures) + 1:02d}-{name}.png"
        self.keep(path)
        self.pictures.append(path)
        return path

    def keep(self, path: Path) -> None:
        """Write the window as it is on the screen into a file."""
        assert self.window.grab().save(str(path))

    def click(self, action: str) -> None:
        """Press the tool button of an action."""
        for button in self.window.findChildren(QToolButton):
            wanted = button.defaultAction()
            if wanted is not None and wanted.objectName() == f"action.{action}" and button.isVisible():
                assert button.isEnabled(), f"{action} cannot be pressed now"
                QTest.mouseClick(button, Qt.MouseButton.LeftButton)
                return
        raise AssertionError(f"There is no button for {action} on the screen.")

    def drag(self, path: str, start: float, end: float, seconds: float = 1.0, shots: tuple[str, ...] = ()) -> None:
        """Drag the handle of a slider between two places on its track, taking pictures on the way.

        Args:
            path: Dotted path of the field.
            start: Place to begin at, as a share of the width.
            end: Place to end at.
            seconds: How long the drag takes.
            shots: Names of pictures, taken at equal distances.
        """
        track = form(self).slider(path).track
        y, steps = track.height() // 2, max(8, round(30 * seconds))
        at = [QPoint(round((start + (end - start) * i / steps) * track.width()), y) for i in range(steps + 1)]
        QTest.mousePress(track, Qt.MouseButton.LeftButton, pos=at[0])
        due = [round(steps * (i + 1) / len(shots)) for i in range(len(shots))]
        for number, position in enumerate(at):
            QTest.mouseMove(track, position)
            self.rest(seconds / steps)
            if number in due:
                self.picture(shots[due.index(number)])
        QTest.mouseRelease(track, Qt.MouseButton.LeftButton, pos=at[-1])

    def drop(self, path: Path) -> None:
        """Drop a file on the window."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        event = QDropEvent(
            QPointF(400, 300),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        self.window.dropEvent(event)

    def close(self) -> None:
        """Close the window and all its threads."""
        self.window.close()
        self.app.processEvents()


def form(walk: Walk) -> SpecForm:
    """Return the controls on the screen."""
    return next(one for one in walk.window.page.findChildren(SpecForm) if one.isVisible())


def fraction(walk: Walk, path: str, value: float) -> float:
    """Return the place of a value on its slider's track, as a share of the width."""
    slider = form(walk).slider(path)
    before = slider.value()
    slider.setValue(value)
    place = slider.track._x(slider.track.fraction()) / slider.track.width()
    slider.setValue(before)
    return place


def press(walk: Walk, text: str) -> None:
    """Press the visible button with a text."""
    for button in walk.window.page.findChildren(QPushButton):
        if button.text() == text and button.isVisible():
            assert button.isEnabled(), f"{text} cannot be pressed now"
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            return
    raise AssertionError(f"There is no button {text!r} on the screen.")


def film(doc: str | None, scenes: Sequence[Callable[[Walk, float], None]]) -> None:
    """Play the scenes that the command line asks for, and put their pictures together into film.webp."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--seconds", type=float, default=8.0, help="seconds of each training")
    parser.add_argument("--only", nargs="*", choices=[scene.__name__ for scene in scenes])
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    walk = Walk(options.out, theme=options.theme, size=(width, height))
    try:
        for scene in scenes:
            if options.only is None or scene.__name__ in options.only:
                scene(walk, options.seconds)
                print(scene.__name__, flush=True)
    finally:
        print(*walk.window.messages.errors(), sep="\n", end="")
        walk.close()
    put_together(walk.pictures, options.out, (width, height))


def put_together(pictures: list[Path], out: Path, size: tuple[int, int]) -> None:
    """Write all pictures as film.webp."""
    frames = [Image.open(path).convert("RGB").resize(size) for path in pictures]
    frames[0].save(out / "film.webp", save_all=True, append_images=frames[1:], duration=1500, loop=0)
    print(f"{len(frames)} pictures and film.webp in {out}")


def go(walk: Walk, train_seconds: float) -> Path:
    """Take the whole walk.

    Args:
        walk: The window.
        train_seconds: Seconds of training on digits.

    Returns:
        The grid of samples that was exported and restored from.
    """
    window, mixture, images = walk.window, walk.mixture, walk.images
    walk.picture("launch")
    walk.wait(lambda: mixture.report is not None)
    walk.rest(1.0)
    walk.picture("chains-move")

    here = fraction(walk, "sampling.step_ratio", mixture.experiment.spec.sampling.step_ratio)
    wall = fraction(walk, "sampling.step_ratio", WALL)
    mixture.player.playhead.playing, mixture.player.playhead.position = False, float("inf")
    walk.drag("sampling.step_ratio", here, wall + 0.03, 2.0, ("step-towards-the-wall", "step-past-the-wall"))
    assert mixture.experiment.spec.sampling.step_ratio > WALL
    walk.rest(0.6)
    walk.picture("past-the-wall")
    walk.drag("sampling.step_ratio", wall + 0.03, here, 2.0, ("step-coming-back", "step-back"))
    walk.rest(0.6)
    walk.picture("alive-again")

    window.show_page("images")
    walk.wait(lambda: images.can("train"))
    spec = load_preset("digits-30s").replace_all({"training.seconds": train_seconds, "sampling.chains": 36})
    images.experiment.set(spec)
    walk.picture("images-page")
    walk.click("train")
    walk.wait(lambda: images.shown.held_out is not None)
    walk.rest(train_seconds / 3)
    walk.picture("training")
    walk.wait(lambda: not images.trainer.running)
    walk.picture("trained")
    walk.click("sample")
    walk.wait(
        lambda: images.gallery.latest is not None and 3 * images.gallery.latest.step > images.gallery.latest.total
    )
    walk.picture("sampling")
    walk.wait(lambda: images.gallery.samples is not None and not images.running)
    images.gallery.choose(3)
    walk.picture("samples")

    grid = walk.out / "digits-grid.png"
    export = next(row for row in images.exports() if row.label == "Sample grid")
    window.files.run_export(export, grid)
    walk.wait(grid.exists)
    walk.rest(0.3)
    walk.picture("exported")

    sampled = images.experiment.spec
    images.experiment.set(sampled.replace_all({"training.k": 3, "sampling.levels": 7, "sampling.seed": 99}))
    walk.picture("other-settings")
    window.show_page("mixture")
    walk.drop(grid)
    walk.wait(lambda: window.page is images and images.experiment.spec == sampled)
    walk.picture("restored-from-the-png")
    assert not window.messages.errors(), window.messages.errors()
    return grid


def go_chains(walk: Walk, pictures: Path, train_seconds: float) -> None:
    """Drag the settings of learned chains while they run, then train on dropped pictures.

    Args:
        walk: The window.
        pictures: A folder of pictures.
        train_seconds: Seconds of training on them.
    """
    window, images = walk.window, walk.images
    window.show_page("images")
    walk.wait(lambda: images.gallery.latest is not None)
    walk.picture("images-page-opens")
    walk.wait(lambda: images.gallery.samples is not None and not images.running)
    walk.picture("first-chains")
    for path, name, factor in (
        ("sampling.step_ratio", "r", 3.0),
        ("sampling.steps_per_level", "T", 2.0),
        ("sampling.levels", "L", 0.4),
        ("training.k", "k", 0.25),
    ):
        value = images.experiment.spec.get(path)
        here = fraction(walk, path, value)
        there = fraction(walk, path, type(value)(value * factor))
        walk.drag(path, here, there, 2.0, (f"{name}-dragged", f"{name}-there"))
        walk.wait(lambda: images.gallery.samples is not None and not images.running)
        walk.picture(f"{name}-drawn")
    walk.drop(pictures)
    walk.wait(lambda: images.experiment.spec.data.name == "folder")
    walk.rest(0.5)
    images.experiment.set(images.experiment.spec.replace("training.seconds", train_seconds))
    walk.picture("folder-dropped")
    walk.click("train")
    walk.wait(lambda: images.shown.held_out is not None)
    walk.rest(train_seconds / 2)
    walk.picture("folder-training")
    walk.wait(lambda: not images.trainer.running)
    walk.click("sample")
    walk.wait(lambda: images.gallery.samples is not None and not images.running)
    walk.picture("folder-sampled")
    assert not window.messages.errors(), window.messages.errors()


def write_pictures(folder: Path, most: int = 600) -> Path:
    """Write the shipped shapes as PNG files, their classes as subfolders."""
    shapes = load_images(ImagesSpec(name="shapes"))
    for number, (image, label) in enumerate(zip(shapes.train[:most], shapes.train_labels[:most], strict=True)):
        place = folder / shapes.class_names[label]
        place.mkdir(parents=True, exist_ok=True)
        pixels = image.permute(1, 2, 0).numpy()
        Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(place / f"{number}.png")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--film", choices=("walk", "chains"), default="walk")
    parser.add_argument("--train-seconds", type=float, default=30.0)
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--size", default="1280x800")
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    walk = Walk(options.out, theme=options.theme, size=(width, height))
    try:
        if options.film == "chains":
            go_chains(walk, write_pictures(options.out / "shapes"), options.train_seconds)
        else:
            go(walk, options.train_seconds)
    finally:
        walk.close()
    put_together(walk.pictures, options.out, (width, height))


if __name__ == "__main__":
    main()

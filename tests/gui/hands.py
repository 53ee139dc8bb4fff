"""What tests do with the window as a user would, and the small settings with which each of it takes a moment."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from msd_gui.app import create_window

WAIT_MS = 60_000
SMALL_CHAINS = {"sampling.levels": 4, "sampling.steps_per_level": 2, "sampling.chains": 5}
SMALL_TRAINING = {
    "network.width": 8,
    "training.steps": 6,
    "training.seconds": 0.0,
    "training.batch": 16,
    "training.precision": "float32",
    "training.evaluate_every": 3,
}
SMALL = SMALL_TRAINING | SMALL_CHAINS


def launched(settings, runs_dir, page=""):
    """Return the program's window on the screen.

    It begins with the page that is named; then no other page is built or draws chains unasked.
    """
    settings.page = page
    window = create_window(settings=settings, runs_dir=runs_dir)
    if page:
        window.idle.build_pages = lambda: None
    window.show()
    return window


def on_widget(canvas, x, y):
    """Return where a position in pixels of the picture lies on a `DrawingView`."""
    place = canvas.place()
    scale = place.width() / canvas.picture().shape[2]
    return QPointF(place.left() + x * scale, place.top() + y * scale).toPoint()


def run_row(page, path):
    """Return the row of a run on the page of runs; None where there is none."""
    return page.model.runs.get(str(path))


def settled(qtbot, page, condition):
    """Wait until something holds and the page rests."""
    qtbot.waitUntil(lambda: bool(condition()) and not page.running, timeout=WAIT_MS)


def denoise_page(qtbot, window):
    """Bring the denoise page to the front and wait for its first picture."""
    page = window.pages["denoise"]
    window.show_page("denoise")
    settled(qtbot, page, lambda: page.denoised is not None)
    return page


def drop(target, path):
    """Drop a file or folder on a widget."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    target.dropEvent(QDropEvent(QPointF(10, 10), copy, data, left, none))


def small_chains(qtbot, page, **values):
    """Draw a few short chains on the mixture page, with settings of `sampling` in `values`."""
    small = {"chains": 4, "levels": 3, "steps_per_level": 12}
    page.experiment.set(page.experiment.spec.replace_all({f"sampling.{k}": v for k, v in (small | values).items()}))
    chains_arrived(qtbot, page)


def chains_arrived(qtbot, page):
    """Wait until the mixture page shows all chains of its settings."""
    wanted = page.experiment.spec
    qtbot.waitUntil(
        lambda: page.player.buffer.shown.spec == wanted and page.player.buffer.shown.report is not None,
        timeout=WAIT_MS,
    )

"""Image chains: a live grid, and the film strip of the chosen chain."""

from __future__ import annotations

import functools

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QGraphicsOpacityEffect,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from msd_engine.events import FilmFrame, ImageFrame, RestoredImages, Samples, Verdicts
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Images
from msd_gui.pages.base import layout
from msd_gui.pages.base.readings import survival_severity
from msd_gui.pages.sampling.scrubber import Scrubber
from msd_gui.session.made import Made
from msd_gui.theme.tips import wrapped
from msd_gui.views.images.film import FilmStripView
from msd_gui.views.images.grid import ImageGridView
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.elided import ElidedLabel

# The frames of the strip fill its width, up to this share of the height.
FILM_SHARE = 6
LIVED_HELP = (
    "Chains that survived, judged beside the data. Dead: blew up; noise left over: steps were too few to shrink it; "
    "monochrome: hardly any variance between pixels; "
    "saturated: nearly all pixels at the ends of the range; off the data: the feature network sees less of any class "
    "in it, or stranger textures, than in 99.5 % of held-out images."
)
BEGUN_HELP = (
    "At large noise the exact posterior mean over the training images took the place of the network (Exact above). The "
    "network alone draws them where Exact above is never."
)
ON_STRIP = 16
_OLD_OPACITY = 0.4


@functools.lru_cache(maxsize=8)
def begun(spec_json: str) -> str:
    """Return ``begun from training images`` for settings as JSON that say so, else nothing."""
    return ExperimentSpec.from_json(spec_json).begun if spec_json else ""


class Gallery(QWidget):
    """Grid, film strip and the line between them.

    Attributes:
        total: Last step of the chains.
        made: Settings and network of the chains, which the page may have changed since; None without chains.
        restored: The opened file whose images are shown; None for chains.
        spec_json: The same settings as JSON, with a note on the weights; empty without chains.
        requested: Emitted when the button in the empty grid is pressed.
        judged: Emitted with the `Verdicts` on finished chains.
        cleared: Emitted after all chains were removed.
    """

    requested = Signal()
    judged = Signal(object)
    cleared = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.latest: ImageFrame | None = None
        self.samples: Samples | None = None
        self.films: list[FilmFrame] = []
        self.verdicts: Verdicts | None = None
        self.chain = 0
        self.made: Made | None = None
        self.spec_json = ""
        self._latest_made: Made | None = None
        self._latest_spec_json = ""
        self.restored: RestoredImages | None = None
        self._film: int | None = None
        self._on_strip: list[int] = []
        self._first, self.total = 0, 0
        self.grid = ImageGridView()
        self.film = FilmStripView()
        self.scrubber = Scrubber()
        self.scrubber.hide()
        self.noisy = QCheckBox("Show noisy y₁")
        self.noisy.setToolTip("Show the first noisy copy of every chain instead of x̂.")
        self.repeat = QCheckBox("Sample again while training")
        self.repeat.setToolTip(
            "From the start of a training on, draw chains\nagain and again with its newest averaged weights."
        )
        self._caption, self._older = ElidedLabel("muted"), ElidedLabel("trailing")
        self._older.setProperty("severity", "warning")
        self._older.hide()
        self._begun, self._lived = ElidedLabel("trailing", last=False), ElidedLabel("trailing", last=False)
        self._begun.setProperty("severity", "warning")
        self._begun.setToolTip(wrapped(BEGUN_HELP))
        self._begun.hide()
        self.restored_line = QLabel()
        self.restored_line.setWordWrap(True)
        self.restored_line.hide()
        self._lived.setToolTip(wrapped(LIVED_HELP))
        self._place = layout.with_placeholder(self.grid, "Sampling denoises chains here into new images.", "Sample")
        self._fading = [QGraphicsOpacityEffect(opacity=_OLD_OPACITY) for _ in range(2)]
        for view, effect in zip((self.grid, self.film), self._fading, strict=True):
            effect.setEnabled(False)
            view.setGraphicsEffect(effect)
        self.film.hide()
        self._arrange()
        self._place.placeholder.pressed.connect(self.requested)
        self.noisy.toggled.connect(self._show)
        self.noisy.toggled.connect(self.film.set_noisy)
        self.grid.chosen.connect(self.choose)
        self.film.frame_chosen.connect(self.show_film)
        self.scrubber.moved.connect(self._go_to)

    def _arrange(self) -> None:
        parts = (layout.heading("Chains"), self._lived, self._begun, self._caption, self._older)
        words = layout.row(*parts, stretch=(0, 0, 0, 1, 3))
        boxes = layout.row(self.noisy, self.repeat, stretch=(0, 0))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(layout.FoldingRow(words, boxes))
        column.addWidget(self.restored_line)
        column.addWidget(self._place, 1)
        column.addWidget(self.film)
        column.addWidget(self.scrubber)

    def set_placeholder(self, sentence: str, button: str) -> None:
        """Set sentence and button of the empty grid."""
        self._place.placeholder.set_sentence(sentence)
        self._place.placeholder.set_button(button)

    def older(self) -> str:
        """Describe how the chains' settings differ from the present ones; empty if they do not."""
        return "" if self._older.isHidden() else self._older.text()

    @property
    def faded(self) -> bool:
        """Whether the chains are shown as old ones."""
        return self._fading[0].isEnabled()

    def set_beside(self, now: Made, *, drawing: bool) -> None:
        """Compare the chains with the present settings: name differences and fade old chains, unless new ones run."""
        if self.restored is not None:
            self._set_beside_restored(self.restored, now)
            return
        made = self.images_made or self.made
        words = "" if drawing or made is None else made.differences(now)
        self._older.setText(f"drawn {words}")
        self._older.setToolTip(wrapped(f"These chains were drawn {words}."))
        self._older.setVisible(bool(words))
        for effect in self._fading:
            # Chains of older weights of the same network do not fade.
            effect.setEnabled(bool(words) and made is not None and made.chains != now.chains)

    def _set_beside_restored(self, restored: RestoredImages, now: Made) -> None:
        """Dim the images of a file that are not of the present network."""
        of_now = not restored.trouble and (str(now.run) if now.run is not None else "") == restored.run
        self._older.hide()
        for effect in self._fading:
            effect.setEnabled(not of_now)

    def show_restored(self, event: RestoredImages) -> None:
        """Show the images of an opened file, and say what they are."""
        self.begin(0)
        self.samples, self.restored = None, event
        self.latest = ImageFrame(0, 0, 0, float("nan"), event.images, event.images)  # type: ignore[arg-type]
        self._latest_made, self._latest_spec_json = None, event.spec_json
        self.film.hide()
        self.scrubber.hide()
        self.restored_line.setText(f"{event.text} {event.trouble}".strip())
        self.restored_line.setProperty("severity", "warning" if event.trouble else "")
        self.restored_line.style().polish(self.restored_line)
        self.restored_line.show()
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the film strip to the new width."""
        super().resizeEvent(event)
        self._fit_film()

    def _fit_film(self) -> None:
        """Set the height at which all frames together fill the width."""
        steps = self.total - self._first
        count = 1 + (min(steps, ON_STRIP) if steps > 0 else ON_STRIP)
        self.film.setFixedHeight(self.film.height_for(self.width(), count, self.height() / FILM_SHARE))

    # -- events in -----------------------------------------------------------------------------------------------------

    def begin(self, total: int, first: int = 0, made: Made | None = None, spec_json: str = "") -> None:
        """Prepare for new chains.

        Args:
            total: Last step.
            first: First step; not 0 for branches.
            made: Settings and network of the chains.
            spec_json: The same settings as JSON, with a note on the weights; empty for those of `made`.
        """
        self._first, self.made = first, made
        self.spec_json = spec_json or (made.spec.to_json() if made is not None else "")
        self.restored = None
        self.restored_line.hide()
        self.scrubber.clear()
        self.films, self._film, self._on_strip, self.total = [], None, [], total
        self.verdicts = None
        self._lived.clear()
        self.grid.set_dead({})
        self.film.clear()
        self._fit_film()
        self._place.set_ready(True)

    def begin_preview(self) -> None:
        """Dim the chains: previews cover the first ones."""
        self._lived.hide()
        self.grid.set_dead({})
        self.grid.set_dimmed(0)

    def show_preview(self, frame: ImageFrame) -> None:
        """Show a few chains of a preview over the first ones of the dimmed chains."""
        images, beneath = frame.x_hat, self.images()
        count = len(images)
        if beneath is not None and beneath.shape[1:] == images.shape[1:]:
            rest = beneath[count:]
            images = np.concatenate((images, rest / 127.5 - 1 if rest.dtype == np.uint8 else rest), dtype=np.float32)
        self.grid.set_images(images)
        self.grid.set_dimmed(count)
        self._caption.setText(f"preview at σ = {number(frame.sigma)}")
        self._caption.setToolTip("A few chains down a short ladder. All are drawn once the slider is let go.")

    def end_preview(self) -> None:
        """Show the chains alone again."""
        self._lived.show()
        self.grid.set_dimmed(None)
        self._show()

    def clear(self) -> None:
        """Remove all chains, for other data."""
        self.begin(0)
        self.latest, self.samples, self._latest_made, self._latest_spec_json = None, None, None, ""
        self._caption.clear()
        self.film.hide()
        self.scrubber.hide()
        self._place.set_ready(False)
        self.cleared.emit()

    def receive(self, event: ImageFrame | FilmFrame | Samples | Verdicts) -> None:
        """Show an event of the chains."""
        match event:
            case ImageFrame():
                self.latest, self._latest_made, self._latest_spec_json = event, self.made, self.spec_json
                self._show()
            case FilmFrame():
                self._add_film(event)
            case Samples():
                self.samples = event
            case Verdicts():
                self._judge(event)

    def _judge(self, event: Verdicts) -> None:
        """Show the number of surviving chains and mark the dead ones."""
        self.verdicts = event
        by = "" if event.features else " (by pixels alone)"
        self._lived.setText(f"{event.lived} of {len(event.verdict)} survived{by}")
        self._lived.setToolTip(wrapped(f"{LIVED_HELP} {event.left_out}".strip()))
        self._lived.setProperty("severity", survival_severity(event.lived, len(event.verdict)))
        self._lived.style().polish(self._lived)
        self.judged.emit(event)
        self._show()

    def _add_film(self, event: FilmFrame) -> None:
        """Keep a state; the strip shows some, evenly spaced over the whole ladder."""
        self.films.append(event)
        done, whole = event.step - self._first, self.total - self._first
        self.scrubber.set_count(len(self.films))
        self.scrubber.show()
        if done * ON_STRIP >= len(self._on_strip) * whole:
            self._on_strip.append(len(self.films) - 1)
            self.film.show()
            self.film.add_frame(event.step, event.sigma, event.x_hat, event.y, event.level)

    def highlights(self, most: int = 32) -> list[FilmFrame]:
        """Select evenly spaced kept states, with the first and the last, for a strip or an animation."""
        last = len(self.films) - 1
        places = {round(place * last / (most - 1)) for place in range(most)} if last > 0 else {0}
        return [self.films[place] for place in sorted(places)] if self.films else []

    # -- visible images ------------------------------------------------------------------------------------------------

    def images(self) -> Images | None:
        """Return the images in the grid, shape (N, C, H, W); None without images."""
        noisy = self.noisy.isChecked()
        shown: ImageFrame | FilmFrame | None = self.latest if self._film is None else self.films[self._film]
        if shown is None:
            return None
        return shown.y if noisy else shown.x_hat

    @property
    def images_made(self) -> Made | None:
        """Settings and network of the images in the grid; new chains have no images at first."""
        return self._latest_made if self._film is None else self.made

    @property
    def images_spec_json(self) -> str:
        """Settings of the images in the grid as JSON; empty without images."""
        return self._latest_spec_json if self._film is None else self.spec_json

    @Slot(int)
    def choose(self, chain: int) -> None:
        """Show the film of one chain."""
        self.chain = chain
        self.grid.set_chosen(chain)
        self.film.set_chain(chain)
        if self._film is not None:
            self._go_to(self._film)

    @Slot(int)
    def show_film(self, place: int) -> None:
        """Show all chains at the state of one frame of the film strip."""
        self._go_to(self._on_strip[place])

    @Slot(int)
    def _go_to(self, index: int) -> None:
        if index >= len(self.films):
            return
        self._film = index
        self.scrubber.show_state(index, self.films[index], self.chain)
        places = [place for place, number in enumerate(self._on_strip) if number <= index]
        self.film.set_chosen(places[-1])
        self._show()

    def go(self, forward: int) -> None:
        """Move by some kept states, forward or back."""
        last = len(self.films) - 1
        here = last if self._film is None else self._film
        self._go_to(min(max(here + forward, 0), last))

    @Slot()
    def _show(self) -> None:
        images = self.images()
        if images is None:
            return
        self.grid.set_images(images)
        self._begun.setText(begun(self.images_spec_json))
        self._begun.setVisible(bool(self._begun.text()))
        ended = self._film is None or self.films[self._film].step >= self.total
        self.grid.set_dead(self.verdicts.dead if self.verdicts and ended else {})
        at = self.latest if self._film is None else self.films[self._film]
        if at is not None:
            if self.restored is not None:
                self._caption.setText(f"{len(images)} images of {self.restored.file}")
                self._caption.setToolTip(self.restored.text)
                return
            what = "y₁" if self.noisy.isChecked() else "x̂"
            self._caption.setText(f"{what} at σ = {number(at.sigma)}")
            self._caption.setToolTip(f"{what} at step {at.step:,}, σ = {number(at.sigma)}, level {at.level + 1}")

"""The denoising page: draw or open a picture, and see its copies, x̂ and the error while σ and k are dragged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QTabWidget, QWidget

from msd_engine.events import Denoised, Event, Failed, PictureRead, Restored
from msd_engine.specs import ExperimentSpec, ImagesSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.launch import Launch
from msd_gui.pages import denoise_exports, frame
from msd_gui.pages.by_hand import ByHand
from msd_gui.pages.controls import DENOISE_GROUPS, show_sigma_eff, show_step
from msd_gui.pages.copies import CopiesPanel, readings
from msd_gui.pages.easel import Easel
from msd_gui.pages.page import ExperimentPage, Export
from msd_gui.pages.readings import number
from msd_gui.session.experiment import Experiment
from msd_gui.views.tiles import Tile, TilesView
from msd_gui.widgets.card import Card
from msd_gui.widgets.choice import Choice
from msd_gui.widgets.path_box import PathBox
from msd_gui.widgets.readings import Readings
from msd_gui.widgets.spec_form import SpecForm

GRACE_MS = 400
FORGET = {"denoise.picture": b"", "denoise.mask": b""}


class DenoisePage(ExperimentPage):
    """One picture of the user's own, its k noisy copies, and what the denoiser makes of them."""

    title = "Denoise"
    presets = ("digits-30s", "mnist-2min", "fashion-2min", "cifar10-20min")

    def __init__(self, experiment: Experiment, launch: Launch, clock: ScreenClock) -> None:
        super().__init__(experiment, launch, clock)
        self.run: Path | None = None
        self.denoised: Denoised | None = None
        self._ready = False
        self._denoiser = self.runner(self._on_denoised)
        self._files = self.runner(self._on_file)
        self._build()
        self._connect()
        self._show_spec(experiment.spec)

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.form = SpecForm(DENOISE_GROUPS, self.experiment.spec)
        self.form.set_rule("denoise.index", lambda _spec, _value: FORGET)
        self.form.set_rule("data.name", lambda _spec, _value: FORGET | {"title": "", "denoise.index": 0})
        self.run_box = PathBox("Run folder of the network", "No network chosen")
        self.run_box.setObjectName("denoise.run")
        self.form.section("Picture and copies").add_row(self.run_box)
        self.easel = Easel()
        self.result = TilesView("The picture and what is made of it")
        self.copies = CopiesPanel()
        self.figures = Readings("Figures of the denoising")
        self.card = Card("info", "", "", dismissible=False)
        self.card.hide()
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("role", "muted")
        pictures = QWidget()
        row = QHBoxLayout(pictures)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.easel, 1)
        row.addWidget(self.result, 1)
        self.place = frame.awaiting(self.copies, "The noisy copies of the picture will be shown here.")
        self.by_hand = ByHand(self, self.launch, self._to_draw)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.place, "Copies")
        self.tabs.addTab(self.by_hand, "Paint anew, and from seed to seed")
        middle = frame.column(frame.heading("Draw, open or choose a picture"), pictures, self.tabs, stretch=(0, 5, 6))
        figures = frame.column(self.card, frame.heading("Figures"), self.figures, self.words)
        frame.lay_out(self, self.form, middle, figures)
        self.offer_menu(self.result, self.copies.summary, self.copies.before, self.copies.after)

    def _connect(self) -> None:
        self.form.edited.connect(lambda spec, path: self.experiment.set(spec, path))
        self.form.editing_started.connect(self.experiment.begin_edit)
        self.form.editing_finished.connect(self.experiment.end_edit)
        self.experiment.changed.connect(self._spec_changed)
        self.run_box.valueChanged.connect(self._open_run)
        self.card.action.connect(self._use_exact)
        self.easel.began.connect(self.experiment.begin_edit)
        self.easel.ended.connect(self.experiment.end_edit)
        self.easel.drawn.connect(self._drawn)
        self.easel.masked.connect(self._masked)
        self.easel.file_chosen.connect(self.open_picture)
        self.easel.held_out_asked.connect(self._turn_page)
        self.by_hand.shown.connect(lambda: self.tabs.setCurrentWidget(self.by_hand))

    # -- the spec ------------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of the pictures."""
        data = self.experiment.spec.data
        assert isinstance(data, ImagesSpec)
        return data.shape

    @Slot(object)
    def _spec_changed(self, spec: ExperimentSpec) -> None:
        self._show_spec(spec)
        self._ask()

    def _show_spec(self, spec: ExperimentSpec) -> None:
        self.form.set_reset(self.experiment.reset_spec)
        self.form.setValue(spec)
        show_step(self.form, spec)
        show_sigma_eff(self.form, spec)
        asked, k = spec.denoise, spec.training.k
        self.form.slider("denoise.sigma").set_trailing(f"σ<sub>eff</sub> = {number(asked.sigma / k**0.5)}")
        self.form.set_enabled("denoise.copy_index", asked.change in ("drop", "replace"), "One copy is to be chosen.")
        self.form.set_enabled("denoise.other", asked.change == "replace", "Belongs to a copy that is replaced.")
        change = self.form.control("denoise.change")
        if isinstance(change, Choice):
            change.set_item_enabled("drop", k > 1, "With k = 1 there is no other copy.")
        trained = spec.sampling.source == "trained"
        self.run_box.setVisible(trained)
        if not trained:
            self.form.set_enabled("training.k", True)
        self._show_need()
        self.by_hand.set_marked(bool(asked.mask))
        if asked.picture:
            self.easel.show_picture(np.frombuffer(asked.picture, np.uint8).reshape(self.shape), "Your picture")
        if asked.mask:
            self.easel.show_mask(np.frombuffer(asked.mask, np.bool_).reshape(self.shape[1:]))
        else:
            self.easel.show_mask(np.zeros(self.shape[1:], np.bool_))

    def _show_need(self) -> None:
        """Say what is missing where a network is asked for and none is chosen."""
        missing = self.experiment.spec.sampling.source == "trained" and self.run is None
        self.card.setVisible(missing)
        if missing:
            words = "Choose the folder of a run at the left, or let the exact posterior mean of the images denoise."
            self.card.set_message("info", "No network yet", words, "Use the exact one")

    @Slot()
    def _use_exact(self) -> None:
        self.experiment.set(self.experiment.spec.replace("sampling.source", "exact"))

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment; without a run the exact posterior mean denoises."""
        self.run = run
        self.run_box.setValue(run)
        if run is None and spec.sampling.source == "trained":
            spec = spec.replace("sampling.source", "exact")
        self.experiment.load(spec)

    @Slot(object)
    def _open_run(self, run: Path | None) -> None:
        if run is None:
            self.run = None
            self._show_need()
        else:
            self._files.submit(self.launch.restore(run))

    # -- pictures ------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _drawn(self, picture: NDArray[np.uint8]) -> None:
        self.experiment.set(self.experiment.spec.replace("denoise.picture", picture.tobytes()), "easel")

    @Slot(object)
    def _masked(self, mask: NDArray[np.bool_]) -> None:
        data = mask.astype(np.uint8).tobytes() if mask.any() else b""
        self.experiment.set(self.experiment.spec.replace("denoise.mask", data), "easel")

    @Slot(object)
    def open_picture(self, path: Path) -> None:
        """Open a picture of the user's own."""
        self._files.submit(self.launch.open_picture(path, self.shape))

    @Slot(int)
    def _turn_page(self, step: int) -> None:
        spec = self.experiment.spec
        count = self.denoised.available if self.denoised is not None else 1
        here = spec.denoise.index - (step if spec.denoise.picture else 0)
        self.experiment.set(spec.replace_all(FORGET | {"denoise.index": (here + step) % count}))

    @Slot(object)
    def _on_file(self, event: Event) -> None:
        match event:
            case PictureRead():
                spec = self.experiment.spec
                if event.pixels.shape == self.shape:
                    self.experiment.set(spec.replace_all(FORGET | {"denoise.picture": event.pixels.tobytes()}))
                    self.noticed.emit(
                        f"Opened {Path(event.path).name}" + (", dark and light exchanged." if event.inverted else ".")
                    )
            case Restored():
                self._adopt(ExperimentSpec.from_json(event.spec_json), Path(event.run) if event.run else None)
            case Failed():
                self.show_failure(event)
            case _:
                pass

    def _adopt(self, spec: ExperimentSpec, run: Path | None) -> None:
        """Take the network of a run, and with it its data, its number of copies and its ladder."""
        if run is None or spec.data.kind != "images":
            self.failed.emit("This is no run on images: choose the folder of a run that was trained on images.", "")
            self.run_box.setValue(self.run)
            return
        spec = spec.replace_all({"sampling.source": "trained", "denoise": self.experiment.spec.denoise})
        if spec.data.name != self.experiment.spec.data.name:
            spec = spec.replace_all(FORGET)
        self.load(spec, run)
        self._ask()

    # -- denoising -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Denoise the first picture once the engine is there."""
        self._ready = True
        self._ask()

    def _ask(self) -> None:
        spec = self.experiment.spec
        if not self._ready or (spec.sampling.source == "trained" and self.run is None):
            return
        if spec.denoise.change == "drop" and spec.training.k == 1:
            spec = spec.replace("denoise.change", "none")
        run = self.run if spec.sampling.source == "trained" else None
        self._denoiser.submit(self.launch.denoise(spec, run), grace_ms=GRACE_MS)

    @Slot(object)
    def _on_denoised(self, event: Event) -> None:
        match event:
            case Denoised():
                self._show(event)
            case Failed():
                self.show_failure(event)
            case _:
                pass

    def _show(self, event: Denoised) -> None:
        self.denoised = event
        spec = ExperimentSpec.from_json(event.spec_json)
        asked = spec.denoise
        now = self.experiment.spec
        if not asked.picture and not now.denoise.picture and spec.data == now.data:
            words = f"Held-out {asked.index} of {event.available:,}"
            self.easel.show_picture(_bytes(event.x), words)
        if event.fixed_k:
            reason = f"This network was made for {event.fixed_k} copies and always sees so many."
            self.form.set_enabled("training.k", False, reason)
        shown = event.changed or event.copies
        name = "x̂, denoised" if event.changed is None else f"x̂ after the change, moved by {number(event.moved, 2)}"
        self.result.set_tiles([Tile(name, shown.x_hat, f"error {number(event.error)}")])
        self.place.set_ready(True)
        self.copies.take(event, asked.change)
        self.figures.set_readings(readings(event))
        self.words.setText(_words(event, asked.change))

    # -- chains and actions --------------------------------------------------------------------------------------------

    def _to_draw(self) -> tuple[ExperimentSpec, Path | None] | None:
        """Return what chains are drawn with: a network takes the number of copies that it was made for."""
        spec = self.experiment.spec
        if not self._ready:
            return None
        if spec.sampling.source == "exact":
            return spec, None
        fixed_k = self.denoised.fixed_k if self.denoised is not None else 0
        return (spec.replace("training.k", fixed_k or spec.training.k), self.run) if self.run is not None else None

    def can(self, action: str) -> bool:
        """Return whether an action makes sense now."""
        match action:
            case "sample":
                return self._to_draw() is not None
            case "stop" | "play":
                return self.by_hand.running
            case "step" | "back":
                return bool(self.by_hand.gallery.films)
            case _:
                return False

    @property
    def playing(self) -> bool:
        """Whether chains are being drawn and not held."""
        return self.by_hand.playing

    def do_sample(self) -> None:
        """Paint the marked part anew; where nothing is marked, draw a row from seed to seed."""
        self.by_hand.draw("inpaint" if self.experiment.spec.denoise.mask else "interpolate")

    def do_stop(self) -> None:
        """Stop the chains."""
        self.by_hand.stop()

    def do_play(self) -> None:
        """Hold the chains, or let them go on."""
        self.by_hand.hold()

    def do_step(self) -> None:
        """Show the next kept state."""
        self.by_hand.gallery.go(1)

    def do_back(self) -> None:
        """Show the kept state before."""
        self.by_hand.gallery.go(-1)

    def exports(self) -> list[Export]:
        """Return what can be written now."""
        return denoise_exports.exports(self)


def _bytes(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.rint((np.clip(x, -1, 1) + 1) * 127.5), dtype=np.uint8)


def _words(event: Denoised, change: str) -> str:
    """Say who denoised, and what theory says of the change."""
    words = [f"Denoised by the {event.denoiser}."]
    if event.fixed_k:
        words.append(f"It was made for k = {event.fixed_k} and always sees so many copies.")
    if change == "shuffle":
        words.append(
            "Theory: x̂ depends on the copies through their mean ȳ alone, so their order must not matter."
            + ("" if event.exact else " A network has to learn that: what x̂ moved by is what it has not learned yet.")
        )
    elif change == "drop":
        kept = "sees the k − 1 others" if not event.fixed_k else "sees the mean of the others in its place"
        words.append(f"The denoiser {kept}: ȳ loses one kth of its evidence, and σ_eff grows to σ/√(k − 1).")
    elif change == "replace":
        words.append(
            "One copy in k comes from another image: ȳ moves by (x′ − x)/k, and x̂ follows where it is in doubt."
        )
    return " ".join(words)

"""The denoising page: draw or open a picture, and see its copies, x̂ and the error while σ and k are dragged."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QTabWidget

from msd_engine.events import Denoised, Event, Failed
from msd_engine.specs import ExperimentSpec, JobName, for_job
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base import layout
from msd_gui.pages.base.chains import is_exact
from msd_gui.pages.base.page import GRACE_MS, ExperimentPage, Export
from msd_gui.pages.denoise.canvas import Easel
from msd_gui.pages.denoise.chain_tasks import ChainTasks
from msd_gui.pages.denoise.denoiser import DenoiserChoice
from msd_gui.pages.denoise.exports import exports
from msd_gui.pages.denoise.fields_shown import GROUPS
from msd_gui.pages.denoise.painting import PaintingControls
from msd_gui.pages.denoise.picture import FORGET, OwnPicture
from msd_gui.pages.sampling.controls import sampler_rule, show_sampler
from msd_gui.pages.sampling.copies import CopiesPanel, explanation, readings
from msd_gui.session.command import command
from msd_gui.session.experiment import Experiment
from msd_gui.session.network import LatestNetwork, Network
from msd_gui.session.settings import Settings
from msd_gui.views.base.rich import SIGMA_EFF
from msd_gui.views.images.tiles import Tile, TilesView
from msd_gui.widgets.controls.choice import Choice
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Readings
from msd_gui.widgets.panels.spec_form import SpecForm

RESULT_PLACEHOLDER = "x̂, what the denoiser makes of the copies, will be shown here."
COPIES_PLACEHOLDER = "The noisy copies of the picture will be shown here."
_LEAST_RESULT_PX = 100


class DenoisePage(ExperimentPage):
    """One picture of the user's own, its k noisy copies, and what the denoiser makes of them."""

    title = "Denoise"
    presets = ("digits-30s", "mnist-2min", "fashion-2min", "cifar10-20min")

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock, latest: LatestNetwork) -> None:
        super().__init__(experiment, engine, clock)
        self.denoised: Denoised | None = None
        self._ready = False
        self._stale = False
        self._runner = self.runner(self._on_denoised)
        self._writer = self.runner()
        self._build(latest)
        self._connect()
        self._show_spec(experiment.spec)

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self, latest: LatestNetwork) -> None:
        self.form = SpecForm(GROUPS, self.experiment.spec)
        self.form.set_rule("denoise.index", lambda _spec, _value: FORGET)
        self.form.set_rule("data.name", lambda _spec, _value: FORGET | {"title": "", "denoise.index": 0})
        self.form.set_rule("sampling.sampler", sampler_rule)
        self.denoiser = DenoiserChoice(self, self.engine, self.form, "Picture and copies", latest)
        self.painting = PaintingControls(self, self.form)
        self.easel = Easel()
        self.picture = OwnPicture(self, self.engine, self.easel)
        self.result = TilesView("The picture and what is made of it")
        self.result_place = layout.with_placeholder(self.result, RESULT_PLACEHOLDER)
        self.result_place.setMinimumWidth(_LEAST_RESULT_PX)
        self.copies = CopiesPanel()
        self.figures = Readings("Figures of the denoising")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("role", "muted")
        pictures = layout.row(self.easel, self.result_place, stretch=(1, 1))
        self.place = layout.with_placeholder(self.copies, COPIES_PLACEHOLDER)
        self.chain_task = ChainTasks(self, self.engine, self._to_draw)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.place, "Copies")
        self.tabs.addTab(self.chain_task, "Paint anew, and from seed to seed")
        middle = layout.column(layout.heading("Draw, open or choose a picture"), pictures, self.tabs, stretch=(0, 5, 6))
        figures = layout.column(
            self.denoiser.card, self.denoiser.chip, layout.heading("Figures"), self.figures, self.words
        )
        layout.lay_out(self, self.form, middle, figures)
        self.add_export_menu(self.result, self.copies.summary, self.copies.before, self.copies.after)

    def _connect(self) -> None:
        self.form.edited.connect(lambda spec, path: self.experiment.set(spec, path))
        self.form.editing_started.connect(self.experiment.begin_edit)
        self.form.editing_finished.connect(self.experiment.end_edit)
        self.experiment.changed.connect(self._spec_changed)
        self.denoiser.renewed.connect(self._renew)
        self.chain_task.remedy_requested.connect(self.denoiser.remedy_action)
        for place in (self.result_place, self.place):
            place.placeholder.pressed.connect(self.denoiser.remedy_action)
        self.chain_task.shown.connect(lambda: self.tabs.setCurrentWidget(self.chain_task))

    # -- the spec ------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _spec_changed(self, spec: ExperimentSpec) -> None:
        self._show_spec(spec)
        self._ask()

    def _show_spec(self, spec: ExperimentSpec) -> None:
        self.form.set_reset(self.experiment.reset_spec)
        self.form.setValue(spec)
        show_sampler(self.form, spec)
        self.painting.show(spec)
        denoise, k = spec.denoise, spec.training.k
        self.form.slider("denoise.sigma").set_trailing(f"{SIGMA_EFF} = {number(spec.sigma_eff(denoise.sigma))}")
        self.form.set_enabled("denoise.copy_index", denoise.change in ("drop", "replace"), "One copy is to be chosen.")
        self.form.set_enabled("denoise.other", denoise.change == "replace", "Belongs to a copy that is replaced.")
        change = self.form.control("denoise.change")
        if isinstance(change, Choice):
            change.set_item_enabled("drop", k > 1, "With k = 1 there is no other copy.")
        self.denoiser.show(spec)
        missing = self.denoiser.missing(spec)
        self.chain_task.show_settings(spec, missing)
        for place, set_placeholder in ((self.result_place, RESULT_PLACEHOLDER), (self.place, COPIES_PLACEHOLDER)):
            why = f" {missing.title}: {missing.text}" if missing and place is self.result_place else ""
            place.placeholder.set_sentence(set_placeholder + why)
            place.placeholder.set_button(missing.remedy if missing else "")
        self.picture.show(spec)

    def takes(self, spec: ExperimentSpec) -> bool:
        """Return whether the page shows such experiments: all on images."""
        return spec.data.kind == "images"

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment, or take the network of a run; where no network fits, the exact one denoises."""
        if run is not None:
            self.denoiser.adopt(Network(run, spec))
        else:
            self.experiment.load(self.denoiser.usable(spec))
            self.denoiser.show(self.experiment.spec)

    def restore(self, name: str, settings: Settings) -> None:
        """Load the spec that the page had, with the run that denoised."""
        trained, run = settings.last_spec(f"{name}.network"), settings.last_run(name)
        if trained is not None and run is not None:
            self.denoiser.choice.take(Network(run, trained))
        super().restore(name, settings)

    def keep(self, name: str, settings: Settings) -> None:
        """Keep the spec, and the run that denoises."""
        super().keep(name, settings)
        network = self._run_in_use()
        settings.set_last_run(name, None if network is None else network.folder)
        if network is not None:
            settings.set_last_spec(f"{name}.network", network.spec)

    # -- denoising -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Denoise the first picture once the engine is there."""
        self._ready = True
        self._ask()

    def set_watched(self, watched: bool) -> None:
        """Catch up with the images page when this one is looked at again."""
        super().set_watched(watched)
        if watched and self._stale:
            self._ask()

    def files_changed(self) -> None:
        """Denoise what could not be denoised before."""
        if self._ready and self.denoised is None and not self.running:
            self._ask()

    @Slot()
    def _renew(self) -> None:
        """Denoise again with another network: at once where it can be seen, else when it can."""
        self._show_spec(self.experiment.spec)
        self._stale = not self.isVisible()
        if not self._stale:
            self._ask()

    def _ask(self) -> None:
        wanted = self._to_draw()
        if wanted is None:
            self._clear()
            if self._ready and not self.experiment.spec.denoise.picture:
                self.picture.look()
            return
        spec, run = wanted
        self._stale = False
        if spec.denoise.change == "drop" and spec.training.k == 1:
            spec = spec.replace("denoise.change", "none")
        self._runner.submit(self.engine.denoise(spec, run), grace_ms=GRACE_MS)

    def _clear(self) -> None:
        """Nothing denoises these settings: what another denoiser made of others must not stand beside them."""
        self._runner.drop()
        self.denoised = None
        self.result.set_tiles([])
        self.result_place.set_ready(False)
        self.place.set_ready(False)
        self.figures.set_readings(())
        self.words.clear()

    @Slot(object)
    def _on_denoised(self, event: Event) -> None:
        match event:
            case Denoised() if self._to_draw() is not None:
                self._show(event)
            case Failed():
                self._clear()

    def _show(self, event: Denoised) -> None:
        self.denoised = event
        spec = ExperimentSpec.from_json(event.spec_json)
        denoise = spec.denoise
        self.picture.take(event, spec)
        shown = event.changed or event.copies
        error = float(np.sqrt(np.square(shown.x_hat - event.x, dtype=np.float64).mean()))
        name = "x̂, denoised" if event.changed is None else f"x̂ after the change, moved by {number(event.moved, 2)}"
        self.result.set_tiles([Tile(name, shown.x_hat, f"error {number(error)}")])
        self.result_place.set_ready(True)
        self.place.set_ready(True)
        self.copies.take(event, denoise.change)
        self.figures.set_readings(readings(event))
        self.words.setText(explanation(event, denoise.change))

    # -- chains and actions --------------------------------------------------------------------------------------------

    def _to_draw(self) -> tuple[ExperimentSpec, Path | None] | None:
        """Return the settings with the network that they are denoised by; None where there is none that fits."""
        spec = self.experiment.spec
        return (spec, self.denoiser.run_for(spec)) if self._ready and self.denoiser.can_denoise(spec) else None

    def can(self, action: str) -> bool:
        """Return whether an action makes sense now."""
        match action:
            case "sample":
                return self._to_draw() is not None
            case "stop" | "play":
                return self.chain_task.running
            case "step" | "back":
                return bool(self.chain_task.gallery.films)
            case _:
                return False

    @property
    def playing(self) -> bool:
        """Whether chains are being drawn and not held."""
        return self.chain_task.playing

    def do_sample(self) -> None:
        """Paint the marked part anew; where nothing is marked, draw a row from seed to seed."""
        self.chain_task.draw("inpaint" if self.experiment.spec.denoise.mask else "interpolate")

    def do_stop(self) -> None:
        """Stop the chains."""
        self.chain_task.stop()

    def do_play(self) -> None:
        """Hold the chains, or let them go on."""
        self.chain_task.hold()

    def do_step(self) -> None:
        """Show the next kept state."""
        self.chain_task.gallery.go(1)

    def do_back(self) -> None:
        """Show the kept state before."""
        self.chain_task.gallery.go(-1)

    def _run_in_use(self) -> Network | None:
        """Return the run that denoises; None for the exact one, and for a model, which is found by data and k."""
        spec, choice = self.experiment.spec, self.denoiser.choice
        is_run = not is_exact(spec) and choice.origin() != "pretrained" and choice.fitting(spec) is not None
        return choice.network(spec) if is_run else None

    def command(self) -> str:
        """Return the `msd` line that makes what stands in front: the denoised picture, or the chains by hand.

        A picture that was drawn fits in no line: it is written to a file beside the runs, which the line names.
        """
        job: JobName = "denoise"
        spec = self.experiment.spec
        if self.tabs.currentWidget() is self.chain_task:
            spec, job = self.chain_task.drawn_by(spec)
        run = self._run_in_use()
        file = None
        if (spec.denoise.picture and job != "interpolate") or (spec.denoise.mask and job == "inpaint"):
            text = for_job(spec.to_json(), job)
            file = self.engine.runs_dir() / f"{job}-{zlib.crc32(text.encode()):08x}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            self._writer.enqueue(self.engine.save("text", file, text=text))
        trained = None if run is None else run.spec
        return command(spec, job, run=str(run.folder) if run else "", trained=trained, out=f"{job}.npz", file=file)

    def exports(self) -> list[Export]:
        """Return what can be written now."""
        _, job = self.chain_task.drawn_by(self.experiment.spec)
        return exports(self.engine, self.denoised, self.chain_task.gallery, job)

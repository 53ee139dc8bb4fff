"""The denoise page: draw or open a picture, and see its copies, x̂ and the error while dragging σ and k."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QTabWidget

from msd_engine.events import Denoised, Event, Failed, NoisyPicture, RestoredImages, RestoredPoints
from msd_engine.specs import ExperimentSpec, JobName, for_job, job_of
from msd_engine.specs.experiment import same_data
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base import layout
from msd_gui.pages.base.page import GRACE_MS, Export
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.denoise.canvas import Easel
from msd_gui.pages.denoise.chain_tasks import ChainTasks
from msd_gui.pages.denoise.exports import exports
from msd_gui.pages.denoise.fields_shown import GROUPS
from msd_gui.pages.denoise.growing import GrowingRow
from msd_gui.pages.denoise.painting import PaintingControls
from msd_gui.pages.denoise.picture import FORGET, OwnPicture
from msd_gui.pages.sampling.controls import show_fields
from msd_gui.pages.sampling.copies import CopiesPanel, explanation, readings
from msd_gui.pages.sampling.equal_noise import EqualNoise
from msd_gui.pages.sampling.networks import NetworkCard, NetworkRow
from msd_gui.session.command import command
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import Network, NetworkStore, network_in
from msd_gui.session.resolve import EngineState, Resolved
from msd_gui.session.rules import sampler_rule, source_rule
from msd_gui.session.settings import Settings
from msd_gui.views.base.rich import SIGMA_EFF
from msd_gui.views.images.tiles import Tile, TilesView
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Readings
from msd_gui.widgets.panels.spec_form import SpecForm

RESULT_PLACEHOLDER = "The denoiser's estimate x̂ of the picture appears here."
COPIES_PLACEHOLDER = "The noisy copies of the picture appear here."


class DenoisePage(ResolvedPage):
    """One picture, its k noisy copies, and the denoiser's estimate."""

    title = "Denoise"
    presets = ("digits-30s", "mnist-2min", "fashion-2min", "cifar10-20min")

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock, store: NetworkStore) -> None:
        super().__init__(experiment, engine, clock, store)
        self.denoised: Denoised | None = None
        self._stale = False
        # The opened file whose x̂ is shown beside that of the same settings; None for none.
        self._restored: RestoredImages | None = None
        self._runner = self.runner(self._on_denoised)
        self._build()
        self._connect()
        self.renew()
        self.show_resolved(self.resolved)

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.form = SpecForm(GROUPS, self.experiment.spec)
        self.form.set_rule("denoise.index", lambda _spec, _value: FORGET)
        self.form.set_rule("data.name", lambda _spec, _value: FORGET | {"title": "", "denoise.index": 0})
        self.form.set_rule("sampling.sampler", sampler_rule)
        self.form.set_rule("sampling.source", source_rule)
        self.equal_noise = EqualNoise(self.form)
        self.card, self.network = NetworkCard(), NetworkRow()
        self.form.add_below("sampling.source", self.network, self.network.combo)
        self.painting = PaintingControls(self, self.form)
        self.easel = Easel()
        self.picture = OwnPicture(self, self.engine, self.easel)
        self.result = TilesView("The estimate of the picture")
        self.result_place = layout.with_placeholder(self.result, RESULT_PLACEHOLDER)
        self.copies = CopiesPanel()
        self.figures = Readings("Figures of the denoising")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("role", "muted")
        pictures = layout.FoldingRow(self.easel, self.result_place, share=True)
        self.place = layout.with_placeholder(self.copies, COPIES_PLACEHOLDER)
        self.chain_task = ChainTasks(self, self.engine)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.place, "Copies")
        self.tabs.addTab(self.chain_task, "Inpaint · Interpolate")
        self.growing = GrowingRow(self, self.engine)
        head = layout.heading("Draw, open or choose a picture")
        middle = layout.column(head, pictures, self.growing, self.tabs, stretch=(0, 5, 0, 5))
        figures = layout.column(self.card, layout.heading("Figures"), self.figures, self.words)
        layout.lay_out(self, self.form, middle, figures)
        self.add_export_menu(self.result, self.copies.summary, self.copies.before, self.copies.after)

    def _connect(self) -> None:
        self.form.edited.connect(lambda spec, path: self.experiment.set(spec, path))
        self.form.editing_started.connect(self.experiment.begin_edit)
        self.form.editing_finished.connect(self.experiment.end_edit)
        self.card.remedy.connect(self.carry_out)
        self.network.chosen.connect(self.use)
        self.network.opened.connect(self.open_folder)
        self.result_place.placeholder.pressed.connect(lambda: self.card.press(0))
        self.growing.chosen.connect(self._take)
        self.chain_task.shown.connect(lambda: self.tabs.setCurrentWidget(self.chain_task))

    @Slot(int, str)
    def _take(self, k: int, source: str) -> None:
        """Denoise with k copies, by a network or exactly."""
        spec = self.experiment.spec
        wanted = {"training.k": k, "sampling.source": source} | source_rule(spec, source)
        self.experiment.set(spec.replace_all(wanted))

    # -- the spec ------------------------------------------------------------------------------------------------------

    def state(self) -> EngineState:
        """Describe the state of the page's jobs."""
        films = bool(self.chain_task.gallery.films)
        return EngineState(ready=self.engine.ready, drawing=self.chain_task.running, drawn=films, states=films)

    def show_resolved(self, before: Resolved) -> None:
        """Show the settings and the denoiser, and denoise again if one of them changed."""
        now, spec = self.resolved, self.resolved.spec
        self.form.set_reset(self.experiment.reset_spec)
        self.form.setValue(spec)
        show_fields(self.form, now)
        self.form.slider("denoise.sigma").set_trailing(f"{SIGMA_EFF} = {number(spec.sigma_eff(spec.denoise.sigma))}")
        self.painting.show(spec)
        self.card.show_problem(now.card)
        self.network.show_resolved(now)
        self.chain_task.show_resolved(before)
        why = f" {now.problem.title}." if now.problem else ""
        self.result_place.placeholder.set_sentence(RESULT_PLACEHOLDER + why)
        self.result_place.placeholder.set_button(now.problem.remedies[0].label if now.problem else "")
        self.picture.show(spec)
        self.growing.show_chosen(spec)
        if before.spec.denoise.picture and not spec.denoise.picture and not same_data(spec, before.spec):
            self.noticed.emit("Your picture belongs to the other data: Undo (Ctrl+Z) brings both back.")
        if now.spec != before.spec:
            self._request()
        elif now.in_use != before.in_use:
            # Other or newer weights: denoise at once if visible, else when visible again.
            self._stale = not self.isVisible()
            if not self._stale:
                self._request()

    def accepts(self, spec: ExperimentSpec) -> bool:
        """Accept all experiments on images."""
        return spec.data.kind == "images"

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment, or use the network of a run; if no network fits, use the exact denoiser."""
        if run is not None:
            self.use(network_in(run, spec), with_settings=True)
            return
        self.show_experiment(spec)
        if self.resolved.problem is not None:
            self.experiment.load(spec.replace("sampling.source", "exact"))

    def show_restored(self, event: RestoredImages | RestoredPoints) -> None:
        """Show the picture and the images of an opened file: chains in their tab, its x̂ beside that of now."""
        if not isinstance(event, RestoredImages):
            return
        spec, job = ExperimentSpec.from_json(event.spec_json), job_of(event.spec_json)
        # With a network, the page has kept its own picture.
        self.experiment.load(self.experiment.spec.replace("denoise", spec.denoise))
        match job:
            case "inpaint" | "interpolate":
                self.chain_task.show_restored(event, job)
            case "denoise":
                self.tabs.setCurrentWidget(self.place)
                self._restored = event
                if self.denoised is not None and not self._runner.running:
                    self._show(self.denoised)

    def settings_for(self, network: Network) -> ExperimentSpec:
        """Combine the settings of a network with the present picture."""
        before, spec = self.experiment.spec, super().settings_for(network)
        other = {} if same_data(spec, before) else FORGET
        return spec.replace_all({"denoise": before.denoise}).replace_all(other)

    def restore(self, name: str, settings: Settings) -> None:
        """Load the spec of the last session with its network."""
        trained, run = settings.last_spec(f"{name}.network"), settings.last_run(name)
        if trained is not None and run is not None:
            self.store.add(Network(run, trained))
        super().restore(name, settings)

    def keep(self, name: str, settings: Settings) -> None:
        """Save the spec and the run of the network."""
        super().keep(name, settings)
        network = self._run_in_use()
        settings.set_last_run(name, None if network is None else network.folder)
        if network is not None:
            settings.set_last_spec(f"{name}.network", network.spec)

    # -- denoising -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Denoise the first picture when the engine is ready."""
        self.renew()
        self._request()
        self.actions_changed.emit()

    def set_watched(self, watched: bool) -> None:
        """Denoise with the newest weights when the page becomes visible."""
        super().set_watched(watched)
        self.growing.set_watched(watched)
        if watched and self._stale:
            self._request()

    def files_changed(self) -> None:
        """Retry a failed denoising."""
        if self.engine.ready and self.denoised is None and not self.running:
            self._request()

    def _request(self) -> None:
        now = self.resolved
        self._stale, self._restored = False, None
        if not self.engine.ready:
            return
        spec = now.spec
        self.growing.request(spec)
        if not now.serves:
            self._clear_estimate()
            self._runner.submit(self.engine.show_copies(spec), grace_ms=GRACE_MS)
            return
        if spec.denoise.change == "drop" and spec.training.k == 1:
            spec = spec.replace("denoise.change", "none")
        self._runner.submit(self.engine.denoise(spec, now.run), grace_ms=GRACE_MS)

    def _clear_estimate(self) -> None:
        """Clear the result of an old denoiser."""
        self.denoised = None
        self.result.set_tiles([])
        self.result_place.set_ready(False)
        self.figures.set_readings(())
        self.words.clear()

    @Slot(object)
    def _on_denoised(self, event: Event) -> None:
        match event:
            case Denoised() if self.resolved.serves:
                self._show(event)
            case NoisyPicture() if not self.resolved.serves:
                self.picture.show_held_out(event, ExperimentSpec.from_json(event.spec_json))
                self.copies.show_copies(event)
                self.place.set_ready(True)
            case Failed():
                self._clear_estimate()
                self.place.set_ready(False)

    def _show(self, event: Denoised) -> None:
        self.denoised = event
        spec = ExperimentSpec.from_json(event.spec_json)
        denoise = spec.denoise
        self.picture.show_held_out(event, spec)
        shown = event.changed or event.copies
        error = float(np.sqrt(np.square(shown.x_hat - event.x, dtype=np.float64).mean()))
        name = "x̂, denoised" if event.changed is None else f"x̂ after the change, moved by {number(event.moved, 2)}"
        tiles = [Tile(name, shown.x_hat, f"error {number(error)}")]
        if self._restored is not None:
            images = dict(zip(self._restored.names, self._restored.images, strict=False))
            tiles += [Tile(f"x̂ of {self._restored.file}", images["x̂"])] if "x̂" in images else []
        self.result.set_tiles(tiles)
        self.result_place.set_ready(True)
        self.place.set_ready(True)
        self.copies.show_copies(event, denoise.change)
        self.figures.set_readings(readings(event))
        self.words.setText(explanation(event, denoise.change))

    # -- chains and actions --------------------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether chains are being drawn and not paused."""
        return self.chain_task.playing

    def do_sample(self) -> None:
        """Inpaint the marked part; without one, interpolate between the seeds."""
        self.chain_task.draw("inpaint" if self.experiment.spec.denoise.mask else "interpolate")

    def do_stop(self) -> None:
        """Stop the chains."""
        self.chain_task.stop()

    def do_play(self) -> None:
        """Pause or continue the chains."""
        self.chain_task.hold()

    def do_step(self) -> None:
        """Show the next kept state."""
        self.chain_task.gallery.go(1)

    def do_back(self) -> None:
        """Show the previous kept state."""
        self.chain_task.gallery.go(-1)

    def _run_in_use(self) -> Network | None:
        """Return the run that denoises; None for the exact score and for shipped models, identified by data and k."""
        network = self.resolved.in_use
        return None if network is None or network.card is not None else network

    def command(self) -> str:
        """Build the `msd` command for the visible tab: the denoised picture, or the chains.

        A drawn picture or mask is too long for a command: a file beside the runs carries it.
        """
        job: JobName = "denoise"
        spec = self.experiment.spec
        if self.tabs.currentWidget() is self.chain_task:
            spec, job = self.chain_task.drawn_by(spec)
        run = self._run_in_use()
        file = None
        if (spec.denoise.picture and job != "interpolate") or (spec.denoise.mask and job == "inpaint"):
            file = self.file_of(job, for_job(spec.to_json(), job))
        trained = None if run is None else run.spec
        return command(spec, job, run=str(run.folder) if run else "", trained=trained, out=f"{job}.npz", file=file)

    def exports(self) -> list[Export]:
        """List the exports available now."""
        _, job = self.chain_task.drawn_by(self.experiment.spec)
        return exports(self.engine, self.denoised, self.chain_task.gallery, job)

"""The noise page: one datum on its way to white and to coloured noise, and two trainings under them, live."""

from __future__ import annotations

import shlex
from pathlib import Path

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QStackedWidget, QTabWidget

from msd_engine.events import Event, Failed, Finished, Progress
from msd_engine.events.noise import Forward, Likelihood, NoiseCurve, NoiseMoment, NoiseSamples, NoiseTable
from msd_engine.specs import (
    DenoiseSpec,
    ExperimentSpec,
    ImagesSpec,
    MixtureSpec,
    MlpSpec,
    NoiseSpec,
    SpecError,
    TrainingSpec,
    UNetSpec,
    declarations,
)
from msd_engine.specs.tables.noise import Covariance, DataKind
from msd_gui.bridge.clock import SCREEN_HZ, ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base import layout
from msd_gui.pages.base.page import GRACE_MS, ExperimentPage, Export, Status
from msd_gui.pages.noise.exports import exports
from msd_gui.pages.noise.fields_shown import GROUPS, idle, refused
from msd_gui.pages.noise.plan import PRESETS, command_of, plan_of, why_not
from msd_gui.pages.noise.shown import NoiseShown
from msd_gui.pages.noise.trainings import Trainings
from msd_gui.pages.noise.words import log_likelihood
from msd_gui.session.experiment import Experiment
from msd_gui.widgets.panels.spec_form import SpecForm

_KINDS: tuple[DataKind, ...] = ("images", "mixture")
_TITLES = {"images": "Pictures", "mixture": "Points"}
_HELD_OUT = {"denoise.index": 0, "denoise.picture": b"", "denoise.mask": b""}
_WRITTEN_OUT = dict.fromkeys(("data.weights", "data.means", "data.covariances", "data.points"))
# Rest after the last change before likelihoods, which take a second.
_REST_MS = 400
# Seconds from a datum to noise when it plays.
_PLAY_S = 4.0


class NoisePage(ExperimentPage):
    """A picture or a cloud of points under two noises, and two trainings under them."""

    title = "Noise"
    presets = PRESETS

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock) -> None:
        super().__init__(experiment, engine, clock)
        self._playing = False
        self._possible: tuple[bool, ...] = ()
        self._last = {spec.data.kind: spec for spec in (_other_kind(experiment.spec), experiment.spec)}
        self._runner = self.runner(self._show)
        self._trainer = self.runner(self._show_training)
        self._densities = self.runner(self._show_likelihood)
        # What the likelihoods on the screen are of; None before any.
        self._density: tuple[object, ...] | None = None
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._request_likelihood)
        self._trainer.running_changed.connect(self._update_buttons)
        self.shown = NoiseShown()
        self.trainings = Trainings()
        self.forms = {kind: self._form(kind) for kind in _KINDS}
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for kind, form in self.forms.items():
            self.tabs.addTab(form, _TITLES[kind])
        self.parts, self.sides = QTabWidget(), QStackedWidget()
        self.parts.setDocumentMode(True)
        for words, middle, side in (
            ("Way to noise", self.shown.middle, self.shown.right),
            ("Two trainings", self.trainings.middle, self.trainings.right),
        ):
            self.parts.addTab(middle, words)
            self.sides.addWidget(side)
        self.parts.currentChanged.connect(self._on_part)
        for name, button in self.trainings.buttons.items():
            button.clicked.connect(lambda _=False, action=name: self.act(action))
        layout.lay_out(self, self.tabs, self.parts, self.sides)
        self.add_export_menu(
            self.shown.now, *self.shown.strips, self.shown.spectra, self.shown.lags, *self.shown.planes,
            self.trainings.losses, self.trainings.figures, *self.trainings.chains.values(),
        )  # fmt: skip
        self.tabs.currentChanged.connect(self._on_tab)
        ellipse = self.shown.planes[1]
        ellipse.began.connect(experiment.begin_edit)
        ellipse.dragged.connect(self._on_ellipse)
        ellipse.ended.connect(experiment.end_edit)
        experiment.changed.connect(self._on_changed)
        clock.tick.connect(self._on_tick)
        self._show_spec()
        self._update_buttons()

    def _form(self, kind: DataKind) -> SpecForm:
        form = SpecForm(GROUPS[kind], self._last[kind])
        other = _HELD_OUT if kind == "images" else _WRITTEN_OUT
        form.set_rule("data.name", lambda _spec, _value: dict(other))
        form.edited.connect(lambda spec, path: self.experiment.set(spec, path))
        form.editing_started.connect(self.experiment.begin_edit)
        form.editing_finished.connect(self.experiment.end_edit)
        return form

    # -- the spec ------------------------------------------------------------------------------------------------------

    @Slot(int)
    def _on_tab(self, index: int) -> None:
        kind = _KINDS[index]
        if kind != self.experiment.spec.data.kind:
            self.experiment.set(self._last[kind])

    @Slot(float, float)
    def _on_ellipse(self, elongation: float, angle: float) -> None:
        spec = self.experiment.spec
        most = next(each.high for each in declarations(NoiseSpec, absent=True) if each.path == "elongation")
        wanted = {"noise.elongation": min(elongation, most or elongation), "noise.angle": angle}
        self.experiment.set(spec.replace_all(wanted), "ellipse")

    @Slot()
    def _on_changed(self) -> None:
        self._show_spec()
        self._update_buttons()
        self._request()

    def _show_spec(self) -> None:
        spec = self.experiment.spec
        kind = spec.data.kind
        self._last[kind] = spec
        form = self.forms[kind]
        form.setValue(spec)
        form.set_refused(idle(spec), refused(kind))
        reset = self.experiment.reset_spec
        if reset.data.kind == kind:
            form.set_reset(reset)
        self.tabs.setCurrentIndex(_KINDS.index(kind))

    def accepts(self, _spec: ExperimentSpec) -> bool:
        """Accept all experiments."""
        return True

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show the data and the noise of another experiment; its network is not needed."""
        del run
        self.experiment.load(spec)

    def command(self) -> str:
        """Build the `msd` command that draws the noise of this page, or compares trainings on their part of it."""
        spec = self.experiment.spec
        if self.parts.currentIndex() and (comparison := command_of(spec)):
            return comparison
        noise, words = spec.noise, ["msd", "noise"]
        for name in noise.colour_fields:
            words += [f"--{name}", f"{getattr(noise, name)}"]
        if isinstance(spec.data, ImagesSpec):
            channels, height, width = spec.data.shape
            own = noise.covariance == "data" and spec.data.name != "folder"
            size = ["--size", f"{height}x{width}", "--channels", f"{channels}"]
            words += ["--data", spec.data.name] if own else size
        words += ["--n", f"{spec.training.k}", "--seed", f"{spec.denoise.seed}", "--out", "noise.npz"]
        return shlex.join(words)

    # -- frames --------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show the first datum when the engine is ready."""
        self._request()
        self._update_buttons()

    def files_changed(self) -> None:
        """Retry with new files."""
        if self.shown.frame is None and not self.running:
            self._request()

    def _request(self) -> None:
        if self.engine.ready:
            self._runner.submit(self.engine.forward(self.experiment.spec), grace_ms=GRACE_MS)
            self._follow_density()

    def _follow_density(self) -> None:
        """Take away the likelihoods of other data or noise, and ask for these when the settings rest."""
        spec = self.experiment.spec
        density = None
        if spec.data.kind == "mixture":
            density = spec.data, spec.noise.colour, spec.training.k, spec.sampling.ends
        if density != self._density:
            self._density = density
            self._densities.stop()
            self.shown.likelihood.set_readings(())
            self._rest.start()

    @Slot()
    def _request_likelihood(self) -> None:
        if self._density is not None:
            spec = self.experiment.spec.replace("sampling.source", "exact")
            self._densities.submit(self.engine.likelihood(spec), grace_ms=GRACE_MS)

    @Slot(object)
    def _show_likelihood(self, event: Event) -> None:
        if isinstance(event, Likelihood):
            self.shown.likelihood.set_readings((log_likelihood(event),))

    @Slot(object)
    def _show(self, event: Event) -> None:
        if isinstance(event, Forward):
            self.shown.show(event)
        elif isinstance(event, Failed):
            self.shown.clear()

    # -- two trainings -------------------------------------------------------------------------------------------------

    @Slot(int)
    def _on_part(self, index: int) -> None:
        self.sides.setCurrentIndex(index)

    def do_train(self) -> None:
        """Train under both noises, and draw samples of both."""
        try:
            plan = plan_of(self.experiment.spec)
        except SpecError as error:
            self.failed.emit(str(error), "")
            return
        self.parts.setCurrentIndex(1)
        self.trainings.begin(plan)
        self._trainer.submit(self.engine.compare_noises(plan, self.engine.new_noises(plan)))

    def do_stop(self) -> None:
        """Stop the comparison; its folder keeps what is done."""
        self._trainer.stop()

    def why_not(self, action: str) -> str:
        """Explain why no training can begin."""
        return why_not(self.experiment.spec) if action == "train" else ""

    @Slot(object)
    def _show_training(self, event: Event) -> None:
        match event:
            case NoiseCurve():
                self.trainings.show_curve(event)
            case NoiseMoment():
                self.trainings.show_moment(event)
            case NoiseSamples():
                self.trainings.show_samples(event)
            case NoiseTable():
                self.trainings.show_table(event)
            case Progress():
                self.set_status(Status.of(event))
            case Finished() | Failed():
                self.set_status(Status())

    @Slot()
    def _update_buttons(self, *_: object) -> None:
        for name, button in self.trainings.buttons.items():
            button.setEnabled(self.can(name))
        self.trainings.show_why_not(self.why_not("train"))
        # A dragged slider must not repaint the tool bar.
        possible = tuple(self.can(name) for name in self.trainings.buttons)
        if possible != self._possible:
            self._possible = possible
            self.set_status(Status())
            self.actions_changed.emit()

    # -- actions -------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Check whether an action is allowed now."""
        if action == "stop":
            return self._trainer.running
        if action == "train":
            return self.engine.ready and not self._trainer.running and not why_not(self.experiment.spec)
        return self.engine.ready and action in ("play", "step", "back", "restart")

    @property
    def playing(self) -> bool:
        """Whether time runs."""
        return self._playing

    def do_play(self) -> None:
        """Let time run, from the beginning if it is at its end, or stop it."""
        self._playing = not self._playing
        if self._playing and self.experiment.spec.denoise.time >= 1:
            self._go(0.0)
        self.actions_changed.emit()

    def do_step(self) -> None:
        """Go on by one picture."""
        self._go(self.experiment.spec.denoise.time + 1 / (_PLAY_S * SCREEN_HZ))

    def do_back(self) -> None:
        """Go back by one picture."""
        self._go(self.experiment.spec.denoise.time - 1 / (_PLAY_S * SCREEN_HZ))

    def do_restart(self) -> None:
        """Go to the datum without noise."""
        self._go(0.0)

    def set_watched(self, watched: bool) -> None:
        """Stop the time of a hidden page."""
        super().set_watched(watched)
        if not watched and self._playing:
            self.do_play()

    @Slot()
    def _on_tick(self) -> None:
        self.shown.catch_up()
        if self._playing:
            self.do_step()
            if self.experiment.spec.denoise.time >= 1:
                self.do_play()

    def _go(self, t: float) -> None:
        spec = self.experiment.spec.replace("denoise.time", min(max(t, 0.0), 1.0))
        self.experiment.set(spec, "denoise.time")

    def exports(self) -> list[Export]:
        """List the exports of what is shown."""
        return exports(self, self.shown, self.trainings)


def _other_kind(spec: ExperimentSpec) -> ExperimentSpec:
    """Return the first settings with points for an experiment on pictures, and the reverse."""
    points = spec.data.kind == "images"
    covariance: Covariance = "ellipse" if points else "power-law"
    noise = NoiseSpec(process=spec.noise.process, s=spec.noise.s, covariance=covariance)
    denoise = DenoiseSpec(seed=spec.denoise.seed, time=spec.denoise.time)
    training = TrainingSpec(k=spec.training.k)
    if points:
        data = MixtureSpec(name="two-moons")
        return ExperimentSpec(data=data, network=MlpSpec(), noise=noise, training=training, denoise=denoise)
    data_of_images = ImagesSpec(name="shapes")
    return ExperimentSpec(data=data_of_images, network=UNetSpec(), noise=noise, training=training, denoise=denoise)

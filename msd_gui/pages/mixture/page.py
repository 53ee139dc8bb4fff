"""The mixture page: chains in the plane, with the exact posterior mean or a network that is trained beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtGui import QAction

from msd_engine.events import ChainReport, Samples
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.advice.adviser import Adviser
from msd_gui.pages.base import layout
from msd_gui.pages.base.page import Export, Status
from msd_gui.pages.mixture.chains import PlaneChains
from msd_gui.pages.mixture.density import FieldPainter
from msd_gui.pages.mixture.exports import Parts, exports
from msd_gui.pages.mixture.fields_shown import GROUPS
from msd_gui.pages.mixture.figures import chain_readings
from msd_gui.pages.mixture.player import Player
from msd_gui.pages.sampling.controls import SamplingControls
from msd_gui.pages.training.page import TrainingPage
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.command import command
from msd_gui.session.experiment import Experiment
from msd_gui.session.settings import SPEED_HZ, Settings
from msd_gui.views.curves.bars import BarsView
from msd_gui.views.curves.losses import LossView
from msd_gui.views.plane.plane import LAYERS, PlaneView
from msd_gui.views.plane.timeline import Timeline
from msd_gui.widgets.controls.choice import Choice
from msd_gui.widgets.panels.layers_button import LayersButton
from msd_gui.widgets.panels.readings import Readings
from msd_gui.widgets.panels.spec_form import SpecForm
from msd_gui.widgets.panels.transport import TransportBar

WRITTEN_OUT = ("data.weights", "data.means", "data.covariances")
CHECKPOINT_EVERY_S = 1.5


class MixturePage(TrainingPage):
    """Chains in the plane."""

    title = "Mixture"
    chains: PlaneChains
    presets = ("ncsn-toy", "two-gaussians", "ring-8", "grid-25")

    def __init__(
        self, experiment: Experiment, engine: Engine, clock: ScreenClock, actions: Mapping[str, QAction]
    ) -> None:
        """Build the page.

        Args:
            experiment: What it shows and changes.
            engine: Makes its jobs.
            clock: The screen's clock.
            actions: The window's actions ``play``, ``step`` and ``restart``.
        """
        super().__init__(experiment, engine, clock)
        self._actions = actions
        self._build()
        self.trainer = Trainer(self, engine, self.losses)
        self.chains = PlaneChains(self, engine, self.trainer)
        # It listens to the clock after the runner of the chains, and so shows new states in the tick that brings them.
        self.player = Player(self, clock, self.plane, self.timeline, self.transport)
        self.fields = FieldPainter(self, engine, self.plane, self.trainer)
        self.parts = Parts(self.plane, self.weights, self.losses, self.trainer, self.player, self.fields)
        self.ladder_controls = SamplingControls(self, engine, self.form, "Ladder")
        self.ladder_controls.ladder_ready.connect(self.adviser.set_ladder)
        self._connect()
        self._show_spec(experiment.spec)

    def _build(self) -> None:
        self.form = SpecForm(GROUPS, self.experiment.spec)
        self.form.section("Training").set_open(False)
        # A mixture that is written out comes from a file; leaving it takes its numbers away.
        self.form.set_rule("data.name", lambda _spec, _name: dict.fromkeys(WRITTEN_OUT))
        target = self.form.control("data.name")
        assert isinstance(target, Choice)
        target.set_item_enabled("custom", False, "Open a file with a mixture that is written out.")
        self.plane = PlaneView()
        self.timeline = Timeline()
        on = self._actions
        self.transport = TransportBar(on["play"], on["step"], on["restart"], SPEED_HZ)
        self.weights = BarsView("Mode weights, sampled and true", "mode", "true")
        self.losses = LossView()
        self.readings = Readings("Chain figures")
        self.adviser = Adviser(self.experiment, self)
        self.losses_place = layout.with_placeholder(
            self.losses,
            "Train a small network on the same target and watch its loss fall towards that of the exact score.",
            "Train",
            210,
        )
        button = LayersButton({name: self.plane.layer(name) for name in LAYERS}, self.plane.set_layer, "the plane")
        self.layers = button.layers
        below = layout.row(self.transport, button, stretch=(1, 0))
        middle = layout.column(self.plane, self.timeline, below, stretch=(1, 0, 0))
        self.weights.setFixedHeight(170)
        figures = layout.column(
            self.adviser.cards,
            layout.heading("Mode weights"),
            self.weights,
            layout.heading("Chains"),
            self.readings,
            layout.heading("Training"),
            self.losses_place,
        )
        layout.lay_out(self, self.form, middle, figures)

        self.add_export_menu(self.plane, self.timeline, self.weights, self.losses)

    def _connect(self) -> None:
        self.form.edited.connect(self._edited)
        self.form.editing_started.connect(self.experiment.begin_edit)
        self.form.editing_finished.connect(self.experiment.end_edit)
        self.experiment.changed.connect(self._spec_changed)
        self.chains.began.connect(self.player.begin)
        self.chains.began.connect(self._on_began)
        self.chains.ladder_ready.connect(self.player.set_ladder)
        self.chains.ladder_ready.connect(self.ladder_controls.take)
        self.chains.grown.connect(self.player.append)
        self.chains.weighed.connect(self._show_weights)
        self.chains.ended.connect(self._show_report)
        self.clock.tick.connect(self._on_tick)
        self.player.moved.connect(self._request_field)
        self.player.turned.connect(self.actions_changed)
        self.plane.view_changed.connect(self._request_field)
        self.fields.framed.connect(self.adviser.set_data)
        self.losses_place.placeholder.pressed.connect(lambda: self.act("train"))
        self.trainer.checkpointed.connect(self._on_weights)
        self.trainer.ended.connect(self._on_trained)
        self.trainer.progressed.connect(self.set_status)

    # -- the spec ------------------------------------------------------------------------------------------------------

    @Slot(object, str)
    def _edited(self, spec: ExperimentSpec, path: str) -> None:
        if spec.sampling.source == "trained" and not self.trainer.fits(spec):
            # The network belongs to other copies or data: the exact score is always there.
            spec = spec.replace("sampling.source", "exact")
            self.noticed.emit("The trained network does not fit these settings: the exact score is used.")
        if path == "data.name":
            # The preset's title would name another target.
            spec = spec.replace("title", "")
        self.experiment.set(spec, path)

    @Slot(object)
    def _spec_changed(self, spec: ExperimentSpec) -> None:
        self._show_spec(spec)
        self.chains.draw_if_others(spec)
        self._request_field()

    def _show_spec(self, spec: ExperimentSpec) -> None:
        self.form.set_reset(self.experiment.reset_spec)
        self.form.setValue(spec)
        sampling = spec.sampling
        self.form.set_enabled("sampling.start_width", sampling.start == "uniform", "Only a uniform start has a box.")
        fits = self.trainer.fits(spec)
        self.form.set_enabled("sampling.source", fits, "Train a network with these data and copies first.")
        self.ladder_controls.show(spec)
        self.plane.show_plane(colour="learned" if sampling.source == "trained" else "exact")
        self.weights.set_learned(sampling.source == "trained")

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment from its first step."""
        if run is not None:
            self.trainer.adopt(run, spec)
            self.losses_place.set_ready(True)
        elif spec.sampling.source == "trained" and not self.trainer.fits(spec):
            spec = spec.replace("sampling.source", "exact")
        self.experiment.load(spec)
        self.plane.clear_chains()
        self.do_restart()
        self.chains.draw()
        self.actions_changed.emit()

    @property
    def samples(self) -> Samples | None:
        """The chains that have come to their end last."""
        return self.chains.samples

    @property
    def report(self) -> ChainReport | None:
        """Their figures."""
        return self.chains.report

    # -- sampling ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the chains as soon as the engine is there."""
        super().begin()
        self.ladder_controls.begin()
        self.chains.begin()
        self._request_field()

    @Slot()
    def _on_began(self) -> None:
        if self.experiment.spec.sampling.source == "trained":
            # A network takes seconds, in which the figures of other chains would stand beside these.
            self.readings.blank()

    @Slot(object)
    def _show_weights(self, report: ChainReport) -> None:
        names = [str(mode) for mode in range(1, len(report.true_weights) + 1)]
        self.weights.set_shares(names, report.mode_weights, report.true_weights)

    @Slot(object, object)
    def _show_report(self, spec: ExperimentSpec, report: ChainReport) -> None:
        self.adviser.set_report(spec, report)
        self.readings.set_readings(chain_readings(report, spec.sampling))

    @Slot()
    def _request_field(self) -> None:
        if self.ready:
            spec = self.experiment.spec
            self.fields.ask(spec, self.player.sigma or spec.sampling.sigma_L)

    @Slot()
    def _on_tick(self) -> None:
        wanted = self.experiment.spec.sampling.source == "trained" or self.layers["learned arrows"].isChecked()
        if wanted and self.isVisible():
            self.trainer.request_weights(CHECKPOINT_EVERY_S)

    @Slot()
    def _on_weights(self) -> None:
        self._show_spec(self.experiment.spec)
        self._request_field()
        if self.experiment.spec.sampling.source == "trained":
            self.chains.draw()
        self.actions_changed.emit()

    @Slot()
    def _on_trained(self) -> None:
        self.set_status(Status())
        self._on_weights()

    # -- actions -------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Return whether an action makes sense now."""
        match action:
            case "train" | "resume" | "stop":
                return super().can(action)
            case "sample" | "home":
                return self.ready
            case _:
                return not self.player.empty

    @property
    def playing(self) -> bool:
        """Whether the chains are being played."""
        return self.player.playhead.playing

    def restore(self, name: str, settings: Settings) -> None:
        """Load the spec that the page had, and play chains as fast as then."""
        super().restore(name, settings)
        self.player.set_speed(settings.speed_hz)

    def keep(self, name: str, settings: Settings) -> None:
        """Keep the spec and the speed."""
        super().keep(name, settings)
        settings.speed_hz = self.player.playhead.speed

    def do_train(self) -> None:
        """Train a network on the present target."""
        self.losses_place.set_ready(True)
        self.trainer.start(self.experiment.spec)

    def do_sample(self) -> None:
        """Draw chains with the next seed, from their first step."""
        spec = self.experiment.spec
        self.do_restart()
        self.experiment.set(spec.with_next_seed())

    def do_play(self) -> None:
        """Play or pause; at the end, play again from the beginning."""
        self.player.toggle()

    def do_step(self) -> None:
        """Go one step further."""
        self.player.step(1)

    def do_back(self) -> None:
        """Go one step back."""
        self.player.step(-1)

    def do_restart(self) -> None:
        """Play from the first step."""
        self.player.restart()

    def do_home(self) -> None:
        """Frame the data."""
        self.plane.frame()

    def exports(self) -> list[Export]:
        """Return what can be written now."""
        return exports(self, self.parts, self.chains)

    def command(self) -> str:
        """Return the `msd` line that draws these chains."""
        spec = self.experiment.spec
        run = str(self.trainer.run) if spec.sampling.source == "trained" else ""
        return command(spec, "sample", run=run)

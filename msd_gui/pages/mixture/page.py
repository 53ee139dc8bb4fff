"""The mixture page: chains in the plane, with the exact posterior mean or a network that is trained beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtGui import QAction

from msd_engine.events import ChainReport, RestoredImages, RestoredPoints, Samples
from msd_engine.specs import ExperimentSpec, load_preset, weights_of
from msd_engine.specs.tables.papers import FIGURES, figure_named
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.advice.adviser import Adviser
from msd_gui.pages.advice.why import Why
from msd_gui.pages.base import layout
from msd_gui.pages.base.page import Export
from msd_gui.pages.mixture.beside import Beside
from msd_gui.pages.mixture.chains import PlaneChains
from msd_gui.pages.mixture.copies.errors import Errors
from msd_gui.pages.mixture.density import FieldPainter
from msd_gui.pages.mixture.edit.editing import Editing
from msd_gui.pages.mixture.exports import Parts, exports
from msd_gui.pages.mixture.fields_shown import GROUPS
from msd_gui.pages.mixture.formula import Formula
from msd_gui.pages.mixture.play.page import PlayingPage
from msd_gui.pages.mixture.play.player import Player
from msd_gui.pages.mixture.readout import Readout
from msd_gui.pages.mixture.shoot_out.control import ShootOut
from msd_gui.pages.mixture.sides import Sides
from msd_gui.pages.mixture.time.branches import Branches
from msd_gui.pages.mixture.time.motion import SlowMotion
from msd_gui.pages.mixture.twins import Twins
from msd_gui.pages.sampling.controls import SamplingControls, show_fields
from msd_gui.pages.sampling.networks import NetworkCard
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.command import command
from msd_gui.session.experiment import Experiment
from msd_gui.session.made import Made
from msd_gui.session.networks import Network, NetworkStore
from msd_gui.session.resolve import Resolved
from msd_gui.session.rules import data_rule
from msd_gui.session.settings import SPEED_HZ, Settings
from msd_gui.views.curves.bars import BarsView
from msd_gui.views.curves.losses import LossView
from msd_gui.views.plane.editing.view import EditablePlane
from msd_gui.views.plane.plane import LAYERS
from msd_gui.views.plane.timeline import Timeline
from msd_gui.widgets.panels.layers_button import LayersButton
from msd_gui.widgets.panels.readings import Readings
from msd_gui.widgets.panels.spec_form import SpecForm
from msd_gui.widgets.panels.transport import TransportBar

WRITTEN_OUT = ("data.weights", "data.means", "data.covariances", "data.points")
CHECKPOINT_EVERY_S = 1.5
CARDS = ("card-lost-mode", "card-low-acceptance", "card-high-acceptance")
"""Presets whose settings bring one card of advice."""
LEARNED_CARDS = ("card-wrong-score", "card-drift")
"""The same after a training of seconds, which begins when they open."""


class MixturePage(PlayingPage):
    """Chains in the plane."""

    title = "Mixture"
    chains: PlaneChains
    presets = (
        "ncsn-toy",
        "two-gaussians",
        "ring-8",
        "grid-25",
        *(name for name, row in FIGURES.items() if not row.learned),
        *CARDS,
        *LEARNED_CARDS,
    )

    def __init__(
        self,
        experiment: Experiment,
        engine: Engine,
        clock: ScreenClock,
        store: NetworkStore,
        actions: Mapping[str, QAction],
    ) -> None:
        """Build the page.

        Args:
            experiment: What it shows and changes.
            engine: Makes its jobs.
            clock: The screen's clock.
            store: The networks of all pages.
            actions: The window's actions ``play``, ``step`` and ``restart``.
        """
        super().__init__(experiment, engine, clock, store)
        self._actions = actions
        self._build()
        self.trainer = Trainer(self, engine, self.losses)
        self.chains = PlaneChains(self, engine, self.trainer)
        self.why = Why(self, engine, self.adviser)
        # It listens to the clock after the runner of the chains, and so shows new states in the tick that brings them.
        self.player = Player(self, clock, self.plane, self.timeline, self.transport)
        self.readout = Readout(self, clock, self.player, self.weights, self.readings, self.chains_heading)
        self.beside = Beside(self, clock, self.player, self.plane, self.weights, self.readings)
        self._above.insertWidget(0, self.beside.label)
        self.fields = FieldPainter(self, engine, self.plane)
        self.twins = Twins(self, engine, self.player, self.plane)
        self.errors = Errors(self, engine)
        self.sides = Sides(self, engine, self.player, self.plane, self._planes)
        self.branches = Branches(self, self.player, self.sides, self.timeline)
        self.motion = SlowMotion(self, engine, clock, self.player, self.plane)
        self.shoot_out = ShootOut(self, engine)
        self.editing = Editing(self, clock, self.player, self.fields, self.beside, self.plane)
        tools = layout.row(self.motion.button, self.editing.modes, self.editing.points, stretch=(1, 1, 1))
        for part in (tools, self.editing.bar):
            self._above.insertWidget(self._above.indexOf(self.formula), part)
        both = layout.row(self.sides.button, self.branches.button, stretch=(1, 1))
        for part in (both, self.shoot_out.button, self.sides.readings, self.twins.panel, self.errors.panel):
            self._figures.insertWidget(self._figures.indexOf(self.training_heading), part)
        self.parts = Parts(self.plane, self.weights, self.losses, self.trainer, self.player, self.fields)
        self.ladder_controls = SamplingControls(self, engine, self.form, drawn=lambda: self.chains.drawn)
        self.ladder_controls.ladder_ready.connect(self.adviser.set_ladder)
        self._connect()
        self.renew()
        self.show_resolved(self.resolved)

    def _build(self) -> None:
        self.form = SpecForm(GROUPS, self.experiment.spec)
        self.form.section("Noise").set_open(False)
        self.form.section("Training").set_open(False)
        # A mixture that is written out comes from a file; leaving it takes its numbers away.
        self.form.set_rule("data.name", lambda spec, name: dict.fromkeys(WRITTEN_OUT) | data_rule(spec, name))
        self.plane = EditablePlane()
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
        self.formula = Formula()
        self._planes = layout.row(self.plane, stretch=(1,))
        middle = layout.column(self._planes, self.timeline, below, self.formula, stretch=(1, 0, 0, 0))
        self._above = layout.box_of(middle)
        self.weights.setFixedHeight(170)
        self.weights_place = layout.column(layout.heading("Mode weights"), self.weights)
        self.card, self.training_heading = NetworkCard(), layout.heading("Training")
        self.chains_heading = layout.heading("Chains")
        self.training_heading.setWordWrap(True)
        figures = layout.column(
            self.card,
            self.adviser.cards,
            self.weights_place,
            self.chains_heading,
            self.readings,
            self.training_heading,
            self.losses_place,
        )
        self._figures = layout.box_of(figures)
        layout.lay_out(self, self.form, middle, figures)
        self.add_export_menu(self.plane, self.timeline, self.weights, self.losses)

    def _connect(self) -> None:
        self.form.edited.connect(self._edited)
        self.form.editing_started.connect(self.experiment.begin_edit)
        self.form.editing_finished.connect(self.experiment.end_edit)
        self.card.remedy.connect(self.carry_out)
        self.chains.began.connect(self.player.begin)
        self.chains.began.connect(self._on_began)
        self.chains.ladder_ready.connect(lambda _made, ladder: self.player.set_ladder(ladder))
        self.chains.ladder_ready.connect(self.ladder_controls.set_drawn_ladder)
        self.chains.grown.connect(self.player.append)
        self.chains.modes_ready.connect(self.player.set_modes)
        self.chains.ended.connect(self._show_report)
        self.beside.replaced.connect(self._on_replaced)
        self.clock.tick.connect(self._on_tick)
        self.player.moved.connect(self._request_field)
        self.player.moved.connect(self._show_update)
        self.player.turned.connect(self.actions_changed)
        self.plane.view_changed.connect(self._request_field)
        self.fields.framed.connect(self.adviser.set_data)
        self.losses_place.placeholder.pressed.connect(lambda: self.act("train"))
        self.trainer.began.connect(self._name_training)
        self.connect_trainer()
        self.trainer.progressed.connect(self.set_status)

    # -- the spec ------------------------------------------------------------------------------------------------------

    @Slot(object, str)
    def _edited(self, spec: ExperimentSpec, path: str) -> None:
        if path == "data.name":
            # The preset's title would name another target.
            spec = spec.replace("title", "")
        if path.startswith("data.") and spec.branch is not None:
            # Chains of other data are no branch of those that were kept.
            spec = spec.replace("branch", None)
        self.experiment.set(spec, path)

    def show_resolved(self, before: Resolved) -> None:
        """Show the settings, what denoises them, and what can be done."""
        self.form.set_reset(self.experiment.reset_spec)
        self.form.setValue(self.resolved.spec)
        show_fields(self.form, self.resolved)
        self.card.show_problem(self.resolved.card)
        self.chains.follow(before)
        data = self.resolved.spec.data
        self.weights_place.setVisible(data.kind == "mixture" and not data.is_points)
        self.adviser.set_beside(self.resolved.made)
        self.why.follow()
        self._request_field()

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment from its first step; with the exact score where it has no network."""
        if run is not None:
            self.losses_place.set_ready(True)
            self.open_run(spec, run)
        else:
            self.show_experiment(spec)
        if self.resolved.problem is not None and self.can("train") and spec in map(load_preset, LEARNED_CARDS):
            self.noticed.emit("A small network is trained first, for some seconds.")
            self.act("train")
        if self.resolved.problem is not None:
            self.noticed.emit("There is no network for these settings yet: the exact score is used.")
            self.experiment.load(spec.replace("sampling.source", "exact"))
        self.plane.clear_chains()
        self.do_restart()
        self.chains.draw()
        self.actions_changed.emit()
        named = figure_named(spec.title)
        if named is not None:
            self.noticed.emit(FIGURES[named].story)

    def show_restored(self, event: RestoredImages | RestoredPoints) -> None:
        """Show the chains of an opened file where the present settings would not draw them again."""
        if isinstance(event, RestoredPoints) and not event.again:
            spec, weights = ExperimentSpec.from_json(event.spec_json), weights_of(event.spec_json)
            trained = spec.sampling.source == "trained"
            name = event.run or (weights.run if weights is not None else "an unknown network")
            step = weights.step if weights is not None else 0
            self.chains.leave()
            made = Made(spec, Network(Path(name), spec, step) if trained else None)
            self.player.show_points(event.points, made, event.spec_json)
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
        self.renew()
        self.ladder_controls.begin()
        self.chains.draw()
        self._request_field()
        self.actions_changed.emit()

    @Slot()
    def _on_began(self) -> None:
        self.player.buffer.newest.made = self.chains.begun

    @Slot(object)
    def _on_replaced(self, made: Made) -> None:
        """Show other chains in the colour of their score."""
        learned = made.network is not None
        self.plane.show_plane(colour="learned" if learned else "exact")
        self.weights.set_learned(learned)

    @Slot(str)
    def _name_training(self, run: str) -> None:
        spec = self.trainer.spec
        self.training_heading.setText(f"Training of {run}" + (f", {Network(Path(), spec).copies}" if spec else ""))

    @Slot(object, object)
    def _show_report(self, made: Made, report: ChainReport) -> None:
        self.adviser.set_report(made, report)
        self.player.set_report(report)
        self.twins.draw()

    @Slot()
    def _request_field(self) -> None:
        if self.engine.ready:
            # Where nothing denoises the settings, density and scores stay those of the chains that are shown.
            made = self.chains.made
            spec = made.spec if made is not None and not self.resolved.serves else self.resolved.spec
            shown, last = self.player.sigma, 0.0 if spec.sampling.noiseless else spec.sampling.sigma_L
            self.fields.ask(spec, last if shown is None else shown)

    @Slot()
    def _show_update(self) -> None:
        spec, sigma = self.player.buffer.shown.spec, self.player.sigma
        if spec is not None and sigma is not None:
            self.formula.show_update(spec.sampling, sigma)

    @Slot()
    def _on_tick(self) -> None:
        wanted = not self.resolved.exact or self.layers["learned arrows"].isChecked() or self.errors.on
        if wanted and self.isVisible():
            self.trainer.request_weights(CHECKPOINT_EVERY_S)

    @Slot()
    def use_weights(self) -> None:
        """Take newer weights, and draw with them where they are in use."""
        super().use_weights()
        self._request_field()
        if self.resolved.in_use is not None:
            self.chains.draw()
        self.actions_changed.emit()

    # -- actions -------------------------------------------------------------------------------------------------------

    def restore(self, name: str, settings: Settings) -> None:
        """Load what the page had, and write formulas as then."""
        super().restore(name, settings)
        self.formula.set_convention(settings.convention)

    def keep(self, name: str, settings: Settings) -> None:
        """Keep what the page has, and the convention of formulas."""
        super().keep(name, settings)
        settings.convention = self.formula.convention

    def do_train(self) -> None:
        """Train a network on the present target."""
        self.losses_place.set_ready(True)
        super().do_train()

    def do_sample(self) -> None:
        """Draw chains with the next seed, from their first step."""
        spec = self.experiment.spec
        self.do_restart()
        self.experiment.set(spec.with_next_seed())

    def do_home(self) -> None:
        """Frame the data."""
        self.plane.frame()

    def exports(self) -> list[Export]:
        """Return what can be written now."""
        return [*exports(self, self.parts, self.chains), *self.shoot_out.exports(), *self.errors.exports()]

    def command(self) -> str:
        """Return the `msd` line that draws these chains."""
        return command(self.resolved.spec, "sample", run=str(self.resolved.run or ""))

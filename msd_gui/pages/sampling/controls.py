"""Controls of sampling for both pages of chains: fields of the sampler, figures of the ladder, proposals."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from msd_engine.events import Event, Finished, Ladder, Progress, Proposed
from msd_engine.specs import WALL, ExperimentSpec
from msd_engine.specs.tables.samplers import TRAITS, Sampler
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.ladder import near_wall
from msd_gui.pages.base.page import GRACE_MS
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.sampling.equal_noise import EqualNoise
from msd_gui.session.made import Made
from msd_gui.session.resolve import Resolved
from msd_gui.session.rules import method_rule, sampler_rule, source_rule
from msd_gui.theme.tips import wrapped
from msd_gui.views.base.rich import SIGMA_EFF
from msd_gui.views.curves.swelling import SwellingView
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.spec_form import SpecForm

PROPOSE = "Propose from the data"
_EXPLAINED = (
    "Variance of the residuals y_i − ȳ at the end of each level, divided by σ² of the level, as theory predicts it for "
    "these steps and any data: 1 is exact. Far above 1 the ladder is too coarse, or the steps are too few or too large."
)
_PROPOSING = (
    "Set the ladder and r by NCSNv2's techniques: σ₁/√k is the largest distance among some thousands of data, at least "
    "half of the draws of each level lie in the shell of either neighbour, and r brings Langevin's s_T²/σ² on a long "
    "ladder nearest to 1. σ_L and T stay."
)


class SamplingControls(QObject):
    """The part of a page's form for the ladder.

    Attributes:
        ladder_ready: Emitted with the `Ladder` of the settings.
    """

    ladder_ready = Signal(object)

    def __init__(
        self,
        page: ResolvedPage,
        engine: Engine,
        form: SpecForm,
        *,
        drawn: Callable[[], Made | None],
    ) -> None:
        """Add figures and button to a group of controls.

        Args:
            page: Owner of the runners.
            engine: Makes the jobs.
            form: The page's controls.
            drawn: Returns the settings of the running chains, whose job emits their ladder; None without chains, where
                this part requests the ladder itself.
        """
        super().__init__(page)
        self._page = page
        self._engine = engine
        self._form = form
        self._drawn = drawn
        self._requested: tuple[object, ...] = ()
        self._stale = False
        self._own: dict[str, float] = {}
        self._proposing_for: ExperimentSpec | None = None
        self._ladders = page.runner(self._on_ladder)
        self._proposer = page.runner(self._on_proposal)
        self._proposer.running_changed.connect(self._on_running)
        self.caption = QLabel()
        self.caption.setProperty("role", "muted")
        self.caption.setToolTip(wrapped(_EXPLAINED))
        self.caption.setWordWrap(True)
        self.swelling = SwellingView()
        self.swelling.setAccessibleDescription(_EXPLAINED)
        self.button = QPushButton(PROPOSE)
        self.button.setObjectName("sampling.propose")
        self.button.setToolTip(wrapped(_PROPOSING))
        self.button.setEnabled(False)
        self.button.clicked.connect(self.propose)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(4)
        for widget in (self.caption, self.swelling, self.button):
            column.addWidget(widget)
        form.add_below("sampling.steps_per_level", holder, self.button)
        form.set_rule("sampling.sampler", self._sampler_rule)
        form.set_rule("sampling.source", source_rule)
        form.set_rule("sampling.method", method_rule)
        self.equal_noise = EqualNoise(form)

    def begin(self) -> None:
        """Enable proposals and request the ladder when the engine is ready."""
        self.button.setEnabled(True)
        self._page.experiment.changed.connect(self._check_when_idle)
        self._page.actions_changed.connect(self._check_when_idle)
        self._page.clock.tick.connect(self._request_ladder)
        self._check_when_idle()

    def _sampler_rule(self, spec: ExperimentSpec, sampler: Sampler) -> dict[str, Any]:
        """Change the sampler with its dependent fields, and restore the last values of the fields of its own."""
        self._own |= {name: getattr(spec.sampling, name) for name in spec.sampling.traits.own}
        absent = spec.sampling.absent
        own = {
            f"sampling.{name}": self._own[name]
            for name in TRAITS[sampler].own
            if name in absent.keys() & self._own.keys()
        }
        return own | sampler_rule(spec, sampler)

    # -- the ladder ----------------------------------------------------------------------------------------------------

    def renew_ladder(self) -> None:
        """Request the ladder again for newer weights of the same network."""
        if self._requested:
            self._requested = ()
            self._check_when_idle()

    @Slot()
    def _check_when_idle(self) -> None:
        """Compare at the next tick, after the change has started its chains."""
        self._stale = True

    @Slot()
    def _request_ladder(self) -> None:
        """Request the ladder if settings or network changed and no running chains emit it."""
        if not self._stale:
            return
        self._stale = False
        made, drawn = self._page.resolved.made, self._drawn()
        key = _key(made)
        if key != self._requested and (drawn is None or key != _key(drawn)):
            self._requested = key
            self._ladders.submit(self._engine.ladder(made.spec, made.run), grace_ms=GRACE_MS)

    @Slot(object, object)
    def set_drawn_ladder(self, made: Made, ladder: Ladder) -> None:
        """Show the ladder of running chains and drop any request."""
        self._ladders.drop()
        self._requested = _key(made)
        self.show_ladder(ladder)

    def show_ladder(self, ladder: Ladder) -> None:
        """Show the figures of a ladder."""
        span = _span(ladder)
        missing = "; no guidance: this network has no earlier self" if ladder.guidance_missing else ""
        self.caption.setText(f"{span} · {ladder.evaluations:,} evaluations{missing}")
        self.swelling.set_levels(ladder.sigma, ladder.swelling)
        self.swelling.setVisible(bool(ladder.sigma.any()) and not np.isnan(ladder.swelling).all())
        self.ladder_ready.emit(ladder)

    @Slot(object)
    def _on_ladder(self, event: Event) -> None:
        if isinstance(event, Ladder):
            self.show_ladder(event)

    # -- the proposal --------------------------------------------------------------------------------------------------

    @Slot()
    def propose(self) -> None:
        """Measure the data and propose a ladder."""
        self._proposing_for = self._page.experiment.spec
        self._proposer.submit(self._engine.propose(self._proposing_for))

    @Slot(object)
    def _on_proposal(self, event: Event) -> None:
        match event:
            case Proposed() if self._still_fits():
                self._page.experiment.set(self._page.experiment.spec.replace_all(dict(event.values)))
            case Finished() if event.text and self._still_fits():
                self._page.noticed.emit(event.text)
            case Progress():
                self.button.setText(f"{event.text} …")

    def _still_fits(self) -> bool:
        """Check whether the proposal was measured on the present settings."""
        measured, now = self._proposing_for, self._page.experiment.spec
        paths = ("data", "training.k", "sampling.sigma_L", "sampling.steps_per_level")
        return measured is not None and all(measured.get(path) == now.get(path) for path in paths)

    @Slot(bool)
    def _on_running(self, running: bool) -> None:
        self.button.setEnabled(not running)
        if not running:
            self.button.setText(PROPOSE)


def _span(ladder: Ladder) -> str:
    """Return the range of s_T²/σ² as text, or its limit where no recursion is known."""
    if not ladder.sigma.any():
        return "no noise"
    if np.isnan(ladder.swelling).all():
        return "copy by copy" if np.isnan(ladder.settled) else f"s<sub>T</sub>²/σ² → {number(ladder.settled)}"
    low, high = float(np.fmin.reduce(ladder.swelling)), float(np.fmax.reduce(ladder.swelling))
    if not high < 1e6:
        return "s<sub>T</sub>²/σ² = ∞"
    return f"s<sub>T</sub>²/σ² = {number(low)}" + ("" if number(low) == number(high) else f" to {number(high)}")


def _key(made: Made) -> tuple[object, ...]:
    """Collect the settings that determine a ladder, without number of chains and seed."""
    same = made.spec.sampling.model_copy(update={"chains": 1, "seed": 0})
    return same, made.spec.law, made.spec.training.k, made.run


def show_fields(form: SpecForm, resolved: Resolved, allowed: Collection[tuple[str, str]] = ()) -> None:
    """Enable the allowed fields and choices, give the reasons at the others, and show derived values.

    Args:
        form: The form.
        resolved: What is allowed.
        allowed: Choices that the page itself makes possible, by dotted path and choice.
    """
    choices = {choice: why for choice, why in resolved.choices.items() if choice not in allowed}
    form.set_refused(resolved.fields, choices)
    show_step(form, resolved.spec)
    show_sigma_eff(form, resolved.spec)


def show_step(form: SpecForm, spec: ExperimentSpec) -> None:
    """Show the step size ε beside its ratio r = ε/σ², and the sampler's wall, if any, on the slider."""
    sampling, ratio = spec.sampling, form.slider("sampling.step_ratio")
    severity = "" if not near_wall(sampling) else "error" if sampling.blows_up else "warning"
    ratio.set_marker(WALL if sampling.has_wall else None, f"r = {WALL:g}")
    ratio.set_trailing(f"ε = r σ<sub>L</sub>² = {number(sampling.epsilon)}", severity)


def show_sigma_eff(form: SpecForm, spec: ExperimentSpec) -> None:
    """Show the noise of ȳ beside the first and the last noise of one copy."""
    for path in ("sampling.sigma_1", "sampling.sigma_L"):
        form.slider(path).set_trailing(f"{SIGMA_EFF} = {number(spec.sigma_eff(spec.get(path)))}")
    sampling, path = spec.sampling, "sampling.exact_above"
    if path in form.paths():
        form.slider(path).set_trailing("never" if spec.sigma_of_copy(sampling.exact_above) >= sampling.sigma_1 else "")

"""Two settings side by side: chains that were kept as A beside the present ones, B, at the same moment."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QBoxLayout, QPushButton, QWidget

from msd_engine.events.chain_figures import StateFigures
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.mixture.density import FieldPainter
from msd_gui.pages.mixture.play.history import ChainHistory
from msd_gui.pages.mixture.play.player import Player, moment
from msd_gui.pages.mixture.readout import state_at
from msd_gui.theme.tips import wrapped
from msd_gui.views.plane.plane import PlaneView
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Reading, Readings

KEEP, FORGET = "Keep as A", "Forget A"
_EXPLAINED = (
    "Keep these chains as A, and go on: A stays beside the chains of other settings, B, at the same part of the way. "
    "Chain i has the same random numbers in both while the seed is the same."
)
# Figures that change faster cannot be read.
_EVERY_S = 0.1


class Sides(QObject):
    """Keeps chains as A, and shows them beside those of the player.

    Attributes:
        button: Keeps chains as A, and forgets them.
        readings: The settings and the figures in which A and B differ.
        plane: The plane of A; None before the first.
        kept: The chains of A; None for none.
    """

    def __init__(self, page: ResolvedPage, engine: Engine, player: Player, plane: PlaneView, row: QWidget) -> None:
        """Keep nothing yet.

        Args:
            page: Owner of the runner for the density of A.
            engine: Makes the job.
            player: Plays the chains of B.
            plane: The plane of B.
            row: Holds the planes side by side.
        """
        super().__init__(page)
        self._page, self._engine, self._player, self._beside, self._row = page, engine, player, plane, row
        self._fields: FieldPainter | None = None
        self._next_s = 0.0
        self.plane: PlaneView | None = None
        self.kept: ChainHistory | None = None
        self.button = QPushButton(KEEP)
        self.button.setObjectName("mixture.sides")
        self.button.setToolTip(wrapped(_EXPLAINED))
        self.button.setEnabled(False)
        self.button.clicked.connect(self.turn)
        self.readings = Readings("Chains A and B", ("", "A", "B"), wrap=True)
        player.moved.connect(self.show_state)
        plane.view_changed.connect(self._follow)

    @Slot()
    def turn(self) -> None:
        """Keep the present chains as A, or forget A."""
        shown = self._player.buffer.shown
        if self.kept is not None:
            self.forget()
        elif shown.complete:
            self.keep(shown)

    def keep(self, chains: ChainHistory) -> None:
        """Keep chains as A, instead of any that are kept."""
        self.kept = chains
        self.button.setText(FORGET)
        self._open().show()
        self._next_s = 0.0
        self.show_state()

    def forget(self) -> None:
        """Show B alone."""
        self.kept = None
        self.button.setText(KEEP)
        self.readings.set_readings(())
        if self.plane is not None:
            self.plane.hide()
        self.show_state()

    def _open(self) -> PlaneView:
        """Return the plane of A, made at first use."""
        if self.plane is None:
            self.plane = PlaneView()
            self._fields = FieldPainter(self._page, self._engine, self.plane)
            box = self._row.layout()
            assert isinstance(box, QBoxLayout)
            box.insertWidget(0, self.plane, 1)
        return self.plane

    @Slot()
    def show_state(self) -> None:
        """Show A at the moment of B."""
        a, b = self.kept, self._player.buffer.shown
        self.button.setEnabled(a is not None or b.complete)
        if a is None or a.spec is None or b.spec is None or self._player.index < 0:
            return
        if a.spec.data != b.spec.data:
            # Two settings on one target.
            self.forget()
            return
        step = int(b.at(self._player.index).steps[0])
        index = a.index(step if a.total == b.total else round(step / max(1, b.total) * a.total))
        state, plane = a.at(index), self._open()
        learned = a.made is not None and a.made.network is not None
        plane.show_plane(**moment(a, index, self._player.chosen), colour="learned" if learned else "exact")
        assert self._fields is not None
        self._fields.ask(a.spec, float(state.sigma[0]))
        if time.perf_counter() >= self._next_s or (b.complete and step == b.total):
            self._next_s = time.perf_counter() + _EVERY_S
            self.readings.set_readings((*_settings(a, b), *_figures(a, index, b, self._player.index)))

    @Slot(tuple)
    def _follow(self, bounds: tuple[float, float, float, float]) -> None:
        """Show the same part of the plane."""
        if self.plane is not None and self.kept is not None:
            self.plane.set_bounds(bounds)


def _settings(a: ChainHistory, b: ChainHistory) -> tuple[Reading, ...]:
    """Return the settings that differ, one in a row."""
    if a.made is None or b.made is None:
        return ()
    ours, theirs = (replace(one.made, spec=one.spec or one.made.spec).settings() for one in (a, b) if one.made)
    paths = [path for path in {**ours, **theirs} if ours.get(path) != theirs.get(path)]
    return tuple(Reading("", ours.get(path, "–"), theirs.get(path, "–")) for path in paths)


def _figures(a: ChainHistory, at_a: int, b: ChainHistory, at_b: int) -> tuple[Reading, ...]:
    """Return the figures of both states, and the distance of their chains."""
    rows = [Reading("Step", *(f"{int(one.at(at).steps[0]):,} of {one.total:,}" for one, at in ((a, at_a), (b, at_b))))]
    ours, theirs = state_at(a, at_a), state_at(b, at_b)
    if ours is not None and theirs is not None and a.modes is not None and len(a.modes.weights):
        true = a.modes.weights

        def gap(one: StateFigures) -> float:
            return float(np.abs(one.mode_weights - true).max())

        rows.append(Reading("Largest weight error", number(gap(ours), 2), number(gap(theirs), 2)))
        rows.append(Reading("Std within a mode", number(ours.within_std), number(theirs.within_std)))
    if ours is not None and theirs is not None:
        rows.append(Reading("Swelling of y − ȳ", number(ours.residual_inflation), number(theirs.residual_inflation)))
    one, other = a.mean_path(at_a, 1)[-1], b.mean_path(at_b, 1)[-1]
    both = min(len(one), len(other))
    apart = float(np.hypot(*(one[:both] - other[:both]).T).mean())
    rows.append(
        Reading(
            "Mean distance of chain i in A to chain i in B",
            "",
            number(apart, 3),
            "Mean over the chains of the distance between their ȳ in A and B, in data units.",
        )
    )
    return tuple(rows)

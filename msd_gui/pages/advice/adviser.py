"""The advice of a page for its settings, its data and its last sampling."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.events import ChainReport, Explained, Ladder, Quality, Verdicts
from msd_engine.events.verdicts import ALIVE
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.advice.cards import AdviceCards
from msd_gui.pages.advice.findings import Facts
from msd_gui.pages.advice.rules import advise
from msd_gui.session.experiment import Experiment
from msd_gui.session.made import Made

# Number of draws whose pairs estimate the extent of the data.
_DRAWS = 256


class Adviser(QObject):
    """Check settings and facts after each change, and apply chosen remedies, each as one step of undo.

    Attributes:
        requested: Emitted with the request of a card, an `Advice.request`.
    """

    requested = Signal(str)

    def __init__(self, experiment: Experiment, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._experiment = experiment
        self._data = ""
        self.facts = Facts()
        self._made: Made | None = None
        self._now: Made | None = None
        self.cards = AdviceCards()
        self.cards.remedy.connect(self._apply_remedy)
        self.cards.requested.connect(self.requested)
        experiment.changed.connect(self.renew)
        self.renew()

    @Slot()
    def renew(self) -> None:
        """Check again."""
        spec = self._experiment.spec
        if self._data != (data := spec.data.model_dump_json()):
            # The facts belong to other data.
            self._data, self.facts = data, Facts(ladder=self.facts.ladder)
        old = self._made is not None and self._now is not None and self._made.key != self._now.key
        self.cards.set_advice(advise(spec, replace(self.facts, sampled=None) if old else self.facts))

    def set_beside(self, now: Made) -> None:
        """Set the present settings; measurements of chains with other settings do not count."""
        before, self._now = self._now, now
        if before is None or before.key != now.key:
            self.renew()

    @property
    def made(self) -> Made | None:
        """Settings and network of the chains behind the advice; None if unknown, or if the present ones differ."""
        now = self._now
        return self._made if now is not None and self._made is not None and self._made.key == now.key else None

    @Slot(object)
    def set_explained(self, event: Explained | None) -> None:
        """Set the experiment on why the last chains died; None for none."""
        self.facts = replace(self.facts, explained=event)
        self.renew()

    def _begin(self, made: Made | None) -> None:
        """Set the settings of new chains; an experiment on others says nothing about them."""
        if made is None or self._made is None or made.key != self._made.key:
            self.facts = replace(self.facts, explained=None)
        self._made = made

    @Slot(object)
    def set_ladder(self, event: Ladder) -> None:
        """Set the ladder."""
        self.facts = replace(self.facts, ladder=event)
        self.renew()

    def set_verdicts(self, event: Verdicts, made: Made | None) -> None:
        """Set the verdicts on image chains, and their settings."""
        self._begin(made)
        spec = ExperimentSpec.from_json(event.spec_json)
        self._learn(
            spec.data.model_dump_json(),
            replace(
                self.facts,
                dim=event.dim,
                data_std=event.data_std,
                largest_distance=event.data_largest_distance,
                sampled=spec.sampling,
                verdicts=event.verdict,
                shares=tuple(event.shares.tolist()) if event.lived else (),
                true_shares=tuple(event.real_shares.tolist()),
                class_names=event.class_names,
                counted=event.lived,
            ),
        )

    @Slot(object)
    def set_quality(self, event: Quality) -> None:
        """Set measured samples, whose larger number gives better shares of the classes than a few chains."""
        spec = ExperimentSpec.from_json(event.spec_json)
        sampling = self._experiment.spec.sampling
        if spec.sampling.replace("chains", sampling.chains) != sampling or not event.class_names:
            return
        dead = chain.from_iterable([why] * count for why, count in event.dead.items())
        self._begin(self._now)
        facts = replace(
            self.facts,
            sampled=sampling,
            verdicts=(ALIVE,) * event.lived + tuple(dead),
            shares=tuple(event.shares.tolist()),
            true_shares=tuple(event.real_shares.tolist()),
            class_names=event.class_names,
            counted=event.n,
        )
        self._learn(spec.data.model_dump_json(), facts)

    def set_report(self, made: Made, report: ChainReport) -> None:
        """Set the report on chains in the plane, and their settings."""
        self._begin(made)
        spec = made.spec
        facts = replace(
            self.facts,
            sampled=spec.sampling,
            shares=tuple(report.mode_weights.tolist()),
            true_shares=tuple(report.true_weights.tolist()),
            verdicts=_verdicts(report, spec.sampling.chains) if made.network is not None else (),
            counted=round(report.alive * spec.sampling.chains),
            stayed=report.stayed,
            acceptance=report.acceptance,
            score_errors=report.score_errors,
        )
        self._learn(spec.data.model_dump_json(), facts)

    @Slot(str, object)
    def set_data(self, data_json: str, x: NDArray[np.float32]) -> None:
        """Set draws of the data, shape (n, d), with the data spec as JSON."""
        if len(x) < 2:
            return
        few = x[:_DRAWS].astype(np.float64)
        few -= few.mean(0)
        sizes = np.square(few).sum(1)
        # ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b, fast: a dragged mode brings new data many times a second.
        largest = math.sqrt(max(0.0, float((sizes[:, None] + sizes - 2 * few @ few.T).max())))
        std = float(np.sqrt(x.astype(np.float64).var(0).mean()))
        self._learn(data_json, replace(self.facts, dim=x.shape[1], data_std=std, largest_distance=largest))

    def _learn(self, data_json: str, facts: Facts) -> None:
        if data_json == self._data:
            self.facts = facts
            self.renew()

    @Slot(object)
    def _apply_remedy(self, remedy: dict[str, float | int]) -> None:
        self._experiment.set(self._experiment.spec.replace_all(dict(remedy)))


def _verdicts(report: ChainReport, chains: int) -> tuple[str, ...]:
    """Return the verdict on each chain in the plane."""
    lost, off = round((1 - report.alive) * chains), round(report.off * chains) if report.off > 0 else 0
    return ("blew up",) * lost + ("off the data",) * off + (ALIVE,) * (chains - lost - off)

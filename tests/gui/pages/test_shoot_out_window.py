"""The window of the shoot-out: rows as they come, one sentence, files, and a stop that keeps what is there."""

from __future__ import annotations

import itertools

import pytest
from fake_engine import FakeEngine
from PySide6.QtGui import QAction

from msd_engine.events import Finished
from msd_engine.jobs.shoot_out.shoot_out import shoot_out
from msd_engine.specs import load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.mixture.page import MixturePage
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore


def compared(spec, run):
    """Compare with few chains."""
    assert run is None
    return shoot_out(spec.replace("base.sampling.chains", 8), device="cpu")


@pytest.fixture
def clock():
    return ScreenClock()


@pytest.fixture
def opened(qtbot, monkeypatch, clock):
    """Open the window of the page, with jobs that run in place."""
    monkeypatch.setenv(SYNCHRONOUS, "1")

    def make(job=compared, samplers=("langevin", "ode"), budgets="6, 12", seeds="0, 1"):
        actions = {name: QAction(name) for name in ("play", "step", "restart")}
        engine = FakeEngine(shoot_out=job)
        page = MixturePage(Experiment(load_preset("ncsn-toy")), engine, clock, NetworkStore(), actions)
        qtbot.addWidget(page)
        page.shoot_out.open()
        dialog = page.shoot_out.dialog
        qtbot.addWidget(dialog)
        for name, box in dialog.plan.boxes.items():
            box.setChecked(name in samplers)
        dialog.plan.budgets.setText(budgets)
        dialog.plan.seeds.setText(seeds)
        return page, dialog

    return make


def start(dialog, clock):
    dialog.button.click()
    for _ in range(3):
        clock.tick.emit()


def test_rows_come_and_the_last_says_which_is_best(opened, clock):
    page, dialog = opened()
    assert "2 samplers × 2 budgets × 2 seeds, 500 chains each" in dialog.plan.cost.text()
    assert not page.shoot_out.exports()
    assert not dialog.save.isEnabled()
    start(dialog, clock)
    assert dialog.button.text() == "Start"
    assert page.shoot_out.table.seeds == 2
    assert dialog.verdict.text().startswith("With 12 evaluations")
    titles = [dialog.table.item(line, 0).text() for line in range(dialog.table.rowCount())]
    assert titles == ["Langevin", "Probability flow", "Langevin", "Probability flow", "Exact draws"]
    drawn = dialog.chart.plot()
    assert [curve.words for curve in drawn.curves] == ["Langevin", "Probability flow", "Exact draws"]
    dialog.measure.setCurrentIndex(1)
    assert dialog.chart.plot().name == "Largest error of a mode weight"
    assert dialog.save.isEnabled()
    assert [export.suffix for export in page.exports() if export.name == "shoot-out"] == [".svg", ".csv", ".md"]


def test_the_page_says_what_is_compared(opened, clock):
    page, dialog = opened()
    page.experiment.set(page.experiment.spec.replace_all({"training.k": 3, "sampling.step_ratio": 0.4}))
    start(dialog, clock)
    (wanted,) = [one.arguments["spec"] for one in page.engine.requested if one.job == "shoot_out"]
    assert wanted.base.training.k == 3
    assert [one.step_ratio for one in wanted.contenders if one.sampler == "langevin"] == [0.4]
    assert wanted.evaluations == (6, 12)
    assert wanted.seeds == (0, 1)


def test_a_stop_keeps_the_rows(opened, clock):
    def stopped(spec, run):
        return itertools.takewhile(
            lambda event: not isinstance(event, Finished), compared(spec.replace("seeds", (0,)), run)
        )

    page, dialog = opened(stopped)
    start(dialog, clock)
    assert dialog.status.text() == "Stopped after 1 of 2 seeds."
    assert len(page.shoot_out.table.rows) == 4
    assert dialog.button.text() == "Start"


def test_a_plan_that_cannot_be_read_says_why(opened):
    _page, dialog = opened(samplers=())
    assert dialog.plan.cost.text() == "Choose at least one sampler."
    assert not dialog.button.isEnabled()
    dialog.plan.boxes["gibbs"].setChecked(True)
    assert dialog.button.isEnabled()
    dialog.plan.budgets.setText("100, 30")
    assert "rise" in dialog.plan.cost.text()


def test_a_network_is_not_offered_what_it_cannot_do(opened):
    _page, dialog = opened(samplers=("gibbs", "langevin"))
    dialog.plan.show_base(load_preset("ncsn-toy").replace("sampling.source", "trained"))
    assert not dialog.plan.boxes["gibbs"].isEnabled()
    assert "no draws" in dialog.plan.boxes["gibbs"].toolTip()
    assert [one.sampler for one in dialog.plan.value().contenders] == ["langevin"]

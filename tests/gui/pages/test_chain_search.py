"""The button that finds a good chain: its window, its live table, and the chain that is used from it."""

from __future__ import annotations

import numpy as np
import pytest
from fake_engine import FakeEngine
from PySide6.QtCore import Qt

from msd_engine.events import (
    Effect,
    Failed,
    Figure,
    Finalist,
    Finished,
    Ladder,
    Progress,
    Started,
    TuneCost,
    TuneGrid,
    TuneReport,
    TuneRow,
    TuneTable,
)
from msd_engine.specs import load_preset, model_folder, pretrained_for
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.images.page import ImagesPage
from msd_gui.pages.sampling.candidates import HEAD
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore

CONSISTENT = {"sampling.sampler": "consistent", "sampling.levels": 12, "sampling.steps_per_level": 1}
LANGEVIN = {"sampling.sampler": "langevin", "sampling.levels": 4, "sampling.steps_per_level": 3}
JUDGED = (
    TuneRow(3, "drawn", "Consistent 12 × 1", CONSISTENT, 12, 1, 64, "kernel", 0.5, 0.25, 0.75, (0.75, 0.5)),
    TuneRow(0, "known", "Langevin 4 × 3", LANGEVIN, 13, 0, 32, "kernel", 0.9, 0.5, 1.25, (0.9,), survives=False),
    TuneRow(1, "drawn", "Consistent 9 × 1", CONSISTENT | {"sampling.levels": 9}, 9),
)
PICTURES = np.zeros((4, 1, 8, 8), np.float32)


def ladder(spec, run=None):
    levels = np.ones(spec.sampling.levels)
    return [Ladder(levels, levels, np.full(len(levels), 5), levels, spec.sampling.evaluations)]


def found(spec, run):
    yield Started("tune", "nowhere", 100, 0, spec.to_json())
    yield Progress(10, 100, 5.0, 5.0, 2.0, 18.0, "Rung 1 of 2, 32 chains")
    yield TuneTable(JUDGED, 1, (32, 64))
    yield TuneGrid(3, PICTURES)
    figures = (Figure("frechet", "Fréchet distance", 5.5, 4.5, 6.5, 2.0),)
    effects = (
        Effect("sampling.step_ratio", "Step ratio", 0.4, 0.1, 0.7, 24),
        Effect("x", "Ladder", 0.0, -0.1, 0.1, 24),
    )
    finalists = (Finalist(JUDGED[0], 96, figures), Finalist(JUDGED[1], 96, figures))
    yield TuneReport(finalists, effects, spec.base.to_json(), "some features", 149, 148, 96)
    yield Finished(3, 1.0, "The best of 3 chains.")


@pytest.fixture
def clock():
    return ScreenClock()


@pytest.fixture
def show(qtbot, monkeypatch, clock):
    """Show the images page, with jobs that run in place."""
    monkeypatch.setenv(SYNCHRONOUS, "1")
    pages = []

    def make(preset="digits-30s", tune=found):
        engine = FakeEngine(tune=tune, tune_cost=[TuneCost(123_000, 90.0)], ladder=ladder)
        page = ImagesPage(Experiment(load_preset(preset)), engine, clock, NetworkStore())
        qtbot.addWidget(page)
        page.show()
        page.begin()
        clock.tick.emit()
        pages.append(page)
        engine.jobs()
        return page, engine

    yield make
    for page in pages:
        if page.search.dialog is not None:
            page.search.dialog.close()


def opened(page, clock):
    page.search.button.click()
    clock.tick.emit()
    return page.search.dialog


def cell(dialog, line, column):
    return dialog.model.index(line, HEAD.index(column)).data()


def test_the_window_says_how_long_a_search_takes_before_it_begins(show, clock):
    page, engine = show()
    dialog = opened(page, clock)
    assert engine.requested[0].arguments["run"] == model_folder("digits")
    assert engine.jobs() == ["tune_cost"]
    assert "1:30 min" in dialog.cost.text()
    assert "123,000" in dialog.cost.text()
    dialog.evaluations.change_value(60)
    clock.tick.emit()
    assert engine.requested[-1].arguments["spec"].evaluations == 60
    assert not dialog.use.isEnabled()


def test_the_table_lives_and_the_best_chain_is_used_in_one_step(show, clock):
    page, engine = show()
    dialog = opened(page, clock)
    before = page.experiment.spec
    dialog.evaluations.change_value(60)
    dialog.candidates.change_value(7)
    dialog.plan.setCurrentIndex(0)
    dialog.button.click()
    clock.tick.emit()
    wanted = engine.requested[-1].arguments["spec"]
    assert (wanted.evaluations, wanted.candidates, wanted.rungs) == (60, 7, (64, 128))
    assert wanted.base == before
    assert [cell(dialog, line, "Chain") for line in range(3)] == [row.words for row in JUDGED]
    assert cell(dialog, 0, "Distance") == "0.5"
    assert cell(dialog, 0, "95 % interval") == "0.25 to 0.75"
    assert cell(dialog, 2, "Distance") == "–"
    assert dialog.model.index(1, 0).data(Qt.ItemDataRole.FontRole).italic()
    assert dialog.grid.tiling() is not None
    assert dialog.status.text() == "The best of 3 chains."
    assert "5.5 (4.5 to 6.5)" in dialog.report.text()
    assert "Step ratio (40%)" in dialog.report.text()
    assert "Unclear: Ladder" in dialog.report.text()
    dialog.use.click()
    now = page.experiment.spec
    assert (now.sampling.sampler, now.sampling.levels) == ("consistent", 12)
    assert now.sampling.chains == before.sampling.chains
    assert now.replace("sampling", before.sampling) == before
    page.experiment.undo()
    assert page.experiment.spec == before


def test_another_line_can_be_used_and_stays_chosen_while_the_table_changes(show, clock):
    page, _ = show()
    dialog = opened(page, clock)
    dialog.button.click()
    clock.tick.emit()
    dialog.table.selectRow(1)
    dialog.show_table(TuneTable((JUDGED[2], JUDGED[0], JUDGED[1]), 1, (32, 64)))
    assert dialog.chosen_number() == JUDGED[1].number
    dialog.use.click()
    assert page.experiment.spec.sampling.sampler == "langevin"


def test_a_chain_of_another_network_is_not_used(show, clock):
    page, _ = show()
    dialog = opened(page, clock)
    dialog.button.click()
    clock.tick.emit()
    assert dialog.use.isEnabled()
    other = load_preset("mnist-2min")
    page.load(other)
    assert page.resolved.run == model_folder(pretrained_for(other).name)
    assert not dialog.use.isEnabled()
    assert "another network" in dialog.use.toolTip()


def test_a_failure_is_said_in_the_window_and_the_next_search_can_begin(show, clock):
    page, _ = show(tune=[Failed("The journal cannot be read.")])
    received = []
    page.failed.connect(lambda text, _details: received.append(text))
    dialog = opened(page, clock)
    dialog.button.click()
    clock.tick.emit()
    assert dialog.status.text() == received[0] == "The journal cannot be read."
    assert dialog.button.text() == "Search"
    assert dialog.button.isEnabled()


def test_without_a_network_the_button_says_what_is_missing(show):
    page, _ = show("digits-exact")
    assert not page.search.button.isEnabled()
    assert "trained" in page.search.button.toolTip()

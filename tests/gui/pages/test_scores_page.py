"""The scores page alone: panels, curves and table follow the events; settings and command follow the form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fake_engine import FakeEngine

from msd_engine.events import (
    Finished,
    ScoreCurves,
    ScoreFields,
    ScoreRow,
    ScoreTable,
    ScoreTruth,
    Started,
)
from msd_engine.events.scores.copies import CHANGES, CopiesTested
from msd_engine.events.scores.table import PLACES, Spread
from msd_engine.specs import load_preset
from msd_engine.specs.scores.contenders import BY_FUSION, CONTENDERS
from msd_engine.specs.scores.spec import USUAL, shown_in_figure, usual_base
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.scores.page import ScoresPage
from msd_gui.session.experiment import Experiment
from msd_gui.views.base.colour_maps import colour_of

SIDE, SEEDS = 6, 2
TEXT = "Where the data are, Denoising is nearest to the exact score."


def grid():
    ticks = (np.arange(SIDE) + 0.5) / SIDE * 4 - 2
    return np.stack([np.tile(ticks, SIDE), np.repeat(ticks, SIDE)], 1).astype(np.float32)


def exact():
    return -grid()


def learned(number):
    """Scores that miss the exact one by (number, 0) everywhere."""
    return exact() + np.array([number, 0], np.float32)


def row(name, number):
    spread = Spread(0.1 + number, number, 0.2 + number)
    by_seed = {key: {0: 0.1, 1: 0.1} for key in PLACES}
    return ScoreRow(name, name.title(), name == "explicit", 10, dict.fromkeys(PLACES, spread), by_seed, 1.5, 0)


def events(spec):
    names = spec.contenders
    shape = (len(names), len(PLACES), 3)
    mean = np.broadcast_to(np.arange(1.0, len(names) + 1)[:, None, None], shape) * np.array([3.0, 2.0, 1.0])
    mean = mean * np.array([1.0, 2.0, 3.0, 4.0])[:, None]
    ring = np.stack([np.cos(np.linspace(0, 6.3, 30)), np.sin(np.linspace(0, 6.3, 30))], 1).astype(np.float32)
    yield Started("scores", "nowhere", spec.total_steps, 0, spec.to_json())
    region = (np.arange(SIDE**2) % 3).astype(np.int8)
    log_p = -np.square(grid()).sum(1).reshape(SIDE, SIDE) / 2
    yield ScoreTruth(0.3, 0.3, (-2.0, 2.0, -2.0, 2.0), grid(), log_p, exact(), region, (ring,), grid()[:5])
    yield ScoreFields(1, 10, names, np.stack([learned(number) for number in range(len(names))]))
    yield ScoreCurves(names, np.array([0, 5, 10]), mean, 0.9 * mean, 1.1 * mean)
    if spec.base.training.k > 1:
        moved = np.broadcast_to(np.arange(len(names))[:, None, None] + np.arange(3.0)[:, None], (len(names), 3, 3))
        yield CopiesTested(names, np.array([0, 5, 10]), np.arange(3) / 10, moved, moved - 0.1, moved + 0.1)
    yield ScoreTable(tuple(row(name, number) for number, name in enumerate(names)), SEEDS, TEXT)
    yield Finished(10, 1.0, TEXT)


@pytest.fixture
def page(qtbot, monkeypatch):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    engine, clock = FakeEngine(scores=events), ScreenClock()
    page = ScoresPage(Experiment(usual_base(load_preset("two-gaussians"))), engine, clock)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    page.begin()
    return page


def start(page):
    page.act("train")
    page.clock.tick.emit()
    page.clock.tick.emit()


def vectors(page, name):
    return page.shown.panels[name].plot().vectors


def test_before_the_first_comparison_there_is_a_placeholder_and_nothing_to_export(page):
    assert page.exports() == []
    assert page.can("train")
    assert not page.can("stop")
    assert page.shown.placeholder.currentWidget() is page.shown.placeholder.placeholder


def test_the_panels_show_exact_learned_and_difference_of_the_chosen_objective(page):
    start(page)
    np.testing.assert_array_equal(vectors(page, "Exact"), exact())
    for number, name in enumerate(USUAL):
        page.shown.table.cellClicked.emit(number, 0)
        assert page.shown.objective.currentData() == name
        np.testing.assert_array_equal(vectors(page, "Learned"), learned(number))
        np.testing.assert_allclose(vectors(page, "Difference"), np.full((SIDE**2, 2), (number, 0)), atol=1e-6)
    assert {panel.plot().unit for panel in page.shown.panels.values()} == {page.shown.panels["Exact"].plot().unit}
    assert page.shown.moment.text() == "seed 1, step 10"


def test_scores_are_drawn_as_arrows_or_as_a_map(page):
    start(page)
    pictures = set()
    for style in ("arrows", "map"):
        page.shown.style_box.setCurrentIndex(page.shown.style_box.findData(style))
        assert {panel.plot().style for panel in page.shown.panels.values()} == {style}
        pictures.add(bytes(page.shown.panels["Learned"].grab().toImage().constBits()))
    assert len(pictures) == 2


def test_the_curves_are_those_of_the_chosen_place_with_intervals(page):
    start(page)
    for number, place in enumerate(PLACES, start=1):
        page.shown.place.setCurrentIndex(page.shown.place.findData(place))
        curves = page.shown.curves.plot().curves
        (ncsn,) = (curve for curve in curves if curve.words == "NCSN")
        assert ncsn.y.tolist() == [6.0 * number, 4.0 * number, 2.0 * number]
        # The chosen objective alone has a band, at the back.
        assert [curve.low is None for curve in curves] == [False] + [True] * (len(USUAL) - 1)
        assert curves[0].words == page.shown.objective.currentText()
        assert curves[0].low.tolist() == pytest.approx([2.7 * number, 1.8 * number, 0.9 * number])
    # The bound knows the truth and is drawn apart.
    assert {curve.words for curve in curves if curve.style == "dash"} == {"Explicit"}
    assert len({colour_of(page.shown.curves.colours, curve.colour) for curve in curves}) == len(USUAL)


def test_all_contenders_together_have_colours_of_their_own(page):
    page.form.copies_test.click()
    page.form.choose(dict.fromkeys(CONTENDERS, True), "0")
    start(page)
    curves = page.shown.curves.plot().curves
    assert len({colour_of(page.shown.curves.colours, curve.colour) for curve in curves}) == len(CONTENDERS)


def test_the_copies_test_is_chosen_by_one_button_and_plotted_beside_the_exact_change(page):
    start(page)
    places = [page.shown.place.itemData(at) for at in range(page.shown.place.count())]
    assert places == list(PLACES)
    page.form.copies_test.click()
    assert page.experiment.spec.training.k == 4
    assert page.form.value().contenders == BY_FUSION
    start(page)
    for number, change in enumerate(CHANGES):
        page.shown.place.setCurrentIndex(page.shown.place.findData(change))
        curves = {curve.words: curve for curve in page.shown.curves.plot().curves}
        assert len(curves) == 4
        np.testing.assert_array_equal(curves["exact"].y, [number / 10] * 3)
        np.testing.assert_array_equal(curves["Fusion (set)"].y, [2 + number, 2 + number, 2 + number])
        assert list(page.shown.columns())[-1] == "exact"
    assert {export.name for export in page.exports()} >= {"copies-test"}
    page.experiment.set(page.experiment.spec.replace("training.k", 1))
    assert "at least 2" in page.form.cost.text()
    page.form.choose({"mse": True}, "0")
    start(page)
    assert page.shown.place.currentData() in PLACES
    assert page.shown.place.count() == len(PLACES)


def test_the_table_ends_in_the_sentence(page):
    start(page)
    assert page.shown.table.rowCount() == len(USUAL)
    assert page.shown.table.item(1, 1).text() == "1.100 ×÷ 1.09"
    assert page.shown.verdict.text() == TEXT
    assert page.shown.verdict.isVisible()
    assert len(page.exports()) == 5
    assert "NCSN, low" in page.shown.columns()


def test_objectives_and_seeds_of_the_form_are_those_of_the_job(page):
    for name, box in page.form.boxes.items():
        box.setChecked(name in ("ncsn", "implicit"))
    page.form.seeds.setText("4, 2")
    page.form.fields.control("training.steps").change_value(700)
    assert page.form.cost.text().startswith("2 objectives × 2 seeds × 700 steps")
    start(page)
    (wanted,) = page.engine.requested
    spec = wanted.arguments["spec"]
    assert (spec.contenders, spec.seeds, spec.base.training.steps) == (("ncsn", "implicit"), (4, 2), 700)
    line = page.command()
    assert line.startswith("msd scores --preset two-gaussians --objectives ncsn,implicit --seeds 4,2")
    assert "--training.steps 700" in line
    assert page.shown.objective.count() == 2


def test_settings_that_cannot_be_compared_are_told_and_do_not_start(page):
    page.form.seeds.setText("one")
    assert "whole numbers" in page.form.cost.text()
    assert page.form.cost.property("role") == "error"
    assert not page.can("train")
    page.form.seeds.setText("1")
    for box in page.form.boxes.values():
        box.setChecked(False)
    assert page.form.cost.text() == "Choose at least one objective."
    page.form.boxes["mse"].setChecked(True)
    assert page.can("train")


def test_undo_restores_the_settings(page):
    before = page.experiment.spec
    page.form.fields.control("data.name").change_value("ring-8")
    assert page.experiment.spec.data.name == "ring-8"
    page.experiment.undo()
    assert page.experiment.spec == before
    assert page.form.fields.value() == before


def test_a_preset_is_loaded_with_the_network_of_comparisons(page):
    page.load(load_preset("grid-25"))
    spec = page.experiment.spec
    assert spec.data.name == "grid-25"
    assert (spec.network.width, spec.training.form, spec.training.k) == (64, "score", 1)
    page.experiment.set(spec.replace("training.k", 2))
    page.experiment.reset()
    assert page.experiment.spec == spec


def test_a_figure_of_the_papers_begins_at_once_with_its_objective_alone(page):
    preset = load_preset("poster-figure-2")
    page.load(preset)
    (wanted,) = page.engine.requested
    assert wanted.arguments["spec"] == shown_in_figure(preset)
    assert wanted.arguments["spec"].contenders == ("sliced-vr",)
    assert page.experiment.spec == preset
    page.clock.tick.emit()
    page.clock.tick.emit()
    assert page.shown.objective.currentText() == "Sliced (less variance)"
    assert page.command() == "msd scores --preset poster-figure-2 --objectives sliced-vr --seeds 0"
    assert next(one.label for one in page.exports()) == "Figure of the papers"
    page.form.fields.control("data.name").change_value("ring-8")
    assert page.experiment.preset == ""


def test_a_figure_opened_before_the_engine_waits_for_it(page):
    page.engine.ready = False
    page.load(load_preset("poster-figure-2"))
    assert page.engine.jobs() == []
    page.engine.ready = True
    page.begin()
    page.begin()
    assert page.engine.jobs() == ["scores"]
    page.clock.tick.emit()
    page.clock.tick.emit()


def test_unknown_figures_are_dashes(page):
    start(page)
    lone = ScoreRow(
        "mse", "Squared error", False, 10, dict.fromkeys(PLACES, Spread()), {key: {} for key in PLACES}, math.nan, 2
    )
    page.shown.show_table(ScoreTable((lone,), 0, ""))
    assert [page.shown.table.item(0, column).text() for column in range(1, 6)] == ["–"] * 5
    assert not page.shown.verdict.isVisible()
    assert "2 of its trainings failed" in page.shown.table.item(0, 0).toolTip()

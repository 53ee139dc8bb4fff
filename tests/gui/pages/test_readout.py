"""The figures beside the plane follow the playhead: shares, spread, swelling and living chains of the state shown."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fake_engine import FakeEngine
from PySide6.QtGui import QAction

from msd_engine.events import ChainReport, ChainSegment, Modes, ScoreErrors
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.mixture.figures import WRONG, chain_readings, state_readings
from msd_gui.pages.mixture.page import MixturePage
from msd_gui.pages.mixture.play.history import ChainHistory
from msd_gui.pages.mixture.readout import MOST_CHAINS, state_at
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore
from msd_gui.session.rules import method_rule


@pytest.fixture
def clock():
    return ScreenClock()


@pytest.fixture
def page(qtbot, monkeypatch, clock):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    actions = {name: QAction(name) for name in ("play", "step", "restart")}
    engine = FakeEngine(sample=lambda spec, run, beside: sample(spec))
    made = MixturePage(Experiment(load_preset("ncsn-toy")), engine, clock, NetworkStore(), actions)
    qtbot.addWidget(made)
    made.show()
    made.begin()
    for _ in range(50):
        clock.tick.emit()
    made.player.playhead.playing = False
    return made


def shown(page, clock, step):
    page.timeline._go(step)
    for _ in range(3):
        clock.tick.emit()
    return {name: (value, expected) for name, value, expected in page.readings.texts()}


def test_scrubbing_shows_the_figures_of_the_step_and_theory_at_the_end_alone(page, clock):
    history = page.player.buffer.shown
    assert history.complete
    for step in (0, 92, 500, 999, 1000, 92):
        rows, figures = shown(page, clock, step), state_at(history, history.index(step))
        np.testing.assert_allclose(page.weights.plot().values, figures.mode_weights, atol=1e-4)
        assert float(rows["Swelling of y − ȳ"][0]) == pytest.approx(figures.residual_inflation, rel=0.01)
        assert float(rows["Std within a mode"][0]) == pytest.approx(figures.within_std, rel=0.01)
        ended = step == 1000
        assert page.chains_heading.text() == ("Chains at their end" if ended else f"Chains at step {step} of 1000")
        assert bool(rows["Std within a mode"][1]) == ended
        assert bool(rows["Swelling of y − ȳ"][1]) == ended
        assert (rows["Keep their mode"][0] == "at the end") != ended


def test_shares_settle_while_chains_come_down_the_ladder(page, clock):
    gaps = [float(shown(page, clock, step)["Largest weight error"][0]) for step in (0, 300, 1000)]
    stds = [float(shown(page, clock, step)["Std within a mode"][0]) for step in (0, 1000)]
    assert max(gaps) < 0.2
    assert stds[0] > stds[1]


def test_past_the_wall_the_living_chains_are_those_of_the_step(page, clock):
    home = page.plane.bounds()
    page.experiment.set(page.experiment.spec.replace("sampling.step_ratio", 5.5))
    for _ in range(50):
        clock.tick.emit()
    page.player.playhead.playing = False
    living = [shown(page, clock, step)["Surviving chains"][0] for step in (0, 1000)]
    assert living == ["100 %", "0 %"]
    assert page.plane.bounds()[1] > 1e6
    assert page.plane.plot().lost.all()
    page.experiment.undo()
    for _ in range(50):
        clock.tick.emit()
    assert page.plane.bounds() == pytest.approx(home)
    assert not page.plane.plot().lost.any()


def test_of_very_many_chains_the_first_are_enough_on_the_way():
    chains = 3 * MOST_CHAINS
    spec = load_preset("ncsn-toy").replace_all({"sampling.chains": chains, "sampling.levels": 2})
    history = ChainHistory(spec.to_json())
    for event in sample(spec):
        if isinstance(event, ChainSegment):
            history.append(event)
        elif isinstance(event, Modes):
            history.modes = event
    assert state_at(history, 0).chains == MOST_CHAINS


def report(**fields):
    *_, received = (event for event in sample(load_preset("ncsn-toy")) if isinstance(event, ChainReport))
    return ChainReport(**{**vars(received), **fields})


@pytest.mark.parametrize(
    ("r_hat", "words", "severity"),
    [
        (10.65, "R-hat: not mixed", "error"),
        (1.02, "R-hat: not mixed", "error"),
        (1.004, "R-hat: mixed", ""),
        (math.nan, "R-hat, second half", ""),
    ],
)
def test_r_hat_of_chains_at_fixed_noise_comes_with_words(r_hat, words, severity):
    spec = load_preset("ncsn-toy")
    spec = spec.replace_all(method_rule(spec, "fixed") | {"sampling.method": "fixed"})
    rows = chain_readings(report(r_hat=np.array([1.0, r_hat])), spec.sampling)
    (row,) = [row for row in rows if row.name.startswith("R-hat")]
    assert (row.name, row.expected, row.severity) == (words, "< 1.01", severity)


@pytest.mark.parametrize("preset", ["two-gaussians", "ring-8"])
def test_good_annealed_chains_show_no_r_hat_and_nothing_in_red(preset):
    spec = load_preset(preset)
    *_, received = (event for event in sample(spec) if isinstance(event, ChainReport))
    rows = chain_readings(received, spec.sampling)
    assert not [row.name for row in rows if "R-hat" in row.name]
    # Weights go beyond what is expected in one of twenty samplings.
    assert not [row.name for row in rows if row.severity and row.name != "Largest weight error"]
    values = {row.name: (row.value, row.expected) for row in rows}
    n = str(spec.sampling.chains)
    assert values["Independent samples"] == (n, n)
    assert values["Keep their mode"][0].endswith(" %")
    # The figure that would alarm: chains in separated modes must have it, exact or not.
    assert np.max(received.r_hat) > 1.1 or received.stayed < 0.9


def test_after_a_blow_up_no_figure_that_is_missing_is_red():
    spec = load_preset("ncsn-toy").replace("sampling.step_ratio", 5.5)
    *_, received = (event for event in sample(spec) if isinstance(event, ChainReport))
    (row,) = [row for row in chain_readings(received, spec.sampling) if row.name == "Swelling of y − ȳ"]
    assert math.isnan(received.residual_inflation)
    assert (row.value, row.severity) == ("–", "")


def test_wrong_weights_are_marked_at_the_end(page):
    sampling = load_preset("ncsn-toy").sampling
    for shares, severity in (((0.8, 0.2), ""), ((0.5, 0.5), "error")):
        rows = chain_readings(report(mode_weights=np.array(shares)), sampling)
        assert [row.severity for row in rows if row.name == "Largest weight error"] == [severity]


def test_the_rows_keep_their_places_on_the_way(page):
    history = page.player.buffer.shown
    on_the_way = state_readings(state_at(history, 0), history.modes.weights, history.spec.sampling)
    at_the_end = chain_readings(history.report, history.spec.sampling)
    assert [row.name for row in on_the_way] == [row.name for row in at_the_end]


def test_the_error_of_a_learned_score_is_shown_at_its_worst_level(page):
    history = page.player.buffer.shown
    by_level = np.array([0.1, 0.53, 0.2])
    found = ScoreErrors(
        np.array([9.0, 3.0, 1.0]), np.arange(3), by_level, np.full((3, 3), (0.7, 0.2, 0.1)), np.ones((3, 3)), (0.1, 9.0)
    )
    learned = history.spec.sampling.replace("source", "trained")
    (row,) = [row for row in chain_readings(report(score_errors=found), learned) if row.name == WRONG]
    assert (row.value, row.expected) == ("53 %", "0 %")
    for words in ("level 2", "σ/√k = 3", "70 % of the states inside", "20 % between", "10 % outside"):
        assert words in row.help
    (row,) = [row for row in chain_readings(report(), learned) if row.name == WRONG]
    assert row.value == "–"
    on_the_way = state_readings(state_at(history, 0), history.modes.weights, learned)
    at_the_end = chain_readings(report(score_errors=found), learned)
    assert [row.name for row in on_the_way] == [row.name for row in at_the_end]
    assert WRONG not in [row.name for row in chain_readings(report(), history.spec.sampling)]


@pytest.mark.parametrize("method", ["annealed", "fixed"])
def test_copies_in_turn_give_one_sample_each_and_no_mixing(page, method):
    history = page.player.buffer.shown
    wanted = history.spec.sampling.model_copy(update={"sampler": "accumulated", "method": method})
    at_the_end = chain_readings(report(r_hat=np.array([4.0, 4.0])), wanted)
    names = [row.name for row in at_the_end]
    assert "Independent samples" in names
    assert not [name for name in names if "R-hat" in name or "Keep" in name or "Effective" in name]
    assert not [row.name for row in at_the_end if row.severity and row.name != "Largest weight error"]
    on_the_way = state_readings(state_at(history, 0), history.modes.weights, wanted)
    assert [row.name for row in on_the_way] == names

"""The part of the form about the way down the ladder: what each sampler uses, its figures, and the proposal."""

from __future__ import annotations

import numpy as np
import pytest
from hands import WAIT_MS
from PySide6.QtCore import QPointF

from msd_engine.events import Ladder
from msd_engine.specs import load_preset
from msd_engine.specs.tables.samplers import OWN_FIELDS, TRAITS
from msd_gui.session.rules import sampler_rule, source_rule
from msd_gui.views.curves.swelling import SwellingView

SAMPLERS = tuple(TRAITS)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("method", ["annealed", "fixed"])
def test_a_sampler_brings_along_what_it_needs(sampler, method):
    spec = load_preset("ncsn-toy").replace_all(
        {"sampling.method": method, "sampling.levels": 1, "sampling.source": "trained"}
    )
    chosen = spec.replace_all({"sampling.sampler": sampler, **sampler_rule(spec, sampler)})
    assert chosen.sampling.sampler == sampler
    back = chosen.replace_all({"sampling.source": "trained", **source_rule(chosen, "trained")})
    assert back.sampling.source == "trained"


def test_every_sampler_runs_from_the_list_and_only_its_own_fields_are_open(qtbot, window):
    page = window.pages["mixture"]
    small = {"sampling.chains": 5, "sampling.levels": 3, "sampling.steps_per_level": 4}
    page.experiment.set(page.experiment.spec.replace_all(small))
    ratio = 0.123
    page.form.slider("sampling.step_ratio").change_value(ratio)
    for sampler in SAMPLERS[::-1]:
        page.form.control("sampling.sampler").change_value(sampler)
        sampling = page.experiment.spec.sampling
        qtbot.waitUntil(
            lambda: page.samples is not None and page.samples.spec_json == page.experiment.spec.to_json(),
            timeout=WAIT_MS,
        )
        assert page.report.alive == 1
        assert page.timeline.total() == sampling.total_steps
        is_open = {path: page.form.control(path).isEnabled() for path in page.form.paths()}
        shown = {name for name in OWN_FIELDS if page.form.control(f"sampling.{name}").isVisibleTo(page.form)}
        assert shown == set(sampling.traits.own)
        assert all(is_open[f"sampling.{name}"] for name in shown)
        assert is_open["sampling.method"] == (
            sampler in ("langevin", "underdamped", "gibbs", "metropolis", "accumulated")
        )
        assert not is_open["sampling.rho"]
        marked = page.form.slider("sampling.step_ratio").marker() is not None
        assert marked == (sampler in ("langevin", "underdamped", "predictor-corrector", "accumulated"))
        assert f"{sampling.evaluations:,} evaluations" in page.ladder_controls.caption.text()
    # The list ends with Langevin dynamics again: its step is the one from before the samplers without a step.
    assert sampling.step_ratio == ratio
    page.form.slider("sampling.step_ratio").change_value(3.0)
    assert any(advice.title == "Past the wall" for advice in page.adviser.cards.advice)
    page.form.control("sampling.sampler").change_value("consistent")
    assert not any(advice.title == "Past the wall" for advice in page.adviser.cards.advice)


@pytest.mark.parametrize("name", ["mixture", "images"])
def test_a_ladder_that_is_too_coarse_is_reported_by_a_card_that_fixes_it(qtbot, window, name):
    page = window.pages[name]
    window.show_page(name)
    qtbot.waitUntil(lambda: page.ladder_controls.button.isEnabled(), timeout=WAIT_MS)
    coarse = {"sampling.sampler": "underdamped", "sampling.friction": 100.0, "sampling.levels": 3}
    page.experiment.set(page.experiment.spec.replace_all(coarse | {"sampling.steps_per_level": 1}))

    def titles():
        return [advice.title for advice in page.adviser.cards.advice]

    known = ("Too few steps per level", "Ladder too coarse")
    qtbot.waitUntil(lambda: any(title in known for title in titles()), timeout=WAIT_MS)
    for _ in range(3):
        found = [advice for advice in page.adviser.cards.advice if advice.title in known]
        if not found:
            break
        page.adviser.cards.remedy.emit(dict(found[0].remedy))
        fixed = page.experiment.spec
        qtbot.waitUntil(lambda wanted=fixed: len(page.adviser.facts.ladder.sigma) == wanted.sampling.levels)
        qtbot.waitUntil(lambda wanted=fixed: page.adviser.facts.ladder.steps[0] == wanted.sampling.steps_per_level)
    assert not any(title in known for title in titles())


@pytest.mark.parametrize("name", ["mixture", "images"])
def test_the_data_propose_a_ladder_and_undo_takes_it_back(qtbot, window, name):
    page = window.pages[name]
    window.show_page(name)
    qtbot.waitUntil(lambda: page.ladder_controls.button.isEnabled(), timeout=WAIT_MS)
    before = page.experiment.spec
    page.ladder_controls.button.click()
    qtbot.waitUntil(lambda: page.experiment.spec != before and page.ladder_controls.button.isEnabled(), timeout=WAIT_MS)
    after = page.experiment.spec
    assert after.replace("sampling", before.sampling) == before
    assert after.sampling.levels != before.sampling.levels
    qtbot.waitUntil(
        lambda: f"{after.sampling.evaluations:,} evaluations" in page.ladder_controls.caption.text(), timeout=WAIT_MS
    )
    window.commands["undo"].trigger()
    assert page.experiment.spec == before


def test_the_view_of_the_ladder_reports_each_level_and_keeps_a_scale_that_holds_it(qtbot):
    view = SwellingView()
    qtbot.addWidget(view)
    view.resize(260, 54)
    for ratio in (np.array([1.0, 1.1, 1.12]), np.array([9.0, 2.0, 1.0]), np.array([np.inf, np.nan, 1.0])):
        view.set_levels(np.array([4.0, 2.0, 1.0]), ratio)
        low, high = view.limits()
        assert low < 1 < high <= 4
        assert not view.grab().isNull()
    assert "level 3, σ = 1" in view.tip_at(QPointF(view.width() - 10, 9))
    assert view.tip_at(QPointF(3, 9)) == ""


def test_a_ladder_that_blows_up_is_reported_as_infinite(qtbot, window):
    ladder_controls = window.pages["mixture"].ladder_controls
    sigma = np.array([2.0, 1.0])
    ladder_controls.show_ladder(Ladder(sigma, sigma, np.array([5, 5]), np.array([1.0, 1e30]), 11))
    assert "∞" in ladder_controls.caption.text()


def test_the_noise_above_which_the_images_take_over_belongs_to_networks(window):
    page = window.pages["images"]
    path = "sampling.exact_above"
    page.experiment.set(load_preset("mnist-2min").replace(path, 2.0))
    assert page.form.control(path).isEnabled()
    assert page.form.slider(path).trailing() == ""
    page.experiment.set(page.experiment.spec.replace(path, 50.0))
    assert page.form.slider(path).trailing() == "never"
    page.experiment.set(page.experiment.spec.replace("sampling.source", "exact"))
    assert not page.form.control(path).isEnabled()

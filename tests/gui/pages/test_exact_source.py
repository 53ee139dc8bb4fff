"""The exact score on the images page: chains without a network, by the button, by the control or by a preset."""

from __future__ import annotations

import numpy as np
import pytest
from hands import SMALL_CHAINS, WAIT_MS

from msd_engine.metrics.features import classifier
from msd_engine.specs import load_preset

FIRST_PAGE = "images"


@pytest.fixture
def page(qtbot, window):
    page = window.pages["images"]
    window.show_page("images")
    page.experiment.set(page.experiment.spec.replace_all(SMALL_CHAINS))
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    return page


def drawn(qtbot, page):
    qtbot.waitUntil(lambda: page.gallery.samples is not None and not page.running, timeout=WAIT_MS)
    return page.gallery.samples.x_hat


def test_a_pretrained_network_draws_at_once(qtbot, page):
    assert page.can("sample")
    page.gallery.requested.emit()
    assert drawn(qtbot, page).shape == (5, 1, 8, 8)
    assert page.experiment.spec.sampling.source == "trained"
    assert not page.trainer.has_weights
    assert page.network.network.k == page.experiment.spec.training.k
    assert not page.can("resume")
    assert page.command().startswith("msd sample --preset digits-30s")
    page.act("sample")
    assert page.experiment.spec.sampling.seed == 1


def test_the_button_in_the_empty_grid_draws_without_any_network(qtbot, window, page):
    # No network ships for these pictures.
    page.load(load_preset("digits-30s").replace_all({**SMALL_CHAINS, "data.name": "shapes"}))
    assert not page.can("sample")
    assert page.card.isVisible()
    page.card.press([remedy.label for remedy in page.card.problem.remedies].index("Use the exact score"))
    page.gallery.requested.emit()
    assert page.experiment.spec.sampling.source == "exact"
    assert page.form.control("sampling.source").value() == "exact"
    assert drawn(qtbot, page).shape == (5, *page.experiment.spec.data.shape)
    assert page.command().startswith("msd sample --preset ")
    assert "exact" in page.command()
    window.commands["undo"].trigger()
    assert page.experiment.spec.sampling.source == "trained"
    assert not page.can("sample")
    assert "No network for " in window.commands["sample"].toolTip()


def test_copies_and_data_renew_exact_chains_at_once(qtbot, page):
    page.form.control("sampling.source").change_value("exact")
    page.act("sample")
    before = drawn(qtbot, page)
    page.form.slider("training.k").change_value(2)
    qtbot.waitUntil(lambda: page.gallery.samples.y.shape[1] == 2, timeout=WAIT_MS)
    page.form.slider("data.limit").change_value(3)
    qtbot.waitUntil(
        lambda: not page.running and not np.array_equal(page.gallery.samples.x_hat, before), timeout=WAIT_MS
    )


def test_a_preset_with_the_exact_score_draws_by_itself(qtbot, page):
    page.load(load_preset("digits-exact").replace_all(SMALL_CHAINS))
    assert drawn(qtbot, page).shape == (5, 1, 8, 8)
    seed = page.experiment.spec.sampling.seed
    page.act("sample")
    assert page.experiment.spec.sampling.seed == seed + 1


def test_chains_of_other_data_do_not_stand_beside_the_settings(qtbot, window, page):
    page.act("sample")
    drawn(qtbot, page)
    assert page.survival.by_setting
    before = page.experiment.spec
    page.form.control("data.name").change_value("shapes")
    assert page.gallery.samples is None
    assert page.gallery.images() is None
    assert not page.survival.by_setting
    assert not page.judging.isVisibleTo(page)
    assert page.gallery._place.currentWidget() is page.gallery._place.placeholder
    assert "exact score" in page.gallery._place.placeholder.sentence()
    assert not [export for export in page.exports() if export.name == "grid"]
    window.commands["undo"].trigger()
    assert page.experiment.spec == before
    page.act("sample")
    drawn(qtbot, page)


def test_missing_images_are_reported_and_the_page_lives(qtbot, window, page):
    page.load(load_preset("digits-exact").replace_all({**SMALL_CHAINS, "data.name": "mnist"}))
    qtbot.waitUntil(lambda: bool(window.messages.errors()), timeout=WAIT_MS)
    assert "msd download mnist" in window.messages.errors()[0]
    page.load(load_preset("digits-exact").replace_all(SMALL_CHAINS))
    drawn(qtbot, page)


def test_no_chain_of_other_data_comes_late(qtbot, page):
    page.load(load_preset("digits-exact").replace_all(SMALL_CHAINS | {"sampling.steps_per_level": 400}))
    qtbot.waitUntil(lambda: page.gallery.latest is not None and page.chains.running, timeout=WAIT_MS)
    page.form.control("sampling.source").change_value("trained")
    page.form.control("data.name").change_value("mnist")
    assert page.gallery.latest is None
    # The network of the other data draws at once.
    qtbot.waitUntil(lambda: page.gallery.latest is not None, timeout=WAIT_MS)
    assert page.gallery.latest.x_hat.shape == (5, 1, 28, 28)
    page.do_stop()
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.gallery.latest.x_hat.shape == (5, 1, 28, 28)


def test_the_yield_stands_over_the_grid_and_dead_chains_are_marked_with_the_reason(qtbot, page, monkeypatch):
    # Of another recipe none ships.
    monkeypatch.setitem(classifier._RECIPES, "digits", classifier.Recipe(passes=2, batch=64))
    page.load(load_preset("digits-exact").replace_all(SMALL_CHAINS))
    drawn(qtbot, page)
    assert page.gallery.verdicts.lived == 5
    assert page.gallery._lived.text() == "5 of 5 survived (by pixels alone)"
    assert "first measured" in page.gallery._lived.toolTip()
    wild = {"sampling.step_ratio": 3.0, "sampling.steps_per_level": 60}
    page.experiment.set(page.experiment.spec.replace_all(wild))
    qtbot.waitUntil(lambda: page.gallery.verdicts is not None and page.gallery.verdicts.lived == 0, timeout=WAIT_MS)
    assert page.gallery.grid._dead == dict.fromkeys(range(5), "blew up")
    assert sorted(page.survival.by_setting.values()) == [(0, 5), (5, 5)]
    assert [row[1] for row in page.survival.table.texts()] == ["0 (0 %)", "5 (100 %)"]
    page.gallery.go(-5)
    assert page.gallery.grid._dead == {}


def test_chains_are_judged_by_a_classifier_too_on_request_and_from_then_on(qtbot, page, monkeypatch):
    monkeypatch.setitem(classifier._RECIPES, "digits", classifier.Recipe(passes=2, batch=64))
    assert not page.judging.isVisible()
    page.load(load_preset("digits-exact").replace_all(SMALL_CHAINS))
    drawn(qtbot, page)
    assert page.judging.isVisibleTo(page)
    by_pixels = page.gallery.verdicts
    page.judging.click()
    qtbot.waitUntil(lambda: bool(page.gallery.verdicts.features) and not page.running, timeout=WAIT_MS)
    found = page.gallery.verdicts
    assert found.class_names
    assert found.spec_json == by_pixels.spec_json
    np.testing.assert_array_equal(found.spatial_variance, by_pixels.spatial_variance)
    assert not page.judging.isVisibleTo(page)
    assert "by pixels alone" not in page.gallery._lived.text()
    # The same chains are not counted twice.
    assert list(page.survival.by_setting.values()) == [(found.lived, 5)]
    page.act("sample")
    qtbot.waitUntil(lambda: page.gallery.verdicts not in (None, found) and not page.running, timeout=WAIT_MS)
    assert page.gallery.verdicts.features == found.features
    assert [count for _, count in page.survival.by_setting.values()] == [10]


def test_what_is_wrong_is_said_with_a_button_that_fixes_it_and_can_be_undone(qtbot, window, page):
    page.load(load_preset("digits-exact").replace_all(SMALL_CHAINS | {"sampling.steps_per_level": 20}))
    drawn(qtbot, page)
    page.form.slider("sampling.sigma_1").change_value(1.0)
    titles = [card.accessibleName() for card in page.adviser.cards.cards if card.isVisibleTo(page)]
    assert "Warning: Starts inside the data" in titles
    page.adviser.cards.cards[titles.index("Warning: Starts inside the data")].action.emit()
    spread = page.adviser.facts.largest_distance
    assert page.experiment.spec.sampling.sigma_1 == pytest.approx(spread * page.experiment.spec.training.k**0.5)
    assert "Starts inside the data" not in [advice.title for advice in page.adviser.cards.advice]
    window.commands["undo"].trigger()
    assert page.experiment.spec.sampling.sigma_1 == 1.0

"""Two trainings on the noise page: what begins, what is shown of it, and what stands beside the published figures."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from fake_engine import FakeEngine

from msd_engine.cli.main import _parse
from msd_engine.events import Finished, Progress, Started
from msd_engine.events.noise import NoiseCurve, NoiseMoment, NoiseRow, NoiseSamples, NoiseTable, Spread
from msd_engine.specs import ExperimentSpec, ImagesSpec, NoiseSpec, UNetSpec, load_preset
from msd_engine.specs.reproduction import NoisesSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.noise.page import NoisePage
from msd_gui.pages.noise.plan import plan_of, why_not
from msd_gui.session.experiment import Experiment

NAN = float("nan")
DIGITS = ExperimentSpec(
    data=ImagesSpec(name="digits"), network=UNetSpec(), noise=NoiseSpec(process="cosine", covariance="blur", blur=2.0)
).replace("training.k", 2)


def table(done=4):
    spreads = [Spread(45.0, 44.0, 46.0, 3), Spread(60.0, 58.0, 62.0, 3), Spread(15.0, 13.0, 17.0, 3)]
    rows = [
        NoiseRow(10, "frechet", "Fréchet distance", *spreads, (44.95, 60.32)),
        NoiseRow(1000, "frechet", "Fréchet distance", *[Spread(6.0, 5.0, 7.0, 3)] * 3, (6.05, 6.95)),
        NoiseRow(10, "recall", "Recall", *[Spread(0.5, 0.4, 0.6, 3)] * 3, (NAN, NAN)),
    ]
    return NoiseTable(tuple(rows), "The finding.", "a classifier", 64, done, 30)


def pictures(value):
    return np.full((20, 1, 8, 8), value, np.uint8)


def told(plan, folder):
    del folder
    yield Started("noises", "cpu", 0, 0, plan.base.to_json())
    for noise in ("white", "coloured"):
        yield NoiseCurve(noise, 0, 10, 1.0, 0.5)
        yield NoiseCurve(noise, 0, 20, 2.0, 0.3)
        yield NoiseMoment(noise, 0, 1000, 5, np.zeros((16, 1, 8, 8), np.float32), np.ones((16, 1, 8, 8), np.float32))
        yield NoiseSamples(noise, 0, 1000, pictures(100), "a classifier", {"frechet": 1.0})
        yield NoiseSamples(noise, 0, 10, pictures(7), "a classifier", {"frechet": 1.0})
    yield Progress(3, 10, 1.0, 1.0, 1.0, 7.0, "Training with white noise, seed 0")
    yield table()
    yield Finished(4, 1.0, "")


@pytest.fixture
def page(qtbot, monkeypatch):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    clock = ScreenClock()
    page = NoisePage(Experiment(DIGITS), FakeEngine(compare_noises=told, new_noises=()), clock)
    qtbot.addWidget(page)
    page.show()
    page.begin()
    clock.tick.emit()
    return page


def train(page):
    page.act("train")
    for _ in range(3):
        page.clock.tick.emit()


def test_a_click_trains_both_and_shows_losses_chains_and_table(page):
    assert page.can("train")
    train(page)
    (asked,) = [one for one in page.engine.requested if one.job == "compare_noises"]
    assert asked.arguments["plan"] == plan_of(DIGITS)
    assert page.parts.currentIndex() == page.sides.currentIndex() == 1
    curves = page.trainings.losses.plot().curves
    assert [(curve.words, list(curve.y)) for curve in curves] == [
        ("Coloured noise", [0.5, 0.3]),
        ("White noise", [0.5, 0.3]),
    ]
    assert page.trainings.chosen == 1000
    for view in page.trainings.chains.values():
        assert {int(tile.image.max()) for tile in view.tiles()} == {100}
        assert len(view.tiles()) == 16
    page.trainings.slider.setValue(page.trainings.slider.maximum())
    assert page.trainings.chosen == 10
    assert {int(tile.image.max()) for tile in page.trainings.chains["white"].tiles()} == {7}
    assert page.trainings.finding.text() == "The finding."


def test_the_table_stands_beside_the_published_figures(page):
    train(page)
    shown = page.trainings.table
    cells = [[shown.item(line, column).text() for column in range(4)] for line in range(shown.rowCount())]
    assert cells == [["10", "45", "60", "44.95 · 60.32"], ["1000", "6", "6", "6.05 · 6.95"]]
    assert "13 to 17" in shown.item(0, 3).toolTip()
    page.trainings.figure.setCurrentText("Recall")
    assert shown.rowCount() == 1
    assert shown.item(0, 3).text() == ""
    assert page.trainings.figures.plot().name == "Recall"
    assert "Losses under both noises" in {export.label for export in page.exports()}


def test_chains_on_their_way_are_shown_until_the_slider_is_moved(page):
    shown = page.trainings
    shown.begin(plan_of(DIGITS))
    moment = NoiseMoment("white", 0, 50, 3, np.zeros((16, 1, 8, 8), np.float32), np.ones((16, 1, 8, 8), np.float32))
    shown.show_moment(moment)
    assert shown.chosen == 50
    assert "step 3 of 50" in shown.heads["white"].text()
    shown.slider.sliderPressed.emit()
    shown.slider.setValue(0)
    shown.show_moment(moment)
    assert shown.chosen == 1000
    assert shown.chains["white"].tiles() == []


def test_the_comparison_has_the_noise_of_the_page_and_the_budget_of_the_preset():
    plan = plan_of(DIGITS)
    noise = plan.base.noise
    assert (noise.covariance, noise.blur, noise.process, plan.base.training.k) == ("blur", 2.0, "cosine", 2)
    assert plan.training_s == load_preset("noise-digits").training.seconds
    mnist = load_preset("noise-mnist")
    assert plan_of(mnist).base == mnist
    paper = load_preset("paper-noise")
    assert (plan_of(paper).training_s, plan_of(paper).base.training.steps) == (0.0, 300_000)
    assert isinstance(plan, NoisesSpec)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"noise.covariance": "isotropic"}, "not white"), ({"data.name": "shapes"}, "no judge"), ({}, "")],
)
def test_what_cannot_be_compared_says_why(page, fields, words):
    spec = DIGITS.replace_all(fields)
    assert words in why_not(spec)
    page.experiment.set(spec)
    assert page.can("train") == (not words)
    assert page.trainings.buttons["train"].isEnabled() == (not words)
    assert page.why_not("train") == why_not(spec)
    assert words in page.trainings.content.placeholder.sentence()


def test_the_command_repeats_the_comparison_with_the_noise_of_the_page(page):
    page.load(load_preset("noise-mnist").replace("noise.gamma", 0.5))
    page.parts.setCurrentIndex(1)
    command = _parse(shlex.split(page.command())[1:])
    assert (command.what, command.minutes) == ("noise-mnist", "15")
    assert "--noise.gamma 0.5" in page.command()

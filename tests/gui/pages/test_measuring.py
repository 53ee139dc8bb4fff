"""The panel that measures samples, the card of a pretrained model, and their views; with jobs that only tell."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fake_engine import FakeEngine
from PySide6.QtWidgets import QTextBrowser

from msd_engine.events import Failed, Figure, Finished, Neighbours, Quality
from msd_engine.events.plots import Axis
from msd_engine.specs import ExperimentSpec, load_card, load_preset
from msd_engine.specs.models import CardFigure
from msd_gui.bridge.clock import ScreenClock
from msd_gui.pages.base.page import Page
from msd_gui.pages.quality.curve import curve_points, quality_curves
from msd_gui.pages.quality.panel import Measuring, neighbours_note, reading
from msd_gui.pages.sampling.model_card import CardDialog, card_html, model_title
from msd_gui.views.curves.bars import class_shares
from msd_gui.views.images.tiles import Tile, TilesView

WAIT_MS = 20_000
SPEC = load_preset("digits-30s")
NAMES = tuple("0123456789")


def quality(**changes) -> Quality:
    shares = np.full(10, 0.1)
    values = {
        "data": "digits",
        "features": "Digits classifier, 128 features",
        "n": 256,
        "real_n": 256,
        "reference_n": 297,
        "figures": (
            Figure("frechet", "Fréchet distance", 30.0, 28.0, 33.0, 10.0, help="what it means"),
            Figure("precision", "Precision", 0.9, real=0.92, better="higher"),
        ),
        "refused": "",
        "class_names": NAMES,
        "shares": shares,
        "real_shares": shares,
        "evaluations": 250,
        "elapsed_s": 1.0,
        "spec_json": SPEC.to_json(),
    }
    return Quality(**(values | changes))


def neighbours(distance: float) -> Neighbours:
    apart = np.array([distance, 0.5, 0.6])
    pictures = np.zeros((3, 1, 8, 8), np.uint8)
    return Neighbours(pictures[0], pictures, ("4", "4", "9"), apart, apart * 10, "Digits classifier", 0.3, (0.2, 0.5))


def telling(*events):
    """Return an engine whose measurements and searches tell these events."""
    return FakeEngine(evaluate=events, nearest=events)


@pytest.fixture
def panel(qtbot):
    made = []

    def make(engine, source=lambda: (SPEC, None), images=lambda: None):
        clock = ScreenClock()
        page = Page(engine, clock)
        panel = Measuring(page, engine, source, images)
        qtbot.addWidget(page)
        qtbot.addWidget(panel)
        panel.show_beside(SPEC)
        panel.show()
        clock.start()
        made.append((clock, page))
        return panel

    yield make
    for clock, page in made:
        clock.stop()
        page.close_jobs()


def test_measuring_shows_the_figures_beside_those_of_real_images(qtbot, panel):
    engine = telling(quality(), Finished(256, 1.0, "done"))
    shown = panel(engine)
    shown.count.setCurrentIndex(0)
    with qtbot.waitSignal(shown.measured, timeout=WAIT_MS):
        shown.button.click()
    assert engine.requested[0].arguments["spec"].sampling.chains == shown.count.currentData()
    assert shown.readings.texts()[0] == ("Fréchet distance", "30 ± 2.5", "10")
    assert shown.shares.isVisible()
    assert "Digits classifier" in shown.note.text()
    qtbot.waitUntil(lambda: shown.button.text() == "Measure", timeout=WAIT_MS)


def test_figures_and_curve_stand_beside_their_own_data_alone(qtbot, panel):
    shown = panel(telling(quality(), Finished(256, 1.0, "done")))
    with qtbot.waitSignal(shown.measured, timeout=WAIT_MS):
        shown.button.click()
    shown.curve.add_point(point(1, 40.0))
    parts = (shown.readings, shown.shares, shown.curve.view, shown.curve.figure)
    assert all(part.isVisible() for part in parts)
    shown.show_beside(SPEC.replace_all({"data.name": "folder", "data.path": "mine"}))
    assert not any(part.isVisible() for part in parts)
    shown.show_beside(SPEC)
    assert all(part.isVisible() for part in parts)
    qtbot.waitUntil(lambda: shown.button.text() == "Measure", timeout=WAIT_MS)


def test_without_a_network_the_button_says_what_is_missing(panel):
    shown = panel(telling(), source=lambda: None)
    assert not shown.button.isEnabled()
    assert "train" in shown.button.toolTip()


def point(steps: int, value: float, **changes) -> Quality:
    spec = SPEC.replace("sampling.steps_per_level", steps)
    figures = (
        Figure("frechet", "Fréchet distance", value, value - 1, value + 1, 10.0),
        Figure("kernel", "Kernel distance", -0.5, -1.0, 1.0, 0.1),
    )
    return quality(figures=figures, spec_json=spec.to_json(), evaluations=spec.sampling.evaluations, **changes)


def test_the_curve_asks_for_several_numbers_of_evaluations_and_shows_each_as_it_comes(qtbot, panel):
    own = SPEC.sampling.steps_per_level
    engine = telling(point(1, 40.0), point(own, 20.0), point(2 * own, 15.0))
    shown = panel(engine)
    shown.resize(316, 900)
    heard = []
    shown.measured.connect(heard.append)
    shown.curve.button.click()
    qtbot.waitUntil(lambda: len(shown.curve.found) == 3, timeout=WAIT_MS)
    wanted = engine.requested[0].arguments["curve"]
    assert wanted == curve_points(SPEC)
    assert (SPEC.sampling.levels, own) in wanted
    assert all(early[0] * early[1] < late[0] * late[1] for early, late in pairwise(wanted))
    # Only the point with the page's own settings is also the page's figure.
    assert [ExperimentSpec.from_json(one.spec_json).sampling.steps_per_level for one in heard] == [own]
    columns = shown.curve.columns()
    assert columns["evaluations"].tolist() == sorted(columns["evaluations"].tolist())
    assert columns["Fréchet distance"].tolist() == [40.0, 20.0, 15.0]
    assert columns["real"].tolist() == [10.0] * 3
    exports = shown.curve.exports(Page(engine, ScreenClock()))
    assert [export.suffix for export in exports] == [".png", ".csv"]
    # A kernel distance may be negative: its axis is not logarithmic.
    shown.curve.figure.setCurrentIndex(1)
    assert shown.curve.columns()["Kernel distance"].tolist() == [-0.5] * 3
    (_, _), (low, high) = shown.curve.view.box.viewRange()
    assert low < -1.0
    assert high > 1.0
    shown.curve.view.grab()
    # A second curve begins anew and keeps the chosen figure.
    qtbot.waitUntil(lambda: shown.curve.button.text() == "Measure curve", timeout=WAIT_MS)
    shown.curve.button.click()
    qtbot.waitUntil(lambda: len(shown.curve.found) == 3, timeout=WAIT_MS)
    assert shown.curve.figure.currentData() == "kernel"


@pytest.mark.parametrize("steps", [1, 5, 40])
def test_the_points_of_a_curve_hold_the_settings_own_and_rise(steps):
    spec = SPEC.replace("sampling.steps_per_level", steps)
    points = curve_points(spec)
    assert (spec.sampling.levels, steps) in points
    assert len(points) >= 3
    assert len({levels * each for levels, each in points}) == len(points)


def test_the_curve_has_intervals_and_the_band_of_real_images(qtbot, panel):
    shown = panel(telling(quality()))
    assert quality_curves("distance", [], log=True).curves == ()
    one = Figure("frechet", "Fréchet distance", 2.0, 1.0, 4.0, 0.5, help="Help.")
    points = [(quality(evaluations=10, figures=(one,)), replace(one, value=8.0, low=7.0, high=16.0))]
    points.append((quality(evaluations=100, figures=(one,)), one))
    plot = quality_curves("distance", points, log=True)
    real, samples = plot.curves
    assert (plot.x.log, plot.y) == (True, Axis("distance", log=True))
    np.testing.assert_array_equal([samples.x, samples.y], [[10, 100], [8, 2]])
    np.testing.assert_array_equal([samples.low, samples.high], [[7, 1], [16, 4]])
    assert samples.notes[0].startswith("10 evaluations, ")
    assert (real.words, real.y.tolist()) == ("real images", [0.5, 0.5])
    # The band of real images, where its width is known.
    known = [(received, replace(figure, real_spread=0.25)) for received, figure in points]
    band = quality_curves("distance", known, log=True).curves[0]
    assert band.words == "real images ± standard deviation"
    np.testing.assert_array_equal([band.low, band.high], [[0.25, 0.25], [0.75, 0.75]])
    for received, _ in known[::-1]:
        shown.curve.add_point(received)
    columns = shown.curve.columns()
    assert columns["evaluations"].tolist() == [10, 100]
    assert list(columns)[1] == "Fréchet distance"
    assert "10 evaluations" in shown.curve.view.readout_at(1.0, 0.0)


def test_the_spread_of_real_images_stands_beside_them_in_panel_and_card():
    one = Figure("frechet", "Fréchet distance", 30.0, 28.0, 33.0, 10.04, help="Help.", real_spread=0.31)
    assert reading(one).expected == "10 ± 0.31"
    card = load_card("digits")
    known = CardFigure(title="Fréchet distance", value=30.0, real=10.04, real_spread=0.31)
    assert ">10 ± 0.31<" in card_html(card.replace("figures", (known,)))
    assert ">10<" in card_html(card.replace("figures", (known.replace("real_spread", None),)))


def test_the_yield_is_read_with_its_reasons(qtbot, panel):
    received = quality(
        n=1000,
        dead={"off the data": 15, "monochrome": 1},
        figures=(Figure("yield", "Yield", 0.984, 0.97, 0.99, 0.998),),
    )
    shown = panel(telling(received))
    with qtbot.waitSignal(shown.measured, timeout=WAIT_MS):
        shown.button.click()
    assert "984 of 1000 survived (dead: 15 off the data, 1 monochrome)" in shown.note.text()
    assert shown.readings.texts()[0] == ("Yield", "98.4 % of 1000", "99.8 %")


def test_a_refusal_stands_under_the_figures_and_colour_images_have_no_classes(qtbot, panel):
    none = np.zeros(0)
    received = quality(refused="No Fréchet distance: too few.", class_names=(), shares=none, real_shares=none)
    shown = panel(telling(received))
    with qtbot.waitSignal(shown.measured, timeout=WAIT_MS):
        shown.button.click()
    assert "No Fréchet distance" in shown.note.text()
    assert not shown.shares.isVisible()


def test_a_failure_goes_to_the_window(qtbot, panel):
    shown = panel(telling(Failed("MNIST was not found.")))
    with qtbot.waitSignal(shown._page.failed, timeout=WAIT_MS) as caught:
        shown.button.click()
    assert caught.args[0] == "MNIST was not found."


def test_changed_settings_are_told_apart_from_measured_ones(qtbot, panel):
    now = [SPEC]
    shown = panel(telling(quality()), source=lambda: (now[0], None))
    with qtbot.waitSignal(shown.measured, timeout=WAIT_MS):
        shown.button.click()
    assert "changed" not in shown.note.text()
    now[0] = SPEC.replace("sampling.levels", 3)
    qtbot.waitUntil(lambda: shown.button.text() == "Measure", timeout=WAIT_MS)
    shown.update_button()
    assert "changed" in shown.note.text()


def test_another_seed_is_the_same_setting_and_another_step_is_not(qtbot, panel):
    now = [SPEC]
    shown = panel(telling(quality(), Finished(256, 1.0, "done")), source=lambda: (now[0], None))
    with qtbot.waitSignal(shown.measured, timeout=WAIT_MS):
        shown.button.click()
    qtbot.waitUntil(lambda: not shown._runner.running, timeout=WAIT_MS)
    measured = ExperimentSpec.from_json(shown.quality.spec_json)
    for changes, changed in (({}, False), ({"sampling.seed": 7, "sampling.chains": 3}, False),
                             ({"sampling.step_ratio": 0.5 * measured.sampling.step_ratio}, True)):  # fmt: skip
        now[0] = measured.replace_all(changes)
        shown.update_button()
        assert ("settings have changed" in shown.note.text()) == changed


def test_a_click_finds_the_nearest_training_images_of_what_is_shown(qtbot, panel):
    images = np.zeros((4, 1, 8, 8), np.uint8)
    images[2] = 255
    engine = telling(neighbours(0.05))
    shown = panel(engine, images=lambda: images)
    shown.choose(2)
    qtbot.waitUntil(lambda: shown.neighbours is not None, timeout=WAIT_MS)
    assert float(engine.requested[0].arguments["image"].min()) == 1.0
    assert shown.near.isVisible()
    assert "memorised, or nearly so" in shown.near_note.text()
    shown.choose(7)
    assert len(engine.requested) == 1


def test_the_verdict_on_a_neighbour_follows_what_held_out_images_have():
    assert "memorised" in neighbours_note(neighbours(0.05))
    assert "as far as" in neighbours_note(neighbours(0.3))
    assert "further" in neighbours_note(neighbours(0.9))


@pytest.mark.parametrize(
    ("figure", "severity"),
    [
        (Figure("frechet", "", 30.0, real=10.0), "warning"),
        (Figure("frechet", "", 15.0, real=10.0), ""),
        (Figure("yield", "", 0.97, real=1.0, better="higher"), "warning"),
        (Figure("yield", "", 0.985, real=1.0, better="higher"), ""),
        (Figure("precision", "", 0.5, real=0.9, better="higher"), "warning"),
        (Figure("rarest", "", 0.5, real=1.0, better="real"), "warning"),
        (Figure("commonest", "", 1.4, real=1.0, better="real"), ""),
        (Figure("nearest", "", 0.1, real=0.3, better="real"), "warning"),
        (Figure("frechet", "", 30.0, real=math.nan), ""),
        # What chance alone may do is not marked.
        (Figure("frechet", "", 30.0, 15.0, 45.0, real=10.0), ""),
        (Figure("yield", "", 0.95, 0.9, 0.985, real=1.0, better="higher"), ""),
        (Figure("rarest", "", 0.5, 0.2, 1.1, real=1.0, better="real"), ""),
        (Figure("rarest", "", 0.5, 0.3, 0.7, real=1.0, better="real"), "warning"),
    ],
)
def test_figures_far_from_real_ones_are_marked(figure, severity):
    assert reading(figure).severity == severity


def test_the_card_of_a_model_says_what_is_to_be_known(qtbot):
    card = load_card("digits")
    assert model_title(card) in card_html(card)
    dialog = CardDialog(card)
    qtbot.addWidget(dialog)
    words = dialog.findChild(QTextBrowser).toPlainText()
    for word in (card.data_licence, card.features, card.figures[0].title, card.command, "real images"):
        assert word in words


def test_the_shares_are_named_by_their_classes_and_copied(qtbot):
    view = class_shares()
    qtbot.addWidget(view)
    view.resize(280, 170)
    view.show()
    names = ("trouser", "bag")
    view.set_shares(names, np.array([0.75, 0.25]), np.array([0.5, 0.5]))
    assert view.readout_at(1.0, 0.0) == "class trouser   sampled 0.750   real 0.500"
    assert view.readout_at(9.0, 0.0) == ""
    assert [entry.words for entry in view.legend_entries()] == ["sampled", "real"]


def test_neighbours_lie_in_one_row_inside_the_view(qtbot):
    view = TilesView("Nearest training images")
    qtbot.addWidget(view)
    tiles = [Tile("", np.zeros((3, 8, 8), np.uint8), words) for words in ("sample", *"abcdef")]
    for width in (120, 290, 900):
        view.resize(width, 64)
        view.set_tiles(tiles)
        places = [view.cell(index) for index in range(len(tiles))]
        assert places[-1].right() <= width
        assert all(a.right() < b.left() for a, b in pairwise(places))
        assert all(place.top() >= 0 for place in places)
    view.show()
    view.grab()


def test_only_the_button_that_began_a_measurement_stops_it(qtbot, panel):
    shown = panel(telling(quality(), Finished(256, 1.0, "done")))
    for mine, other in ((shown.button, shown.curve.button), (shown.curve.button, shown.button)):
        words = other.text()
        mine.click()
        assert (mine.text(), mine.isEnabled()) == ("Stop", True)
        assert (other.text(), other.isEnabled()) == (words, False)
        assert "other measurement" in other.toolTip()
        qtbot.waitUntil(lambda: not shown._runner.running, timeout=WAIT_MS)
        assert mine.isEnabled()
        assert other.isEnabled()

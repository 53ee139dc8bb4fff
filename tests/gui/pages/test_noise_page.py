"""The noise page alone: it asks for one frame per change, shows it, and keeps both kinds of data."""

from __future__ import annotations

import dataclasses
import shlex

import numpy as np
import pytest
from fake_engine import FakeEngine
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from msd_engine.cli.fields import NOT_GIVEN
from msd_engine.cli.main import _parse
from msd_engine.events import Failed, Finished, Started
from msd_engine.events.noise import Forward, Likelihood, NoiseSide, Spectrum
from msd_engine.specs import ExperimentSpec, ImagesSpec, NoiseSpec, UNetSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.noise.exports import exports, way
from msd_gui.pages.noise.page import NoisePage
from msd_gui.pages.noise.words import hidden, sentences, spectra
from msd_gui.session.experiment import Experiment

SPEC = ExperimentSpec(
    data=ImagesSpec(name="shapes"), network=UNetSpec(), noise=NoiseSpec(process="ddpm", covariance="power-law")
).replace("training.k", 1)
RINGS = np.arange(1, 5) / 8


def side(name, power, points=False):
    empty = np.empty(0)
    shape = (5, 2) if points else (3, 32, 32)
    strip = np.zeros((0 if points else 7, *(shape if not points else (1, 1, 1))), np.float32)
    lags = empty if points else np.array([1.0, 0.5, 0.1])
    maps = np.empty((0, 0)) if points else np.eye(32)
    matrix = np.eye(2) if name == "White" else np.diag([1.6, 0.4])
    return NoiseSide(name, np.zeros(shape, np.float32), strip, power, lags, maps, matrix, -0.5)


def frame(spec, noise_power=(1.0, 1.0, 1.0, 1.0), data_power=(8.0, 4.0, 0.5, 0.1)):
    points = spec.data.kind == "mixture"
    shape = (5, 2) if points else (3, 32, 32)
    white = side("White", np.ones(0 if points else 4), points)
    chosen = side("Chosen", np.array([] if points else noise_power), points)
    times = np.empty(0) if points else np.linspace(0, 1, 7)
    spectrum = Spectrum(np.empty(0), np.empty(0)) if points else Spectrum(RINGS, np.array(data_power))
    x = np.full(shape, spec.denoise.time, np.float32)
    available = 0 if points else 9
    return Forward(spec.to_json(), x, 0.8, 0.6, 0.6, 1.0, times, (white, chosen), spectrum, available)


def forward_events(spec):
    yield Started("forward", "", 0, 0, spec.to_json())
    yield frame(spec)
    yield Finished(0, 0.0, "")


@pytest.fixture
def clock():
    return ScreenClock()


@pytest.fixture
def page(qtbot, monkeypatch, clock):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    page = NoisePage(Experiment(SPEC), FakeEngine(forward=forward_events), clock)
    qtbot.addWidget(page)
    page.show()
    page.begin()
    clock.tick.emit()
    return page


def test_the_page_shows_pictures_at_once_and_each_change_with_one_job(page, clock):
    assert page.engine.jobs() == ["forward"]
    assert [tile.name for tile in page.shown.now.tiles()] == ["x", "White", "Chosen"]
    assert [len(strip.tiles()) for strip in page.shown.strips] == [7, 7]
    for path, value in (("denoise.time", 0.9), ("noise.gamma", 2.0), ("noise.process", "cosine"), ("training.k", 4)):
        control = page.forms["images"].control(path)
        control.change_value(value)
        clock.tick.emit()
        assert page.engine.jobs() == ["forward"]
        assert ExperimentSpec.from_json(page.shown.frame.spec_json).get(path) == value
    page.experiment.undo()
    assert page.forms["images"].control("training.k").value() == 1


def test_a_dragged_slider_paints_one_of_strips_and_correlations_per_tick(page, clock):
    shown = page.shown

    def content():
        parts = [view.tiles()[-1].image for view in (*shown.strips, shown.maps)]
        return [float(part.max()) for part in parts]

    def scaled(spec):
        begun, frame, ended = forward_events(spec)
        sides = [
            dataclasses.replace(
                side, strip=side.strip + spec.noise.gamma, correlation=side.correlation * spec.noise.gamma
            )
            for side in frame.sides
        ]
        return begun, dataclasses.replace(frame, sides=tuple(sides)), ended

    page.engine._events["forward"] = scaled
    page.forms["images"].control("noise.gamma").change_value(0.25)
    for _ in range(4):
        clock.tick.emit()
    before = content()
    assert before == [0.25] * 3
    changed = []
    for value in (0.5, 0.75, 1.25):
        page.forms["images"].control("noise.gamma").change_value(value)
        clock.tick.emit()
        after = content()
        changed.append([a != b for a, b in zip(before, after, strict=True)])
        before = after
    assert [sum(each) for each in changed] == [1, 1, 1]
    assert all(any(each[place] for each in changed) for place in range(3))
    for _ in range(3):
        clock.tick.emit()
    assert content() == [1.25] * 3


def test_only_fields_with_an_effect_are_shown(page):
    form = page.forms["images"]
    assert not form.control("noise.s").isVisible()
    form.control("noise.process").change_value("exploding")
    assert form.control("noise.s").isVisible()
    assert form.control("noise.gamma").isVisible()
    assert not form.control("noise.blur").isVisible()
    form.control("noise.covariance").change_value("blur")
    assert form.control("noise.blur").isVisible()
    assert not form.control("noise.gamma").isVisible()
    model = form.control("noise.covariance").combo.model()
    enabled = {model.item(row).text(): model.item(row).isEnabled() for row in range(model.rowCount())}
    assert enabled == {"Isotropic": True, "Power law": True, "Blur": True, "As the data": True, "Ellipse": False}


def test_points_and_pictures_each_keep_their_settings(page, clock):
    page.forms["images"].control("noise.gamma").change_value(2.0)
    page.tabs.setCurrentIndex(1)
    clock.tick.emit()
    assert page.experiment.spec.noise.covariance == "ellipse"
    assert page.shown.stack.currentIndex() == 1
    assert not page.shown.of_pictures.isVisible()
    page.forms["mixture"].control("noise.angle").change_value(80.0)
    page.tabs.setCurrentIndex(0)
    clock.tick.emit()
    assert page.experiment.spec.noise.gamma == 2.0
    assert page.shown.stack.currentIndex() == 0
    page.tabs.setCurrentIndex(1)
    assert page.experiment.spec.noise.angle == 80.0
    page.experiment.undo()
    assert page.tabs.currentIndex() == 0


def test_the_ellipse_is_dragged_by_the_end_of_its_shorter_axis(page, clock):
    page.tabs.setCurrentIndex(1)
    clock.tick.emit()
    view = page.shown.planes[1]
    assert [key.words for key in view.legend_row.entries()] == ["data", "shape of the noise, not its size"]
    handle, centre = view.handle(), view.mapFromScene(view.box.mapViewToScene(QPointF(0, 0)))
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=handle.toPoint())
    # Half as long and turned by a right angle.
    across = (handle - QPointF(centre)) / 2
    at = QPointF(centre) + QPointF(across.y(), -across.x())
    send_move(view, at)
    place = view.box.mapSceneToView(view.mapToScene(at.toPoint()))
    assert view.findChild(QLabel).text() == view.readout_at(place.x(), place.y())
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=handle.toPoint())
    noise = page.experiment.spec.noise
    # The frame has the variances 1.6 along the first axis and 0.4 along the second: a shorter axis of √0.4.
    assert noise.elongation == pytest.approx(np.sqrt(2 / (0.4 / 4) - 1), rel=0.05)
    assert noise.angle == pytest.approx(90, abs=3)
    page.experiment.undo()
    assert page.experiment.spec.noise.elongation == 3.0


def send_move(view, at):
    """Move the mouse over a view with the left button down."""
    buttons = (Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    place = view.viewport().mapToGlobal(at)
    view.mouseMoveEvent(QMouseEvent(QMouseEvent.Type.MouseMove, at, place, *buttons))


def test_a_set_with_another_picture_begins_with_its_first(page):
    page.forms["images"].control("denoise.index").change_value(7)
    page.forms["images"].control("data.name").change_value("digits")
    assert page.experiment.spec.denoise.index == 0


def test_time_plays_to_its_end_and_begins_again(page, clock):
    assert page.can("play")
    page.experiment.set(page.experiment.spec.replace("denoise.time", 0.985))
    page.act("play")
    assert page.playing
    for _ in range(4):
        clock.tick.emit()
    assert page.experiment.spec.denoise.time == 1.0
    assert not page.playing
    page.act("play")
    assert page.experiment.spec.denoise.time == 0.0
    page.set_watched(False)
    assert not page.playing
    page.act("step")
    page.act("back")
    page.act("back")
    assert page.experiment.spec.denoise.time == 0.0


def test_a_failure_clears_the_page(page, clock, qtbot):
    page.engine._events["forward"] = lambda spec: [Failed("no data", missing="mnist")]
    with qtbot.waitSignal(page.data_missed):
        page.experiment.set(page.experiment.spec.replace("data.name", "mnist"))
        clock.tick.emit()
    assert page.shown.frame is None
    assert not page.exports()
    page.engine._events["forward"] = forward_events
    page.files_changed()
    clock.tick.emit()
    assert page.shown.frame is not None


def test_the_command_draws_the_noise_of_the_page(page):
    command = _parse(shlex.split(page.command())[1:])
    assert (command.covariance, command.gamma, command.size, command.channels) == ("power-law", "1.0", "32x32", "3")
    assert command.blur == NOT_GIVEN
    page.experiment.set(page.experiment.spec.replace("noise.covariance", "data"))
    assert _parse(shlex.split(page.command())[1:]).data == "shapes"
    page.tabs.setCurrentIndex(1)
    assert _parse(shlex.split(page.command())[1:]).elongation == "3.0"


@pytest.mark.parametrize(
    ("data", "noise", "words"),
    [
        ((8.0, 4.0, 0.5, 0.1), (1.0, 1.0, 1.0, 1.0), "waves of 2.67 pixels and shorter: the finest detail goes first"),
        ((1.0, 1.0, 1.0, 1.0), (8.0, 4.0, 0.5, 0.1), "waves of 4 pixels and longer: the coarsest shapes go first"),
        ((9.0, 9.0, 9.0, 9.0), (1.0, 1.0, 1.0, 1.0), "no wave of the data"),
        ((0.1, 0.1, 0.1, 0.1), (1.0, 1.0, 1.0, 1.0), "all waves of the data"),
        ((9.0, 0.1, 9.0, 9.0), (1.0, 1.0, 1.0, 1.0), "1 of 4 rings of frequencies, from 4 to 4 pixels"),
    ],
)
def test_what_is_hidden_first_is_said(data, noise, words):
    shown = frame(SPEC, noise, data)
    assert hidden(shown, shown.sides[1]) == f"hides {words}"


def test_bands_lie_where_the_data_exceed_a_noise():
    white, chosen, data = spectra(frame(SPEC, (2.0, 1.0, 0.5, 0.1))).curves
    assert [curve.words for curve in (white, chosen, data)] == ["White", "Chosen", "data"]
    power = 0.64 * np.array([8, 4, 0.5, 0.1])
    np.testing.assert_allclose(white.high - white.low, np.maximum(power - 0.36, 0))
    np.testing.assert_allclose(chosen.high - chosen.low, np.maximum(power - 0.36 * np.array([2, 1, 0.5, 0.1]), 0))
    np.testing.assert_allclose(data.y, power)
    assert "White: hides" in sentences(frame(SPEC))
    assert "Eight" not in sentences(frame(SPEC))
    seen = frame(SPEC)
    narrow = dataclasses.replace(seen.sides[1], emerging=(0.05, 0.16))
    said = sentences(dataclasses.replace(seen, sides=(seen.sides[0], narrow)))
    assert "between t = 0.16 and 0.05, within 1.1 of 10 even steps" in said


def test_exports_hold_what_is_shown(page, clock):
    labels = [row.label for row in exports(page, page.shown, page.trainings)]
    assert labels[:2] == ["Way to noise", "Spectra"]
    assert way(page.shown.frame).images.shape == (14, 3, 32, 32)
    page.tabs.setCurrentIndex(1)
    clock.tick.emit()
    assert [row.label for row in exports(page, page.shown, page.trainings)] == ["White noise", "Chosen noise"]


def test_points_have_their_log_likelihood_when_the_settings_rest(qtbot, monkeypatch, clock):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    found = Likelihood(0.1, np.array([-1.0, -2.0]), np.array([-1.0, -2.0002]), 90)
    page = NoisePage(Experiment(SPEC), FakeEngine(forward=forward_events, likelihood=[found]), clock)
    qtbot.addWidget(page)
    page.show()
    page.begin()
    assert not page._rest.isActive()
    page.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: "likelihood" in page.engine.jobs())
    clock.tick.emit()
    assert [row[:3] for row in page.shown.likelihood.texts()] == [
        ("Log-likelihood per datum, nats", "-1.5000", "-1.5001")
    ]
    asked = page.engine.jobs().count("likelihood")
    # Another time has the same density; another noise has not.
    page.experiment.set(page.experiment.spec.replace("denoise.time", 0.7), "denoise.time")
    assert not page._rest.isActive()
    page.experiment.set(page.experiment.spec.replace("noise.elongation", 7.0), "noise.elongation")
    assert page.shown.likelihood.texts() == []
    qtbot.waitUntil(lambda: page.engine.jobs().count("likelihood") == asked + 1)

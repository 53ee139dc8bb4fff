"""Sets of points on the mixture page: chosen, pasted and dropped."""

from __future__ import annotations

from fake_engine import FakeEngine
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import MixtureSpec, load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.mixture.page import MixturePage
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore

LADDER = {"levels": 10, "steps_per_level": 10, "sigma_1": 40.0, "sigma_L": 0.2, "step_ratio": 0.3, "chains": 60}


def rows(page):
    return {name: (value, expected) for name, value, expected in page.readings.texts()}


def test_a_set_of_points_has_no_mode_weights_but_a_distance_to_the_data(qtbot, monkeypatch):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    clock, actions = ScreenClock(), {name: QAction(name) for name in ("play", "step", "restart")}
    engine = FakeEngine(sample=lambda spec, run, beside: sample(spec))
    page = MixturePage(Experiment(load_preset("ncsn-toy")), engine, clock, NetworkStore(), actions)
    qtbot.addWidget(page)
    page.show()
    page.begin()
    assert page.weights.isVisible()
    assert not page.form.control("data.count").isVisible()
    values = {f"sampling.{name}": value for name, value in LADDER.items()}
    page.experiment.set(page.experiment.spec.replace_all({"data.name": "rings", **values}))
    for _ in range(50):
        clock.tick.emit()
    assert not page.weights.isVisible()
    assert page.form.control("data.count").isVisible()
    page.player.playhead.playing = False
    page.timeline._go(100)
    for _ in range(3):
        clock.tick.emit()
    distance, exact = rows(page)["Distance to the data"]
    assert 0 < float(distance) < float(exact.removeprefix("< "))
    page.timeline._go(50)
    for _ in range(3):
        clock.tick.emit()
    assert rows(page)["Distance to the data"] == ("at the end", "")
    assert float(rows(page)["Swelling of y − ȳ"][0]) > 1
    page.experiment.undo()
    assert page.weights.isVisible()


def test_pasted_points_become_the_data_and_can_be_undone_by_another_target(window, qtbot):
    qtbot.waitUntil(lambda: window.engine.ready, timeout=60_000)
    page = window.pages["mixture"]
    QApplication.clipboard().setText("x y\n0 0\n1 1\n2 0\n")
    window.commands["paste"].trigger()
    qtbot.waitUntil(lambda: page.experiment.spec.data.name == "points", timeout=60_000)
    assert page.experiment.spec.data.points == ((0.0, 0.0), (1.0, 1.0), (2.0, 0.0))
    qtbot.waitUntil(lambda: page.samples is not None and len(page.samples.x_hat) > 0, timeout=20_000)
    page.form.control("data.name").change_value("ring-8")
    assert page.experiment.spec.data == MixtureSpec(name="ring-8")


def test_pasted_words_are_refused_with_a_sentence(window, qtbot):
    qtbot.waitUntil(lambda: window.engine.ready, timeout=60_000)
    QApplication.clipboard().setText("Dear reader,\nthis is a letter.")
    with qtbot.waitSignal(window.files.failed, timeout=60_000) as caught:
        window.commands["paste"].trigger()
    assert "must begin with two numbers" in caught.args[0]
    assert window.pages["mixture"].experiment.spec.data.name == "ncsn-toy"


def test_a_file_of_points_opens_as_data(window, qtbot, tmp_path):
    qtbot.waitUntil(lambda: window.engine.ready, timeout=60_000)
    path = tmp_path / "drawing.csv"
    path.write_text("0,0\n10,0\n0,10\n")
    window.files.open_path(path)
    spec = lambda: window.pages["mixture"].experiment.spec  # noqa: E731
    qtbot.waitUntil(lambda: spec().title == "drawing", timeout=60_000)
    assert spec().sampling.sigma_1 > spec().sigma_of_copy(10)

"""The mixture page names and dims chains of earlier settings or networks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_engine import FakeEngine
from PySide6.QtGui import QAction

from msd_engine.events import Started
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.mixture import beside
from msd_gui.pages.mixture.page import MixturePage
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import Network, NetworkStore

SMALL = {"sampling.chains": 5, "sampling.levels": 3, "sampling.steps_per_level": 4}


@pytest.fixture
def clock():
    return ScreenClock()


@pytest.fixture
def page(qtbot, monkeypatch, clock):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    monkeypatch.setattr(beside, "LATE_S", 0.0)
    actions = {name: QAction(name) for name in ("play", "step", "restart")}

    def drawn(spec, run, beside):
        # A network draws what the exact score draws.
        for event in sample(spec.replace("sampling.source", "exact")):
            yield replace(event, spec_json=spec.to_json()) if isinstance(event, Started) else event

    engine = FakeEngine(sample=drawn)
    made = MixturePage(Experiment(load_preset("ncsn-toy").replace_all(SMALL)), engine, clock, NetworkStore(), actions)
    qtbot.addWidget(made)
    made.show()
    made.begin()
    tick(clock)
    return made


def tick(clock):
    for _ in range(5):
        clock.tick.emit()


def change(page, clock, path, value):
    page.experiment.set(page.experiment.spec.replace(path, value))
    tick(clock)


def test_chains_of_the_present_settings_have_no_label(page, clock):
    for path, value in (("training.k", 3), ("sampling.step_ratio", 0.2), ("sampling.seed", 5)):
        change(page, clock, path, value)
        assert page.beside.label.text() == ""
        assert not page.beside.faded


def test_where_nothing_denoises_the_old_chains_are_named_dimmed_and_keep_their_colour(page, clock):
    assert page.plane.plot().colour == "exact"
    change(page, clock, "sampling.source", "trained")
    assert page.beside.label.text() == "Drawn by the exact score"
    assert page.beside.label.isVisible()
    assert page.beside.faded
    assert page.plane.plot().colour == "exact"
    change(page, clock, "training.k", 3)
    assert "k = 8" in page.beside.label.text()
    page.experiment.undo()
    page.experiment.undo()
    tick(clock)
    assert not page.beside.label.isVisible()
    assert not page.beside.faded


def test_newer_weights_are_named_without_dimming_until_their_chains_are_shown(page, clock, tmp_path, monkeypatch):
    spec = page.experiment.spec
    page.use(Network(tmp_path / "mine", spec, 10))
    change(page, clock, "sampling.source", "trained")
    tick(clock)
    assert page.beside.label.text() == ""
    monkeypatch.setattr(page.chains, "draw", lambda: None)
    page.store.add(Network(tmp_path / "mine", spec, 20))
    tick(clock)
    assert page.beside.label.text() == "Drawn by mine, step 10"
    assert not page.beside.faded


def test_the_veil_covers_the_view_at_any_size_and_lets_the_mouse_through(qtbot):
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QWidget

    from msd_gui.views.base.veil import Veil

    view = QWidget()
    qtbot.addWidget(view)
    veil = Veil(view)
    view.show()
    veil.set_on(True)
    view.resize(321, 123)
    assert veil.geometry() == view.rect()
    assert veil.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

"""Each file carries the settings of what is in it, whatever the page has been set to since."""

from __future__ import annotations

import numpy as np
import pytest
from fake_engine import FakeEngine
from PySide6.QtGui import QAction

from msd_engine.events import (
    ChainReport,
    ChainSegment,
    Checkpointed,
    FilmFrame,
    Finished,
    HeldOutLoss,
    ImageFrame,
    Ladder,
    LossPoints,
    Modes,
    Samples,
    Started,
    StripFrame,
)
from msd_engine.specs import ExperimentSpec, load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.images.page import ImagesPage
from msd_gui.pages.mixture.page import MixturePage
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore

STEPS = 3
SHORT = {"sampling.levels": 2, "sampling.steps_per_level": 1, "sampling.chains": 4}


def training(spec, run, resume=False):
    """What a training tells, which goes on with the settings that it was begun with."""
    begun = spec.replace_all({"training.learning_rate": 1e-3, "title": "as it was begun"}) if resume else spec
    yield Started("train", "nowhere", 2, 0, begun.to_json())
    yield LossPoints(np.array([1, 2]), np.ones(2), np.ones(2))
    bands = np.ones(3)
    yield HeldOutLoss(2, 1.0, 0.5, bands, bands, bands, 0.5)
    if spec.data.kind == "images":
        picture = np.zeros((2, *spec.data.shape), np.float32)
        yield StripFrame(2, np.ones(2), picture, picture[:, None], picture, np.ones(2))
    yield Checkpointed(2, "")
    yield Finished(2, 0.1, "")


def plane_chains(spec, run, beside):
    steps = np.arange(STEPS + 1)
    y = np.zeros((STEPS + 1, spec.sampling.chains, spec.training.k, 2), np.float32)
    levels = np.ones(spec.sampling.levels)
    yield Started("sample", "nowhere", STEPS, 0, spec.to_json())
    yield Ladder(levels, levels, np.full(len(levels), 5), levels, spec.sampling.evaluations)
    yield Modes(np.full(2, 0.5), np.array([[5.0, 5.0], [-5.0, -5.0]]), np.tile(np.eye(2), (2, 1, 1)), np.eye(2))
    yield ChainSegment(steps, 0 * steps, np.ones(STEPS + 1), np.ones(STEPS + 1), y, y[:, :, 0], STEPS)
    yield Finished(STEPS, 0.1, "")


class Saved(FakeEngine):
    """Remembers what is to be written."""

    def __init__(self, **events):
        super().__init__(**events)
        self.spec_json = ""

    def save(self, kind, path, **values):
        self.spec_json = values.get("spec_json", "")
        return self.__getattr__("save")(kind, path, **values)


def carried(engine, page, clock, export, path):
    """Return the settings that a file would carry, None for kinds that carry none."""
    engine.spec_json = ""
    job = export.make(path)
    events = job(None, None)
    for _ in range(10_000):
        clock.tick.emit()
        if next(events, None) is None:
            break
    return ExperimentSpec.from_json(engine.spec_json) if engine.spec_json else None


@pytest.fixture
def clock():
    return ScreenClock()


@pytest.fixture
def alone(qtbot, monkeypatch):
    monkeypatch.setenv(SYNCHRONOUS, "1")

    def show(page_class, *parts):
        page = page_class(*parts)
        qtbot.addWidget(page)
        page.show()
        page.begin()
        return page

    return show


def ticks(clock):
    for _ in range(5):
        clock.tick.emit()


def report(step):
    weights, pair = np.array([0.5, 0.5]), np.ones(2)
    return ChainReport(step, weights, weights, 1.0, 1.0, 1.0, 1.0, pair, pair, 1.0)


def chains_of_points(spec, run, beside):
    yield from plane_chains(spec, run, beside)
    yield report(spec.sampling.total_steps)
    x = np.zeros((spec.sampling.chains, 2), np.float32)
    yield Samples(x, np.repeat(x[:, None], spec.training.k, 1), 0, spec.to_json())


def test_what_the_mixture_page_writes_carries_the_settings_that_made_it(alone, clock, tmp_path):
    made_with = load_preset("ncsn-toy").replace_all(SHORT)
    engine = Saved(sample=chains_of_points, train=training)
    actions = {name: QAction(name) for name in ("play", "step", "restart")}
    page = alone(MixturePage, Experiment(made_with), engine, clock, NetworkStore(), actions)
    ticks(clock)
    page.act("train")
    ticks(clock)
    # Other chains are wanted, but none come.
    engine._events = {}
    page.experiment.set(load_preset("ring-8"))
    ticks(clock)
    found = {export.name: carried(engine, page, clock, export, tmp_path / "a") for export in page.exports()
             if export.suffix in (".png", ".npz", ".gif", ".webp")}  # fmt: skip
    assert found.keys() == {"trajectories", "mode-weights", "losses", "chains"}
    assert set(found.values()) == {made_with}


def test_the_curves_of_a_run_that_went_on_carry_the_settings_that_it_was_begun_with(alone, clock, tmp_path):
    engine = Saved(train=training)
    actions = {name: QAction(name) for name in ("play", "step", "restart")}
    page = alone(MixturePage, Experiment(load_preset("ncsn-toy")), engine, clock, NetworkStore(), actions)
    page.act("train")
    ticks(clock)
    page.experiment.set(page.experiment.spec.replace("training.learning_rate", 0.5))
    page.act("resume")
    ticks(clock)
    (losses,) = [export for export in page.exports() if (export.name, export.suffix) == ("losses", ".png")]
    assert carried(engine, page, clock, losses, tmp_path / "a").title == "as it was begun"


def chains_of_images(spec, run, beside):
    x = np.zeros((spec.sampling.chains, *spec.data.shape), np.float32)
    y = np.repeat(x[:, None], spec.training.k, 1)
    total = spec.sampling.total_steps
    yield Started("sample", "nowhere", total, 0, spec.to_json())
    levels = np.ones(spec.sampling.levels)
    yield Ladder(levels, levels, np.full(len(levels), 5), levels, spec.sampling.evaluations)
    grey = np.zeros(x.shape, np.uint8)
    for step in (0, total):
        yield ImageFrame(step, total, 0, 1.0, x, x)
        yield FilmFrame(step, 0, 1.0, grey, grey, y, np.zeros(0, np.int64))
    yield Samples(x, y, 0, spec.to_json())
    yield Finished(total, 0.1, "")


def nothing_yet(spec, run, beside):
    """Chains that have begun and shown nothing."""
    yield Started("sample", "nowhere", spec.sampling.total_steps, 0, spec.to_json())


def test_what_the_images_page_writes_carries_the_settings_that_made_it(alone, clock, tmp_path):
    made_with = load_preset("digits-30s").replace_all(SHORT)
    engine = Saved(sample=chains_of_images, train=training)
    page = alone(ImagesPage, Experiment(made_with), engine, clock, NetworkStore())
    page.act("train")
    ticks(clock)
    page.act("sample")
    ticks(clock)
    engine._events = {"sample": nothing_yet}
    page.experiment.set(made_with.replace_all({"sampling.levels": 7, "sampling.seed": 5, "training.batch": 8}))
    ticks(clock)
    assert page.gallery.spec_json != made_with.to_json(), "new chains have begun"
    found = {export.name: carried(engine, page, clock, export, tmp_path / "a") for export in page.exports()
             if export.suffix in (".png", ".npz", ".gif")}  # fmt: skip
    assert found.keys() >= {"samples", "chains", "held-out", "losses"}
    assert set(found.values()) == {made_with}


def test_the_strip_of_a_network_that_is_gone_keeps_its_settings(alone, clock, tmp_path):
    """An opened run without held-out images leaves those of the training before on the screen."""
    made_with = load_preset("digits-30s").replace_all(SHORT)
    engine = Saved(train=training)
    page = alone(ImagesPage, Experiment(made_with), engine, clock, NetworkStore())
    page.act("train")
    ticks(clock)
    page.load(made_with.replace("training.k", 2), tmp_path)
    ticks(clock)
    strips = [export for export in page.exports() if export.name == "held-out"]
    assert all(carried(engine, page, clock, strip, tmp_path / "a") == made_with for strip in strips)

"""The images page when it is seen for the first time: chains and a strip by the shipped network, without a button."""

from __future__ import annotations

import numpy as np
import pytest
from fake_engine import FakeEngine

from msd_engine.events import Failed, Finished, ImageFrame, Ladder, Started, StripFrame
from msd_engine.specs import load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.images.page import ImagesPage
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore, shipped

FEW = 32
SHAPE = (1, 28, 28)


def chains(spec, run, count):
    images = np.zeros((count, *SHAPE), np.float32)
    levels = np.ones(spec.sampling.levels)
    yield Started("sample", "nowhere", 1, 0, spec.replace("sampling.chains", count).to_json())
    yield Ladder(levels, levels, np.full(len(levels), 5), levels, spec.sampling.evaluations)
    yield ImageFrame(1, 1, 0, 1.0, images, images)
    yield Finished(1, 0.1, "")


def strip(run):
    network = next(one for one in shipped() if one.folder == run)
    clean, noisy = np.zeros((8, *SHAPE), np.float32), np.zeros((8, network.k, *SHAPE), np.float32)
    yield Started("strip", "nowhere", 0, 1, network.spec.to_json())
    yield StripFrame(1, np.ones(8, np.float32), clean, noisy, clean, np.zeros(8, np.float32))
    yield Finished(1, 0.1, "")


@pytest.fixture
def page(qtbot, monkeypatch):
    """Make a hidden page that runs its jobs in place, on an engine that says FEW chains."""
    monkeypatch.setenv(SYNCHRONOUS, "1")

    def make(preset="mnist-2min", **events):
        known = {
            "sample_at_first_sight": lambda spec, run: chains(spec, run, FEW),
            "sample": lambda spec, run, beside: chains(spec, run, spec.sampling.chains),
            "held_out_strip": strip,
        }
        engine, clock = FakeEngine(**(known | events)), ScreenClock()
        page = ImagesPage(Experiment(load_preset(preset)), engine, clock, NetworkStore())
        qtbot.addWidget(page)
        page.begin()
        ticked(clock)
        engine.jobs()
        return page, engine, clock

    return make


def ticked(clock):
    for _ in range(3):
        clock.tick.emit()


def drawn(page):
    return page.gallery.made.spec.sampling


def test_nothing_is_drawn_until_the_page_is_seen_and_then_once(page):
    page, engine, clock = page()
    assert page.gallery.made is None
    page.set_watched(True)
    assert engine.jobs() == ["held_out_strip", "sample_at_first_sight"]
    ticked(clock)
    assert len(page.gallery.latest.x_hat) == FEW
    assert page.shown.held_out is not None
    assert "pretrained" in page.shown.strip_heading.text()
    assert not page.gallery.older()
    assert not page.gallery.faded
    page.set_watched(False)
    page.set_watched(True)
    assert engine.jobs() == []


def test_sample_draws_all_chains_of_the_same_seed_and_then_the_next_seed(page):
    page, _engine, clock = page()
    page.set_watched(True)
    ticked(clock)
    before = page.experiment.spec
    page.act("sample")
    ticked(clock)
    assert page.experiment.spec == before
    assert drawn(page) == before.sampling
    page.act("sample")
    ticked(clock)
    assert drawn(page).seed == before.sampling.seed + 1


def test_a_changed_setting_draws_as_many_chains_again_and_another_number_all_of_them(page):
    page, engine, clock = page()
    page.set_watched(True)
    ticked(clock)
    engine.jobs()
    page.experiment.set(page.experiment.spec.replace("sampling.sigma_L", 0.3))
    ticked(clock)
    assert engine.jobs() == ["sample"]
    assert (drawn(page).chains, drawn(page).sigma_L) == (FEW, 0.3)
    page.experiment.set(page.experiment.spec.replace("sampling.chains", 50))
    ticked(clock)
    assert drawn(page).chains == 50


def test_other_data_are_drawn_at_once_if_a_network_ships_for_them(page):
    page, engine, clock = page()
    page.set_watched(True)
    ticked(clock)
    engine.jobs()
    page.load(load_preset("fashion-2min"))
    ticked(clock)
    assert engine.jobs().count("sample_at_first_sight") == 1
    assert page.gallery.made.spec.data.name == page.shown.held_out_spec.data.name == "fashion-mnist"
    # No network ships for these pictures.
    page.load(load_preset("digits-30s").replace("data.name", "shapes"))
    ticked(clock)
    assert not {"sample", "sample_at_first_sight", "held_out_strip"} & {*engine.jobs()}
    assert page.gallery.images() is None
    assert page.shown.held_out is None
    assert not page.shown.strip.isVisibleTo(page)
    # Back at the first data the strip is filled again.
    page.load(load_preset("mnist-2min"))
    ticked(clock)
    assert page.shown.held_out_spec.data.name == "mnist"


def test_training_takes_the_place_of_chains_that_nobody_asked_for(page):
    page, engine, clock = page()
    page.set_watched(True)
    ticked(clock)
    engine.jobs()
    page.act("train")
    ticked(clock)
    jobs = engine.jobs()
    assert "train" in jobs
    assert not {"sample", "sample_at_first_sight", "held_out_strip"} & {*jobs}
    assert page.chains.made is None
    assert page.shown.held_out is None


def test_missing_held_out_images_are_offered_and_come_after_the_download(page):
    missing = [Started("strip", "nowhere", 0, 1, load_preset("mnist-2min").to_json()), Failed("Not here.", "", "mnist")]
    page, engine, clock = page(held_out_strip=lambda run: missing)
    offered, errors = [], []
    page.data_missed.connect(lambda text, name: offered.append(name))
    page.failed.connect(lambda text, _: errors.append(text))
    page.set_watched(True)
    ticked(clock)
    assert (offered, errors) == ([], [])
    assert "MNIST" in page.shown.strip_place.placeholder.sentence()
    page.shown.strip_place.placeholder.button.click()
    assert offered == ["mnist"]
    engine.jobs()
    page.files_changed()
    assert engine.jobs() == ["held_out_strip"]

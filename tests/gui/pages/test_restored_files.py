"""An opened file shows its own pictures, marked as old unless the network in use drew them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine

from msd_engine.events import FilmFrame, Finished, ImageFrame, RestoredImages, Samples, Started
from msd_engine.specs import DrawnBy, load_preset, weights_of, with_weights
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.images.page import ImagesPage
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore

SPEC = load_preset("digits-30s").replace_all({"sampling.levels": 2, "sampling.steps_per_level": 1})
WEIGHTS = DrawnBy(run="mine", step=1000, sha256="0" * 64)
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), np.uint8)
TEXT, GONE = "Restored from a.png: network mine, step 1,000.", "mine is not among your runs any more."


def restored(run: str = "", trouble: str = "") -> RestoredImages:
    return RestoredImages("a.png", IMAGES, with_weights(SPEC.to_json(), WEIGHTS), run, TEXT, trouble)


def chains(spec, run, beside):
    x = np.zeros((4, 1, 8, 8), np.float32)
    grey = np.zeros(x.shape, np.uint8)
    yield Started("sample", "nowhere", 2, 0, with_weights(spec.to_json(), WEIGHTS))
    yield ImageFrame(2, 2, 0, 1.0, x, x)
    yield FilmFrame(2, 0, 1.0, grey, grey, x[:, None], np.zeros(0, np.int64))
    yield Samples(x, x[:, None], 0, with_weights(spec.to_json(), WEIGHTS))
    yield Finished(2, 0.1, "")


@pytest.fixture
def clock():
    return ScreenClock()


@pytest.fixture
def page(qtbot, monkeypatch, clock):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    page = ImagesPage(Experiment(SPEC), FakeEngine(sample=chains), clock, NetworkStore())
    qtbot.addWidget(page)
    page.show()
    page.begin()
    return page


def ticks(clock):
    for _ in range(5):
        clock.tick.emit()


def test_pictures_of_a_network_that_is_gone_are_shown_and_dimmed(page, clock):
    page.load(SPEC)
    page.show_restored(restored(trouble=GONE))
    ticks(clock)
    np.testing.assert_array_equal(page.gallery.images(), IMAGES)
    assert page.gallery.restored_line.text() == f"{TEXT} {GONE}"
    assert page.gallery.restored_line.isVisible()
    assert page.gallery.faded
    assert not page.chains.running


def test_pictures_of_the_network_in_use_are_not_dimmed_until_another_is_used(page, clock, tmp_path):
    page.load(SPEC, tmp_path / "mine")
    page.show_restored(restored(run=str(tmp_path / "mine")))
    ticks(clock)
    np.testing.assert_array_equal(page.gallery.images(), IMAGES)
    assert page.gallery.restored_line.text() == TEXT
    assert not page.gallery.faded
    page.load(SPEC, tmp_path / "other")
    page.show_restored(restored(run=str(tmp_path / "mine")))
    assert page.gallery.faded


def test_new_chains_take_the_place_of_the_pictures(page, clock):
    page.show_restored(restored(trouble=GONE))
    page.do_sample()
    ticks(clock)
    assert page.gallery.restored is None
    assert page.gallery.restored_line.isHidden()
    assert not page.gallery.faded
    assert len(page.gallery.images()) == 4


def test_other_data_take_the_pictures_away(page, clock):
    page.show_restored(restored(trouble=GONE))
    page.experiment.set(load_preset("mnist-2min"))
    ticks(clock)
    assert page.gallery.restored is None


def test_what_is_written_again_names_the_network_that_drew_it(page, clock):
    page.show_restored(restored(trouble=GONE))
    (grid,) = [export for export in page.exports() if export.name == "samples"]
    assert "network mine, step 1,000" in grid.draft().caption
    grid.make(Path("a.png"))
    assert weights_of(page.engine.requested[-1].arguments["content"]["spec_json"]) == WEIGHTS


def test_drawn_chains_name_their_network_in_every_file(page, clock):
    page.do_sample()
    ticks(clock)
    names = []
    for export in page.exports():
        export.make(Path("a"))
        content = page.engine.requested[-1].arguments["content"]
        names.append(export.name)
        assert weights_of(content["spec_json"]) == WEIGHTS
    assert names == ["samples", "film-strip", "sampling", "chains"]

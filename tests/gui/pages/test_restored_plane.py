"""Opened files of the mixture and the denoise page show their own chains and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine
from PySide6.QtGui import QAction

from msd_engine.events import (
    Copies,
    Denoised,
    Finished,
    Restored,
    RestoredImages,
    RestoredPoints,
    Samples,
    Started,
)
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import DrawnBy, for_job, load_preset, weights_of, with_weights
from msd_gui.app.files import Files
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.denoise.page import DenoisePage
from msd_gui.pages.mixture.page import MixturePage
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore
from msd_gui.session.settings import Settings

SPEC = load_preset("two-gaussians").replace_all({"sampling.levels": 3, "sampling.steps_per_level": 2})
LOST = DrawnBy(run="mine", step=1000, sha256="0" * 64)
POINTS = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)


@pytest.fixture(autouse=True)
def in_one_thread(monkeypatch):
    monkeypatch.setenv(SYNCHRONOUS, "1")


@pytest.fixture
def clock():
    return ScreenClock()


def ticks(clock):
    for _ in range(30):
        clock.tick.emit()


# -- chains in the plane -----------------------------------------------------------------------------------------------


@pytest.fixture
def mixture(qtbot, clock):
    actions = {name: QAction(name) for name in ("play", "step", "restart")}
    engine = FakeEngine(sample=lambda spec, run, beside: sample(spec))
    page = MixturePage(Experiment(SPEC), engine, clock, NetworkStore(), actions)
    qtbot.addWidget(page)
    page.show()
    page.begin()
    ticks(clock)
    return page


def restored(*, again: bool, trained: bool = True) -> RestoredPoints:
    spec = SPEC.replace("sampling.source", "trained" if trained else "exact")
    spec_json = with_weights(spec.to_json(), LOST if trained else None)
    return RestoredPoints("a.png", POINTS, spec_json, "", "Restored from a.png.", "It is gone." * trained, again)


def opened(page, clock, event):
    page.load(SPEC.replace("sampling.source", "trained") if weights_of(event.spec_json) else SPEC)
    page.show_restored(event)
    ticks(clock)


def test_chains_of_a_network_that_is_gone_are_those_of_the_file(mixture, clock):
    opened(mixture, clock, restored(again=False))
    shown = mixture.plane.plot()
    np.testing.assert_array_equal(shown.heads, POINTS)
    assert shown.copies is None
    assert shown.colour == "learned"
    assert not mixture.chains.running
    # The page draws with the exact score now: these chains are dimmed, and their network is named.
    assert mixture.beside.words.endswith("by mine, step 1,000")
    assert mixture.beside._others
    assert mixture.chains_heading.text() == "Chains of a file"
    assert mixture.readings.texts() == []
    assert mixture.weights.plot().names == ()


def test_what_is_written_again_is_of_the_file(mixture, clock):
    opened(mixture, clock, restored(again=False))
    names = [export.name for export in mixture.exports()]
    assert names == ["trajectories"]
    mixture.exports()[0].make(Path("b.png"))
    content = mixture.engine.requested[-1].arguments["content"]
    np.testing.assert_array_equal(content["figure"].heads, POINTS)
    assert weights_of(content["spec_json"]) == LOST


def test_chains_that_the_settings_draw_again_are_drawn_with_all_their_steps(mixture, clock):
    opened(mixture, clock, restored(again=True, trained=False))
    assert mixture.player.buffer.shown.complete
    assert len(mixture.player.buffer.shown) > 1
    assert mixture.chains_heading.text() != "Chains of a file"


def test_new_chains_take_the_place_of_those_of_a_file(mixture, clock):
    opened(mixture, clock, restored(again=False))
    mixture.do_sample()
    ticks(clock)
    mixture.player.playhead.position = 1e9
    ticks(clock)
    assert len(mixture.plane.plot().heads) == SPEC.sampling.chains
    assert mixture.chains_heading.text() == "Chains at their end"


# -- denoised pictures -------------------------------------------------------------------------------------------------

DIGITS = load_preset("digits-exact")
PICTURE = np.arange(64, dtype=np.uint8).tobytes()


def denoised(spec, run):
    x = np.zeros((1, 8, 8), np.float32)
    copies = Copies(x[None], x, x, (0,))
    yield Started("denoise", "nowhere", 0, 0, spec.to_json())
    yield Denoised(
        spec.to_json(), x, 1.0, copies, None, 0.0, 0.0, *(float("nan"),) * 4, denoiser="it", exact=True, fixed_k=0,
        available=3,
    )  # fmt: skip
    yield Finished(0, 0.0, "")


@pytest.fixture
def page(qtbot, clock):
    made = DenoisePage(Experiment(DIGITS), FakeEngine(denoise=denoised), clock, NetworkStore())
    qtbot.addWidget(made)
    made.show()
    made.begin()
    ticks(clock)
    return made


def of_job(job: str, images: int = 3) -> RestoredImages:
    spec = DIGITS.replace_all({"denoise.picture": PICTURE, "denoise.sigma": 0.7})
    shades = np.arange(images, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 8, 8), np.uint8)
    names = ("x", "ȳ", "x̂") if job == "denoise" else ()
    return RestoredImages("a.png", shades, for_job(spec.to_json(), job), "", "Restored.", "", names)


def test_the_estimate_of_a_file_stands_beside_that_of_now_until_the_settings_change(page, clock):
    event = of_job("denoise")
    page.show_restored(event)
    ticks(clock)
    assert page.experiment.spec.denoise.picture == PICTURE
    assert page.experiment.spec.denoise.sigma == 0.7
    tiles = page.result.tiles()
    assert [tile.name for tile in tiles] == ["x̂, denoised", "x̂ of a.png"]
    np.testing.assert_array_equal(tiles[1].image, event.images[2])
    page.experiment.set(page.experiment.spec.replace("denoise.sigma", 0.9))
    ticks(clock)
    assert [tile.name for tile in page.result.tiles()] == ["x̂, denoised"]


def test_an_opened_file_with_the_present_settings_shows_its_estimate_too(page, clock):
    page.show_restored(of_job("denoise"))
    ticks(clock)
    page.show_restored(of_job("denoise"))
    ticks(clock)
    assert len(page.result.tiles()) == 2


@pytest.mark.parametrize("job", ["inpaint", "interpolate"])
def test_chains_of_a_file_are_shown_in_their_tab(page, clock, job):
    event = of_job(job, 5)
    page.show_restored(event)
    ticks(clock)
    assert page.tabs.currentWidget() is page.chain_task
    gallery = page.chain_task.gallery
    np.testing.assert_array_equal(gallery.images(), event.images)
    assert gallery.restored_line.text() == "Restored."
    assert page.chain_task.task == job
    assert page.experiment.spec.denoise.picture == PICTURE


@pytest.mark.parametrize(("job", "then"), [("denoise", "denoise"), ("inpaint", "denoise"), ("sample", ""), ("", "")])
def test_files_of_the_denoise_page_open_there(qtbot, clock, tmp_path, job, then):
    from PySide6.QtWidgets import QWidget

    window = QWidget()
    qtbot.addWidget(window)
    events = [Restored(DIGITS.to_json(), job=job), of_job("inpaint"), Finished(0, 0.0, "", str(tmp_path / "a.png"))]
    files = Files(window, FakeEngine(restore=events), clock, Settings(tmp_path / "settings.ini"))
    found, content = [], []
    files.restored.connect(lambda *received: found.append(received[2]))
    files.content_restored.connect(content.append)
    files.open_path(tmp_path / "a.png")
    ticks(clock)
    files.close()
    assert found == [then]
    assert len(content) == 1


def test_samples_of_earlier_chains_are_not_written_as_those_of_the_file(mixture, clock):
    assert isinstance(mixture.samples, Samples)
    opened(mixture, clock, restored(again=False))
    assert mixture.samples is None

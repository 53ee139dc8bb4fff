"""The preview of the images page: a short ladder to its end while a slider is dragged, then all chains."""

from __future__ import annotations

import numpy as np
import pytest
from fake_engine import FakeEngine

from msd_engine.events import Checkpointed, Finished, ImageFrame, Progress, Samples, Started
from msd_engine.jobs.factory.parts import descent
from msd_engine.specs import load_preset, preset_names
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.images.page import ImagesPage
from msd_gui.pages.images.preview import FEWEST_CHAINS, FEWEST_STEPS, PREVIEW_CHAINS, PREVIEW_S, short
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore

OF_IMAGES = [name for name in preset_names() if load_preset(name).data.kind == "images"]


@pytest.mark.parametrize("name", OF_IMAGES)
@pytest.mark.parametrize("pace", [0.0, 30.0, 500.0, 1e5])
def test_a_preview_goes_down_to_the_last_noise_within_its_time(name, pace):
    spec = load_preset(name)
    few = short(spec, pace)
    ladder = descent(few).ladder
    assert ladder[0] == pytest.approx(spec.sampling.sigma_1)
    assert ladder[-1] == pytest.approx(spec.sampling.sigma_L)
    chains = few.sampling.chains
    assert min(FEWEST_CHAINS, spec.sampling.chains) <= chains <= PREVIEW_CHAINS
    assert few.sampling.total_steps <= max(FEWEST_STEPS, pace * PREVIEW_S / chains)
    assert few.sampling.total_steps <= spec.sampling.total_steps
    kept = {"training", "data", "noise", "network"}
    assert all(getattr(few, part) == getattr(spec, part) for part in kept)
    assert few.sampling.sampler == spec.sampling.sampler


def test_a_preview_shows_the_wall_and_takes_larger_steps_before_it():
    spec = load_preset("digits-exact").replace("sampling.sampler", "langevin")
    assert short(spec.replace("sampling.step_ratio", 2.5), 100.0).sampling.blows_up
    slow = spec.replace_all({"sampling.step_ratio": 0.01, "sampling.steps_per_level": 100})
    assert 0.01 < short(slow, 100.0).sampling.step_ratio <= 0.5
    quick = spec.replace_all({"sampling.levels": 2, "sampling.steps_per_level": 2, "sampling.chains": 3})
    assert short(quick, 0.0) == quick


# -- on the page -------------------------------------------------------------------------------------------------------


def pictures(spec, level):
    """All chains as one grey level."""
    n, k = spec.sampling.chains, spec.training.k
    x = np.full((n, 1, 8, 8), level, np.float32)
    total = spec.sampling.total_steps
    yield Started("sample", "nowhere", total, 0, spec.to_json())
    yield ImageFrame(total, total, spec.sampling.levels - 1, spec.sampling.sigma_L, x, x)
    yield Progress(total, total, 100.0, 100.0 * n, 1.0, 0.0, "")
    yield Samples(x, np.repeat(x[:, None], k, axis=1), 0, spec.to_json())
    yield Finished(total, 1.0, "")


@pytest.fixture
def clock():
    """A clock that ticks when the test says so."""
    return ScreenClock()


@pytest.fixture
def make(qtbot, monkeypatch, clock):
    monkeypatch.setenv(SYNCHRONOUS, "1")

    def show(preset, **jobs):
        sample = lambda spec, run, beside: pictures(spec, 0.5)  # noqa: E731
        preview = lambda task, spec, run, start: pictures(spec, -0.5)  # noqa: E731
        engine = FakeEngine(sample=sample, chain_task=preview, **jobs)
        page = ImagesPage(Experiment(load_preset(preset)), engine, clock, NetworkStore())
        qtbot.addWidget(page)
        page.show()
        page.begin()
        return page, engine

    return show


def tick(clock):
    for _ in range(3):
        clock.tick.emit()


def tones(page, monkeypatch, act):
    """Return the grey levels of the tiles that an action has shown last."""
    shown = []
    set_images = page.gallery.grid.set_images
    monkeypatch.setattr(page.gallery.grid, "set_images", lambda images: (shown.append(images), set_images(images)))
    act()
    monkeypatch.undo()
    return shown[-1].mean(axis=(1, 2, 3)).round(2).tolist() if shown else []


def test_a_drag_shows_previews_over_the_dimmed_grid_and_its_end_all_chains(make, clock, monkeypatch):
    page, engine = make("digits-exact")
    tick(clock)
    n = page.experiment.spec.sampling.chains
    before = page.gallery.samples
    engine.jobs()

    def drag():
        page.form.editing_started.emit("sampling.step_ratio")
        for ratio in (0.02, 0.03):
            page.experiment.set(page.experiment.spec.replace("sampling.step_ratio", ratio))
            tick(clock)

    observed = tones(page, monkeypatch, drag)
    few = next(one for one in engine.requested if one.job == "chain_task").arguments["spec"].sampling.chains
    assert observed == [-0.5] * few + [0.5] * (n - few)
    assert page.gallery.grid._dimmed == few
    assert not page.gallery.faded
    # A preview is no sampling: neither samples nor verdicts come of it.
    assert page.gallery.samples is before
    assert "sample" not in engine.jobs()

    def let_go():
        page.form.editing_finished.emit("sampling.step_ratio")
        tick(clock)

    assert tones(page, monkeypatch, let_go) == [0.5] * n
    assert page.gallery.grid._dimmed is None
    assert engine.jobs().count("sample") == 1


def test_a_drag_back_to_where_it_began_draws_nothing_and_shows_the_chains_again(make, clock, monkeypatch):
    page, engine = make("digits-exact")
    tick(clock)
    ratio = page.experiment.spec.sampling.step_ratio
    engine.jobs()

    def drag():
        page.form.editing_started.emit("sampling.step_ratio")
        for value in (0.02, ratio):
            page.experiment.set(page.experiment.spec.replace("sampling.step_ratio", value))
            tick(clock)
        page.form.editing_finished.emit("sampling.step_ratio")
        tick(clock)

    assert tones(page, monkeypatch, drag) == [0.5] * page.experiment.spec.sampling.chains
    assert "sample" not in engine.jobs()


def test_r_stays_while_the_last_noise_is_dragged(make, clock):
    page, _ = make("digits-exact")
    ratio = page.experiment.spec.sampling.step_ratio
    page.form.slider("sampling.sigma_L").change_value(0.05)
    sampling = page.experiment.spec.sampling
    assert (sampling.step_ratio, sampling.epsilon) == (ratio, ratio * 0.05**2)


def test_chains_are_drawn_again_from_the_start_of_a_training_without_a_press_of_sample(make, clock):
    def train(spec, run, resume):
        yield Started("train", "nowhere", 10, 0, spec.to_json())
        yield Checkpointed(1, "run")

    page, engine = make("digits-30s", train=train)
    # Another network than any shipped one.
    page.experiment.set(page.experiment.spec.replace_all({"training.k": 3}))
    page.gallery.repeat.setChecked(True)
    assert engine.jobs().count("sample") == 0
    page.do_train()
    tick(clock)
    assert engine.jobs().count("sample") >= 1


def test_without_the_wish_a_training_draws_nothing(make, clock):
    page, engine = make("digits-30s", train=lambda spec, run, resume: [Checkpointed(1, "run")])
    page.experiment.set(page.experiment.spec.replace_all({"training.k": 3}))
    page.do_train()
    tick(clock)
    assert "sample" not in engine.jobs()

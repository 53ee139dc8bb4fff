"""Pages alone: no window, no thread, no engine; the test ticks the clock, so that nothing depends on the time."""

from __future__ import annotations

import numpy as np
import pytest
from fake_engine import FakeEngine
from made_runs import make
from PySide6.QtGui import QAction

from msd_engine.events import ChainSegment, Failed, Finished, Ladder, Notice, Progress, Started
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.base.page import Page, Status
from msd_gui.pages.images.page import ImagesPage
from msd_gui.pages.mixture.page import MixturePage
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore

STEPS = 3


def ladder(spec):
    levels = np.ones(spec.sampling.levels)
    return Ladder(levels, levels, np.full(len(levels), 5), levels, spec.sampling.evaluations)


def plane_chains(spec, run, beside):
    """Chains that all stand at ε, whatever the step."""
    shape = (STEPS + 1, spec.sampling.chains, spec.training.k, 2)
    y = np.full(shape, spec.sampling.step_ratio, np.float32)
    steps = np.arange(STEPS + 1)
    yield Started("sample", "nowhere", STEPS, 0, spec.to_json())
    yield ladder(spec)
    yield ChainSegment(steps, 0 * steps, np.ones(STEPS + 1), np.ones(STEPS + 1), y, y[:, :, 0], STEPS)
    yield Finished(STEPS, 0.1, "")


@pytest.fixture
def clock():
    """A clock that ticks when the test says so."""
    return ScreenClock()


@pytest.fixture
def alone(qtbot, monkeypatch):
    """Show a page that runs its jobs in place."""
    monkeypatch.setenv(SYNCHRONOUS, "1")

    def show(page_class, *parts):
        page = page_class(*parts)
        qtbot.addWidget(page)
        page.show()
        return page

    return show


@pytest.fixture
def mixture(alone, clock):
    engine = FakeEngine(sample=plane_chains)
    actions = {name: QAction(name) for name in ("play", "step", "restart")}
    return alone(MixturePage, Experiment(load_preset("ncsn-toy")), engine, clock, NetworkStore(), actions)


def test_new_chains_are_shown_in_the_tick_that_brings_them(mixture, clock, monkeypatch):
    shown = []
    monkeypatch.setattr(mixture.plane, "show_plane", lambda **parts: shown.append(parts))
    mixture.player.playhead.playing = False
    mixture.begin()
    for ratio in (0.5, 0.25, 0.125):
        mixture.experiment.set(mixture.experiment.spec.replace("sampling.step_ratio", ratio))
        shown.clear()
        clock.tick.emit()
        (heads,) = (parts["heads"] for parts in shown if "heads" in parts)
        assert (heads == np.float32(ratio)).all()


def image_chains(spec, run, beside):
    """Chains of images that end before there is anything to see."""
    yield Started("sample", "nowhere", spec.sampling.total_steps, 0, spec.to_json())
    yield ladder(spec)
    yield Finished(spec.sampling.total_steps, 0.1, "")


@pytest.fixture
def images(alone, clock):
    def make(preset, sample=image_chains):
        engine = FakeEngine(sample=sample, ladder=lambda spec, run: [ladder(spec)])
        return alone(ImagesPage, Experiment(load_preset(preset)), engine, clock, NetworkStore()), engine

    return make


def jobs_of_change(page, engine, clock, path, value):
    """Change a field, let the jobs that it begins end, and return their names."""
    page.experiment.set(page.experiment.spec.replace(path, value))
    for _ in range(3):
        clock.tick.emit()
    spec = page.experiment.spec
    assert f"{spec.sampling.evaluations:,} evaluations" in page.ladder_controls.caption.text()
    return engine.jobs()


def test_chains_that_are_drawn_tell_their_ladder_and_no_second_job_does(images, clock):
    page, engine = images("digits-exact")
    page.begin()
    assert jobs_of_change(page, engine, clock, "sampling.step_ratio", 0.01) == ["sample", "sample"]
    assert jobs_of_change(page, engine, clock, "sampling.step_ratio", 0.02) == ["sample"]
    assert jobs_of_change(page, engine, clock, "sampling.levels", 7) == ["sample"]
    # While a slider is dragged, a few chains are drawn down another ladder.
    page.form.editing_started.emit("sampling.levels")
    assert jobs_of_change(page, engine, clock, "sampling.levels", 8) == ["chain_task", "ladder"]
    page.form.editing_finished.emit("sampling.levels")
    assert engine.jobs() == ["sample"]


def test_k_dragged_away_and_back_draws_nothing_and_says_why_on_the_images_page(images, clock, tmp_path):
    page, engine = images("digits-30s")
    page.begin()
    run = make(tmp_path / "run")
    page.load(Run.open(run).spec, run)
    clock.tick.emit()
    engine.jobs()
    page.act("sample")
    clock.tick.emit()
    assert engine.jobs() == ["sample"]
    shown = page.gallery.made
    for k in (5, 3):
        page.form.slider("training.k").change_value(k)
        assert page.card.problem.title == "This network has k = 8"
        assert not page.can("sample")
        assert "k = 8" in page.why_not("sample")
    assert page.gallery.made == shown
    assert page.gallery.older() == "drawn with k = 8"
    assert page.gallery.faded
    page.card.press(0)
    assert page.card.isHidden()
    assert page.gallery.older() == ""
    assert not page.gallery.faded
    assert page.can("sample")
    assert "sample" not in engine.jobs()
    page.form.slider("training.k").change_value(1)
    page.card.press(
        [remedy.label for remedy in page.card.problem.remedies].index("Use the pretrained network for k = 1")
    )
    assert engine.requested[-1].arguments["run"].name == "digits"


def test_a_network_that_is_not_there_is_said_with_every_way_on_on_the_mixture_page(mixture):
    mixture.begin()
    mixture.form.control("sampling.source").change_value("trained")
    assert mixture.experiment.spec.sampling.source == "trained"
    k = mixture.experiment.spec.training.k
    labels = [remedy.label for remedy in mixture.card.problem.remedies]
    assert labels == ["Use the exact score", f"Train for k = {k}", "Train for every k"]
    mixture.card.press(0)
    assert mixture.resolved.serves
    mixture.form.control("sampling.source").change_value("trained")
    mixture.card.press(1)
    assert mixture.engine.jobs().count("train") == 1


def test_fixed_noise_is_one_step_of_undo_with_all_that_it_brings(mixture):
    mixture.begin()
    before = mixture.experiment.spec
    mixture.form.control("sampling.method").change_value("fixed")
    sampling = mixture.experiment.spec.sampling
    assert (sampling.method, sampling.start, sampling.steps_per_level) == ("fixed", "uniform", 1000)
    assert mixture.form.control("sampling.start").value() == "uniform"
    mixture.experiment.undo()
    assert mixture.experiment.spec == before
    assert mixture.form.value() == before
    assert not mixture.experiment.can_undo


def test_where_no_chains_are_drawn_one_job_tells_the_ladder(images, clock):
    page, engine = images("digits-30s")
    page.begin()
    assert jobs_of_change(page, engine, clock, "sampling.levels", 7) == ["ladder"]
    assert jobs_of_change(page, engine, clock, "sampling.chains", 5) == []


def test_a_sampling_that_fails_before_its_ladder_leaves_it_to_the_job(images, clock, qtbot):
    page, engine = images("digits-exact", sample=lambda spec, run, beside: [Failed("no memory")])
    page.begin()
    with qtbot.waitSignal(page.failed):
        assert jobs_of_change(page, engine, clock, "sampling.levels", 7) == ["sample", "sample", "ladder"]


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        ((), ["shown", "wise", "shown", "broken", "shown", "mnist"]),
        ((Notice,), ["shown", "shown", "broken", "shown", "mnist"]),
        ((Failed,), ["shown", "wise", "shown", "shown"]),
    ],
)
def test_a_page_tells_the_window_of_notices_and_failures_after_it_has_shown_them(alone, clock, apart, expected):
    page, received = alone(Page, FakeEngine(), clock), []
    page.noticed.connect(received.append)
    page.failed.connect(lambda text, _details: received.append(text))
    page.data_missed.connect(lambda _text, name: received.append(name))
    runner = page.runner(lambda _event: received.append("shown"), apart=apart)
    events = [Notice("wise"), Failed("broken"), Failed("no data", missing="mnist")]
    runner.submit(lambda _cadence, _live: (event for event in events))
    clock.tick.emit()
    assert received == expected


def test_a_job_is_held_and_goes_on_and_the_next_one_is_not_held(alone, clock):
    page = alone(Page, FakeEngine(), clock)
    runner, nothing = page.runner(lambda _event: None), page.engine.warm_up()
    runner.submit(nothing)
    assert not runner.held
    runner.hold()
    assert runner.held
    assert runner.live.paused
    runner.submit(nothing)
    assert not runner.held
    runner.hold()
    runner.hold()
    assert not runner.held
    runner.hold()
    clock.tick.emit()
    assert not runner.held, "nothing runs any more"


def test_the_status_of_a_job_says_how_far_it_has_come():
    event = Progress(3, 12, 2.5, 1.0, 4.0, 0.0, "reading")
    assert Status.of(event) == Status("reading", "", 0.25, event.left_s)
    assert Status.of(event, "Sampling") == Status("Sampling, step 3 of 12", "2.5 steps/s", 0.25, event.left_s)
    assert Status.of(Progress(3, 0, 2.5, 1.0, 4.0, 0.0, "reading")).fraction is None

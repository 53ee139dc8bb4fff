"""The sampling job: events in order, one history whatever the cadence, chains that blow up, pauses, failures."""

import itertools
import math
import threading

import numpy as np
import pytest
import torch
from company import assert_same_chains

from msd_engine.events import (
    ChainReport,
    ChainSegment,
    Failed,
    FilmFrame,
    Finished,
    ImageFrame,
    Progress,
    Samples,
    Started,
    Tick,
)
from msd_engine.jobs.sampling import sample as sample_module
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools import frames
from msd_engine.jobs.tools.frames import stride_of
from msd_engine.jobs.training.train import train
from msd_engine.specs import ExperimentSpec, Live, MixtureSpec, load_preset
from msd_engine.specs.live import NEVER, Every


class Always:
    def due(self):
        return True


class Now:
    """A cadence that is due at the moments given by number."""

    def __init__(self, *numbers):
        self._count = itertools.count()
        self._numbers = numbers

    def due(self):
        return next(self._count) in self._numbers


@pytest.fixture(autouse=True)
def _look_up_at_every_step(monkeypatch):
    monkeypatch.setattr(sample_module, "_PAUSE_S", 0.0)


def small(preset="ncsn-toy", **sampling):
    values = {"chains": 6, "levels": 4, "steps_per_level": 10} | sampling
    return load_preset(preset).replace_all({f"sampling.{name}": value for name, value in values.items()})


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def history(events):
    segments = of(ChainSegment, events)
    return {name: np.concatenate([getattr(s, name) for s in segments]) for name in ("steps", "level", "y", "x_hat")}


@pytest.mark.parametrize("preset", ["two-gaussians", "ncsn-toy", "ring-8", "grid-25"])
def test_the_presets_draw_all_modes_with_their_width(preset):
    events = list(sample(load_preset(preset)))
    assert isinstance(events[0], Started)
    assert isinstance(events[-2], Samples)
    assert isinstance(events[-1], Finished)
    (report,) = of(ChainReport, events)
    chains = events[-2].x_hat.shape[0]
    error = np.sqrt(report.true_weights * (1 - report.true_weights) / chains)
    assert np.all(np.abs(report.mode_weights - report.true_weights) < 4 * error)
    assert report.within_std == pytest.approx(report.predicted_std, rel=4 / math.sqrt(2 * chains * 2))
    assert report.alive == 1.0


def test_the_events_hold_what_they_promise():
    spec = small()
    events = list(sample(spec))
    whole = history(events)
    samples = of(Samples, events)[0]
    assert whole["steps"].tolist() == list(range(41))
    assert whole["level"].tolist() == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 11
    assert whole["y"].shape == (41, 6, 8, 2)
    assert whole["x_hat"].shape == (41, 6, 2)
    assert whole["y"].dtype == whole["x_hat"].dtype == samples.y.dtype == samples.x_hat.dtype == np.float32
    assert np.array_equal(samples.y, whole["y"][-1])
    assert np.array_equal(samples.x_hat, whole["x_hat"][-1])
    assert ExperimentSpec.from_json(samples.spec_json) == spec
    assert samples.seed == spec.sampling.seed
    assert of(ChainSegment, events)[0].total == of(Started, events)[0].total == 40
    assert of(Progress, events)[-1].step == of(Finished, events)[0].step == 40


@pytest.mark.parametrize("cadence", [Always(), Now(3, 4, 29), Every(1000.0)], ids=["always", "some", "clock"])
def test_the_cadence_changes_the_cuts_and_nothing_else(cadence):
    whole, cut = history(list(sample(small()))), history(list(sample(small(), cadence=cadence)))
    for name, values in whole.items():
        assert np.array_equal(cut[name], values)


@pytest.mark.parametrize("start", ["gaussian", "uniform"])
def test_a_chain_is_the_same_for_any_number_of_chains(start):
    whole = history(list(sample(small(chains=20, start=start))))
    for chains in (1, 7):
        part = history(list(sample(small(chains=chains, start=start))))
        assert np.array_equal(part["y"], whole["y"][:, :chains])
        assert np.array_equal(part["x_hat"], whole["x_hat"][:, :chains])


def test_a_tick_comes_at_least_once_per_level_of_an_exact_chain():
    assert len(of(Tick, list(sample(small())))) >= 4


def test_segments_come_when_due_and_join_without_a_gap():
    events = list(sample(small(), cadence=Now(0, 2)))
    assert [s.steps.tolist() for s in of(ChainSegment, events)] == [
        list(range(10)),
        list(range(10, 30)),
        list(range(30, 41)),
    ]


def test_a_long_history_is_kept_with_a_stride_and_both_ends(monkeypatch):
    monkeypatch.setattr(frames, "_HISTORY_STATES", 8)
    steps = history(list(sample(small(), cadence=Always())))["steps"].tolist()
    assert steps == [0, 6, 12, 18, 24, 30, 36, 40]


@pytest.mark.parametrize("chains", [1, 100, 5000, 100_000])
@pytest.mark.parametrize("total", [1, 1000, 1_000_000])
def test_the_history_stays_within_its_bounds(chains, total):
    stride = stride_of(total, chains, 8, 2)
    states = 1 + math.ceil(total / stride)
    assert states <= 4000
    assert states * chains * 9 * 2 * 4 <= 48e6 or states == 2


def test_fixed_noise_is_a_ladder_of_one_level():
    events = list(sample(small(method="fixed")))
    segment = of(ChainSegment, events)[0]
    assert segment.total == 10
    assert set(segment.sigma.tolist()) == {1.0}


@pytest.mark.parametrize(("sigma", "low", "high"), [(1.0, 0.99, 1.0), (40.0, 0.3, 0.95)])
def test_chains_stay_in_their_mode_at_small_noise_and_cross_at_large_noise(sigma, low, high):
    events = list(sample(small(method="fixed", sigma_L=sigma, chains=300, steps_per_level=400), cadence=Always()))
    *before, report = of(ChainReport, events)
    assert low <= report.stayed <= high
    assert all(math.isnan(each.stayed) for each in before)


def test_without_the_jump_the_samples_are_the_mean_copies():
    samples = of(Samples, list(sample(small(jump=False))))[0]
    np.testing.assert_allclose(samples.x_hat, samples.y.mean(1), atol=1e-6)


def test_beyond_the_wall_chains_are_shown_as_lost_and_nothing_breaks():
    events = list(sample(small(step_ratio=4.0, steps_per_level=200), cadence=Always()))
    whole = history(events)
    report = of(ChainReport, events)[-1]
    assert report.alive == 0.0
    assert np.isinf(report.predicted_inflation)
    assert np.isnan(report.within_std)
    assert np.nanmax(np.abs(whole["y"])) <= 1e6
    assert isinstance(events[-1], Finished)
    assert "6 of 6 chains blew up" in events[-1].text


def test_inflation_of_the_report_is_that_of_the_theory():
    report = of(ChainReport, list(sample(small(chains=400, step_ratio=1.0, levels=2, steps_per_level=40))))[0]
    assert report.predicted_inflation == pytest.approx(2.0)
    assert report.residual_inflation == pytest.approx(2.0, rel=0.05)


def test_closing_stops_at_once():
    job = sample(small(steps_per_level=1_000_000))
    for _ in range(20):
        next(job)
    job.close()
    with pytest.raises(StopIteration):
        next(job)


def test_a_pause_holds_the_chains_and_changes_nothing():
    live = Live()
    job = sample(small(), live=live)
    events = [next(job) for _ in range(6)]
    live.pause()
    held = [next(job) for _ in range(4)]
    assert isinstance(held[0], ChainSegment)
    assert all(isinstance(event, Tick | ChainReport) for event in held[1:])
    threading.Timer(0.05, live.resume).start()
    events += held + list(job)
    for name, values in history(list(sample(small()))).items():
        assert np.array_equal(history(events)[name], values)


@pytest.mark.parametrize("dim", [1, 3])
def test_mixtures_outside_the_plane_give_samples_without_a_history(dim):
    eye = tuple(tuple(float(i == j) for j in range(dim)) for i in range(dim))
    data = MixtureSpec(name="custom", weights=(1.0,), means=((0.5,) * dim,), covariances=(eye,))
    events = list(sample(small().replace("data", data)))
    assert of(Samples, events)[0].x_hat.shape == (6, dim)
    assert of(ChainReport, events)[0].r_hat.shape == (dim,)
    assert not of(ChainSegment, events)


def test_what_the_user_can_fix_is_reported_in_one_sentence(tmp_path):
    trained = small(source="trained")
    bad = MixtureSpec(name="custom", weights=(1.0,), means=((0.0,),), covariances=(((-1.0,),),))
    for events, word in (
        (sample(trained), "train one first"),
        (sample(trained, run_dir=tmp_path / "none"), "none"),
        (sample(small(), device="abacus"), "abacus"),
        (sample(small().replace("data", bad)), "positive definite"),
    ):
        (failed,) = list(events)
        assert isinstance(failed, Failed)
        assert word in failed.text
        assert "\n" not in failed.text


@pytest.fixture(scope="module")
def point_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "points"
    spec = load_preset("ncsn-toy").replace_all({"training.steps": 5, "training.k": 3, "network.width": 16})
    assert isinstance(list(train(spec, folder))[-1], Finished)
    return folder, spec


def test_a_trained_chain_is_the_same_in_any_company(point_run):
    folder, spec = point_run
    spec = spec.replace_all(
        {"sampling.source": "trained", "sampling.levels": 3, "sampling.steps_per_level": 4, "sampling.chains": 300}
    )
    whole = history(list(sample(spec, run_dir=folder)))
    assert np.isfinite(whole["y"]).all()
    for chains in (1, 64, 256):
        part = history(list(sample(spec.replace("sampling.chains", chains), run_dir=folder, cadence=Always())))
        assert_same_chains(part["y"], whole["y"][:, :chains])


def test_a_run_for_other_copies_or_other_data_is_refused(point_run):
    folder, spec = point_run
    spec = spec.replace("sampling.source", "trained")
    digits = load_preset("digits-30s").replace("training.k", 3)
    for wanted, word in ((spec.replace("training.k", 2), "set training.k to 3"), (digits, "another shape")):
        (failed,) = list(sample(wanted, run_dir=folder))
        assert isinstance(failed, Failed)
        assert word in failed.text


@pytest.fixture(scope="module")
def image_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    spec = load_preset("digits-30s").replace_all(
        {"training.steps": 2, "training.seconds": 0.0, "training.batch": 16, "training.k": 2, "network.width": 8}
    )
    spec = spec.replace_all({"sampling.chains": 18, "sampling.levels": 20, "sampling.steps_per_level": 2})
    assert isinstance(list(train(spec, folder))[-1], Finished)
    return folder, spec


def test_images_give_frames_a_film_and_samples(image_run):
    folder, spec = image_run
    events = list(sample(spec, run_dir=folder, cadence=Now(5, 17)))
    assert [frame.step for frame in of(ImageFrame, events)] == [5, 17, 40]
    film = of(FilmFrame, events)
    steps = [frame.step for frame in film]
    assert steps == list(range(41))
    assert film[0].x_hat.shape == film[0].y.shape == (18, 1, 8, 8)
    assert film[0].x_hat.dtype == film[0].y.dtype == np.uint8
    samples = of(Samples, events)[0]
    assert samples.x_hat.shape == (18, 1, 8, 8)
    assert samples.y.shape == (18, 2, 1, 8, 8)
    assert np.array_equal(of(ImageFrame, events)[-1].x_hat, samples.x_hat)
    expected = np.clip(np.round((samples.x_hat + 1) * 127.5), 0, 255).astype(np.uint8)
    assert np.array_equal(film[-1].x_hat, expected)
    assert np.array_equal(film[-1].copies, samples.y)


def test_an_image_chain_is_the_same_in_any_company(image_run):
    folder, spec = image_run
    whole = of(Samples, list(sample(spec, run_dir=folder)))[0]
    for chains in (1, 16, 17):
        part = of(Samples, list(sample(spec.replace("sampling.chains", chains), run_dir=folder, cadence=Always())))[0]
        assert_same_chains(part.y, whole.y[:chains])
        assert_same_chains(part.x_hat, whole.x_hat[:chains])


def test_never_is_never_due_and_every_keeps_its_rate(monkeypatch):
    assert not NEVER.due()
    now = [10.0]
    monkeypatch.setattr("msd_engine.specs.live.time.perf_counter", lambda: now[0])
    cadence = Every(4.0)
    answers = []
    for _ in range(9):
        answers.append(cadence.due())
        now[0] += 0.125
    assert answers == [True, False] * 4 + [True]


def test_the_job_leaves_gradients_switched_on():
    job = sample(small(), cadence=Always())
    next(job)
    next(job)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    job.close()


def test_states_that_follow_each_other_in_memory_are_reported_without_a_copy():
    whole = np.random.default_rng(0).random((12, 2), dtype=np.float32)
    together = frames._joined([whole[2:5], whole[5:6], whole[6:9]])
    assert np.shares_memory(together, whole)
    for parts in ([whole[2:5], whole[6:9]], [whole[2:5], whole[5:6].copy()], [whole[:2] + 1, whole[2:3]]):
        joined = frames._joined(parts)
        assert not np.shares_memory(joined, whole)
        np.testing.assert_array_equal(joined, np.concatenate(parts))
    np.testing.assert_array_equal(together, whole[2:9])

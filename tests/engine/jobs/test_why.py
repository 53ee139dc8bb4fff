"""The experiment on why chains die: its changes, its counts, and how often it names a cause, rightly or not."""

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
import torch

from msd_engine.data.mixture import GaussianMixture
from msd_engine.events import Explained, Failed, Finished, Progress, Started, Tick, Trial
from msd_engine.events.causes import Drift
from msd_engine.jobs.sampling import why as module
from msd_engine.jobs.sampling.why import changes, why, with_chances
from msd_engine.jobs.training.train import train
from msd_engine.metrics.chains.figures import off_the_data
from msd_engine.metrics.errors import trials
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset, model_folder
from msd_engine.specs.live import Every

CHAINS = 16
CHANGES = ("network", "guidance", "steps", "seed")


@pytest.fixture
def quick_tests(monkeypatch):
    """Remember each of the few hundred possible tables."""
    monkeypatch.setattr(module, "helped", cache(trials.helped))


def causes(base: float, shares: Mapping[str, float], experiments: int, leftover: float = 0.0) -> list[str]:
    """Return the named cause of many simulated experiments, empty for none."""
    rng = np.random.default_rng(0)
    named = []
    for _ in range(experiments):
        done = [Trial("", "as is", {}, int(rng.binomial(CHAINS, base)), CHAINS)]
        done += [Trial(name, name, {}, int(rng.binomial(CHAINS, share)), CHAINS) for name, share in shares.items()]
        cause = Explained("", with_chances(done), len(done), leftover).cause
        named.append("" if cause is None else cause.cause)
    return named


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_without_any_effect_a_cause_is_named_in_one_of_twenty_at_most(quick_tests, share):
    named = causes(share, dict.fromkeys(CHANGES, share), 2000)
    assert sum(name != "" for name in named) <= 0.05 * len(named)


@pytest.mark.parametrize("cause", CHANGES)
def test_a_cause_that_matters_is_found_in_four_of_five(quick_tests, cause):
    named = causes(0.4, {name: 0.95 if name == cause else 0.4 for name in CHANGES}, 1000)
    assert named.count(cause) >= 0.8 * len(named)


def test_where_a_setting_and_the_exact_score_help_it_is_the_setting(quick_tests):
    named = causes(0.4, {"network": 0.98, "guidance": 0.95, "steps": 0.4, "seed": 0.4}, 1000)
    assert named.count("guidance") >= 0.8 * len(named)
    assert named.count("steps") + named.count("seed") <= 0.05 * len(named)


def test_the_network_is_not_blamed_while_the_steps_leave_noise(quick_tests):
    named = causes(0.4, {"network": 1.0, "steps": 0.4, "seed": 0.4}, 200, leftover=1.0)
    assert "network" not in named


def test_holm_keeps_the_order_and_never_falls():
    assert trials.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert trials.holm([0.9, 0.8]) == [1.0, 1.0]
    assert trials.holm([]) == []


def test_of_exact_draws_at_most_one_in_two_hundred_is_off_the_data():
    mixture = GaussianMixture(
        [0.3, 0.7], [[0.0, 0.0], [9.0, 0.0]], [[[1.0, 0.5], [0.5, 2.0]], [[0.1, 0.0], [0.0, 3.0]]]
    )
    draws = mixture.sample(20_000, torch.Generator().manual_seed(0))
    share = off_the_data(mixture, draws, 0.0).double().mean().item()
    # These modes do not overlap: the share is one in two hundred.
    assert share == pytest.approx(0.005, abs=4 * math.sqrt(0.005 / 20_000))
    noisy = draws + 2.0 * torch.randn(draws.shape, generator=torch.Generator().manual_seed(1)).to(draws)
    assert off_the_data(mixture, noisy, 2.0).double().mean() < 0.006
    assert off_the_data(mixture, noisy, 0.0).double().mean() > 0.2
    assert off_the_data(mixture, torch.tensor([[4.5, 0.0]]).to(draws), 0.0).all()


@pytest.mark.parametrize("over", [True, False])
def test_a_class_that_goes_as_far_off_on_the_other_side_counts_the_same(over):
    found = Drift(0, 0, 0.0, 0.25, over=over)
    right = found.good(25, 100)
    assert right == (75 if over else 25)
    for off in (1, 10, 25):
        assert found.good(25 + off, 100) == found.good(25 - off, 100) == right - off


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_shares_that_no_change_moves_are_explained_in_one_of_twenty_at_most(quick_tests, share):
    rng, n, named = np.random.default_rng(1), 64, 0
    found = Drift(0, 0, 0.0, 0.1, over=True)
    for _ in range(1000):
        counts = rng.binomial(n, share, size=5)
        done = [Trial("" if not place else CHANGES[place - 1], "", {}, found.good(int(count), n), n)
                for place, count in enumerate(counts)]  # fmt: skip
        named += Explained("", with_chances(done), len(done), 0.0, "shares").cause is not None
    assert named <= 0.05 * 1000 + 3 * math.sqrt(0.05 * 0.95 * 1000)


# -- the job -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network after three steps, with earlier weights: nothing that it draws is a digit."""
    folder = tmp_path_factory.mktemp("runs") / "young"
    values = {"training.seconds": 0.0, "training.steps": 3, "network.width": 8, "training.batch": 8, "training.k": 2}
    values |= {"training.learning_rate": 0.1}
    sampling = {"sampling.levels": 8, "sampling.steps_per_level": 1, "sampling.sampler": "consistent"}
    for event in train(load_preset("digits-30s").replace_all(values | sampling), folder, device="cpu"):
        assert not isinstance(event, Failed), event.text
    return folder


def spec_of(run, **sampling):
    return Run.open(run).spec.replace_all({f"sampling.{name}": value for name, value in sampling.items()})


def test_each_applicable_change_is_tried_once(run, tmp_path):
    def titles(spec, folder):
        return [trial.title for trial in changes(spec, folder, tmp_path)]

    guided = spec_of(run, source="trained", guidance=2.0)
    assert Run.open(run).has_earlier
    assert titles(guided, run) == ["as is", "exact score", "w = 1", "T × 2", "another seed"]
    assert titles(guided.replace("sampling.guidance", 1.0), run) == ["as is", "exact score", "T × 2", "another seed"]
    assert titles(guided.replace("sampling.source", "exact"), None) == ["as is", "T × 2", "another seed"]
    # MNIST is not in this folder.
    model = model_folder("mnist")
    without = Run.open(model).spec.replace_all({"sampling.source": "trained", "sampling.guidance": 1.0})
    assert titles(without, model) == ["as is", "T × 2", "another seed"]
    most = guided.replace("sampling.steps_per_level", 1_000_000)
    assert "T × 2" not in titles(most, run)


def test_a_network_without_training_is_named_and_its_run_is_left_alone(run, tmp_path):
    spec = spec_of(run, source="trained", guidance=1.0)
    before = sorted(path.name for path in run.iterdir())
    events = list(why(spec, run_dir=run, device="cpu", cadence=Every(1000.0)))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    last = [event for event in events if isinstance(event, Explained)][-1]
    assert last.complete
    assert last.trials[0].survived < 8 < last.trials[1].survived
    assert last.cause is not None
    assert last.cause.cause == "network"
    assert events[-1].text == last.text
    steps = [event.step for event in events if isinstance(event, Progress)]
    assert steps == sorted(steps)
    assert steps[-1] == events[-1].step == [event for event in events if isinstance(event, Progress)][-1].total
    assert sorted(path.name for path in run.iterdir()) == before


def test_good_chains_in_the_plane_have_nothing_to_explain():
    spec = load_preset("two-gaussians").replace("sampling.steps_per_level", 20)
    last = [event for event in why(spec, chains=64, device="cpu") if isinstance(event, Explained)][-1]
    # Its paper's chains tell the denoiser the noise of the schedule.
    assert [trial.title for trial in last.trials] == ["as is", "actual noise", "T × 2", "another seed"]
    assert [trial.survived for trial in last.trials] == [64] * 4
    assert last.cause is None
    assert "is unclear" in last.text


def test_it_can_be_closed_between_two_steps(run):
    job = why(spec_of(run, source="trained"), run_dir=run, device="cpu")
    assert any(isinstance(event, Tick) for event, _ in zip(job, range(4), strict=False))
    job.close()


def test_without_a_network_it_fails_with_one_sentence():
    *_, last = why(load_preset("digits-30s"), device="cpu")
    assert isinstance(last, Failed)
    assert "train one first" in last.text


def test_wrong_weights_of_modes_are_counted_and_their_cause_is_found():
    # A uniform start within the reach of the data and a first noise that is too small for crossing between the modes.
    spec = load_preset("ncsn-toy").replace_all(
        {"sampling.sigma_1": 2.0, "sampling.start": "uniform", "sampling.levels": 4, "sampling.steps_per_level": 4}
    )
    events = list(why(spec, fault="shares", chains=300, device="cpu", cadence=Every(1000.0)))
    last = [event for event in events if isinstance(event, Explained)][-1]
    assert last.complete
    assert last.fault == "shares"
    assert [trial.title for trial in last.trials] == ["as is", "actual noise", "T × 2", "T / 2", "σ₁ × 2"]
    assert last.subject in last.text
    longer = dict(last.trials[-1].values)
    assert longer["sampling.sigma_1"] == 4.0
    assert longer["sampling.levels"] > 4
    steps = [event.step for event in events if isinstance(event, Progress)]
    assert steps == sorted(steps)
    assert events[-1].step >= steps[-1]


def test_right_weights_have_nothing_to_explain():
    spec = load_preset("ring-8").replace("sampling.steps_per_level", 20)
    *_, last, end = why(spec, fault="shares", chains=200, device="cpu")
    assert isinstance(last, Explained)
    assert last.complete
    assert last.cause is None
    assert last.trials == ()
    assert end.text == last.subject
    assert "no share differs" in end.text


def test_noise_left_over_is_also_tried_with_a_smaller_last_noise(run, tmp_path):
    spec = spec_of(run, source="exact", jump=False)
    titles = [trial.title for trial in changes(spec, None, tmp_path, noisy=True)]
    assert titles == ["as is", "T × 2", "last jump", "σ_L / 2", "another seed"]
    (end,) = [trial for trial in changes(spec, None, tmp_path, noisy=True) if trial.cause == "end"]
    changed = spec.replace_all(dict(end.values)).sampling
    gamma = (spec.sampling.sigma_1 / spec.sampling.sigma_L) ** (1 / (spec.sampling.levels - 1))
    assert (changed.sigma_1 / changed.sigma_L) ** (1 / (changed.levels - 1)) <= gamma * (1 + 1e-9)

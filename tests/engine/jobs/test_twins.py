"""One-sample twins of chains of k copies, and the residuals that know no data (theory §3, facts 3 and 4)."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from msd_engine.cli.main import main
from msd_engine.events import ChainSegment, Failed, Finished, Split, TwinSegment
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.sampling.twins import twins
from msd_engine.jobs.training.train import train
from msd_engine.metrics.chains.residuals import autocorrelation
from msd_engine.specs import load_preset


def small(**values):
    settings = {"sampling.chains": 9, "sampling.levels": 4, "sampling.steps_per_level": 12}
    return load_preset("two-gaussians").replace_all(settings | values)


def of(kind, events):
    events = list(events)
    assert isinstance(events[-1], Finished), events[-1]
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("data", ["ring-8", "spiral"])
def test_over_two_thousand_steps_an_exact_chain_stays_with_its_twin(data):
    count = {"data.count": 60} if data == "spiral" else {}
    spec = small(**{"data.name": data, "sampling.method": "fixed", "sampling.steps_per_level": 2000} | count)
    spec = spec.replace_all({"sampling.sigma_L": 1.5, "sampling.chains": 6, "training.k": 5})
    segments = of(TwinSegment, twins(spec))
    assert segments[-1].steps[-1] == 2000
    assert 0 < segments[-1].distance[-1] < 1e-10
    # They do move.
    assert np.ptp(segments[-1].path, axis=0).min() > 0.5


@pytest.mark.parametrize("sampler", ["langevin", "consistent", "underdamped", "predictor-corrector", "ode"])
def test_twins_are_those_of_the_chains_that_are_drawn(sampler):
    spec = small(**{"sampling.sampler": sampler, "training.k": 4})
    chains, others = of(ChainSegment, sample(spec, device="cpu")), of(TwinSegment, twins(spec))
    steps, path = (np.concatenate([getattr(each, name) for each in others]) for name in ("steps", "path"))
    np.testing.assert_array_equal(steps, np.concatenate([each.steps for each in chains]))
    means = np.concatenate([each.y for each in chains]).mean(2)
    # Chains are drawn in single precision by some samplers.
    np.testing.assert_allclose(path, means, atol=2e-3 * np.abs(means).max())
    assert others[-1].distance[-1] < 1e-11


@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0, 1.5])
def test_the_residuals_are_the_autoregression_of_the_theory(ratio):
    spec = small(
        **{
            "sampling.method": "fixed",
            "sampling.step_ratio": ratio,
            "sampling.steps_per_level": 1600,
            "sampling.chains": 100,
            "training.k": 8,
        }
    )
    (split,) = of(Split, twins(spec))
    assert split.thermometer == pytest.approx(1 / (1 - ratio / 2), rel=0.02)
    assert split.predicted == pytest.approx(1 / (1 - ratio / 2))
    np.testing.assert_allclose(split.residuals, (1 - ratio) ** split.lags, atol=0.02)
    np.testing.assert_allclose(split.expected, (1 - ratio) ** split.lags)
    # The mean knows the data, and forgets more slowly.
    assert split.means[5] > abs(1 - ratio) ** 5 + 0.1
    assert len(split.lags) > 20


def test_autocorrelation_is_that_of_a_known_series():
    import torch

    wave = torch.tensor([1.0, 0.0, -1.0, 0.0], dtype=torch.float64).repeat(50)[:, None, None]
    np.testing.assert_allclose(autocorrelation(wave, 5, centred=True), [1, 0, -1, 0, 1], atol=0.05)
    np.testing.assert_allclose(autocorrelation(wave + 7, 5), [1, 0, -1, 0, 1], atol=0.05)
    assert np.isnan(autocorrelation(wave[:, :0], 3)).all()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    made = {}
    for fusion in ("mean", "set", "concat"):
        folder = tmp_path_factory.mktemp(fusion) / "run"
        values = {"training.steps": 3, "network.fusion": fusion, "network.width": 16, "noise.quantity": "auto"}
        assert isinstance(list(train(small(**values), folder, device="cpu"))[-1], Finished)
        made[fusion] = small(**values, **{"sampling.source": "trained"}), folder
    return made


def test_a_network_departs_from_its_twin_as_far_as_it_sees_more_than_the_mean(runs):
    spec, folder = runs["mean"]
    of_mean = of(TwinSegment, twins(spec, run_dir=folder))[-1].distance[-1]
    spec, folder = runs["set"]
    of_set = of(TwinSegment, twins(spec, run_dir=folder))[-1].distance[-1]
    assert of_mean < 1e-3 < of_set


def test_chains_without_a_twin_are_refused_in_one_sentence(runs):
    spec, folder = runs["concat"]
    refused = {
        "'sde' have no one-sample twin": twins(small(**{"sampling.sampler": "sde", "training.k": 4})),
        "serves every k": twins(spec, run_dir=folder),
        "choose more copies": twins(small(**{"training.k": 1})),
        "choose Langevin": twins(small(**{"sampling.sampler": "gibbs"})),
        "choose a mixture or points": twins(load_preset("digits-exact")),
    }
    for words, events in refused.items():
        *_, last = events
        assert isinstance(last, Failed)
        assert words in last.text


def test_chains_that_blow_up_have_no_split():
    (split,) = of(Split, twins(small(**{"sampling.step_ratio": 30.0, "sampling.steps_per_level": 150})))
    assert math.isnan(split.thermometer) or split.thermometer > 1e6


def test_the_command_prints_distance_and_thermometer(capsys):
    line = ["--preset", "two-gaussians", "--levels", "2", "--steps_per_level", "8", "--r", "0.5", "--json"]
    assert main(["twins", *line, "--sampling.chains", "5"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert 0 <= reported["distance"] < 1e-12
    assert reported["predicted_thermometer"] == pytest.approx(1 / 0.75)
    assert len(reported["autocorrelation"]) == len(reported["predicted_autocorrelation"])

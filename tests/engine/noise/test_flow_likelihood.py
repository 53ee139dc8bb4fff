"""The log-likelihood by the probability flow, beside exact densities, in white and in coloured noise."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from msd_engine.cli.main import main
from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.posterior import Posterior
from msd_engine.denoisers.target import MixtureTarget
from msd_engine.events import Failed, Finished
from msd_engine.events.noise import Likelihood
from msd_engine.jobs.noise.likelihood import likelihood
from msd_engine.jobs.training.train import train
from msd_engine.metrics.chains.likelihood import Flow, flow_log_density
from msd_engine.noise.chosen import space_of
from msd_engine.specs import ExperimentSpec, MixtureSpec, NoiseSpec, load_preset

ELLIPSE = {"noise.covariance": "ellipse", "noise.elongation": 6.0, "noise.angle": 50.0}
ONE_GAUSSIAN = MixtureSpec(name="custom", weights=(1.0,), means=((1.0, -2.0),), covariances=(((3.0, 1.2), (1.2, 0.8)),))


def ended(steps):
    """Return the result of a generator."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def found(spec, **options):
    events = list(likelihood(spec, device="cpu", **options))
    assert isinstance(events[-1], Finished), events[-1]
    return next(event for event in events if isinstance(event, Likelihood))


@pytest.mark.parametrize("noise", [{}, ELLIPSE], ids=["white", "coloured"])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("data", [ONE_GAUSSIAN, load_preset("ring-8").data], ids=["gaussian", "mixture"])
def test_the_flow_has_the_exact_density_of_each_datum(data, k, noise):
    fields = {"training.k": k, "sampling.sigma_L": 0.05, "sampling.source": "exact", **noise}
    event = found(ExperimentSpec(data=data).replace_all(fields), n=40)
    assert event.largest_error < 1e-3
    assert np.ptp(event.exact) > 1


def test_the_density_of_a_gaussian_is_that_of_the_formula_in_the_coordinates_of_the_data():
    """Without the exact denoiser of the program: N(μ, Σ + s² C) with s = σ_L, by torch's own density."""
    noise = NoiseSpec(covariance="ellipse", elongation=6.0, angle=50.0)
    spec = ExperimentSpec(data=ONE_GAUSSIAN, noise=noise)
    spec = spec.replace_all({"sampling.sigma_L": 0.5, "sampling.source": "exact", "training.k": 1})
    c = space_of(noise, (2,)).covariance(2)
    mean, covariance = torch.tensor(ONE_GAUSSIAN.means[0]), torch.tensor(ONE_GAUSSIAN.covariances[0])
    total = covariance.double() + 0.25 * c
    # The mean of −log p over p is the entropy; each datum scatters by √(d/2).
    entropy = torch.distributions.MultivariateNormal(mean.double(), total).entropy()
    n = 400
    event = found(spec, n=n)
    assert event.mean == pytest.approx(-float(entropy), abs=6 / math.sqrt(n))
    assert event.largest_error < 1e-3


def linear(precision):
    """Return the exact denoiser of N(0, A⁻¹) in many dimensions."""

    def denoise(y, sigma):
        tau = sigma**2 / y.shape[1]
        gain = torch.linalg.inv(torch.eye(len(precision), dtype=torch.float64) + tau * precision)
        mean = y.mean(1) @ gain
        return Posterior(mean, lambda: torch.zeros_like(y))

    return denoise


def test_signs_give_the_trace_in_many_dimensions():
    """Exactly where ∂x̂/∂x is diagonal, and on average elsewhere."""
    draws = torch.Generator().manual_seed(3)
    dim, least = 12, 0.1
    turn, _ = torch.linalg.qr(torch.randn(dim, dim, generator=draws, dtype=torch.float64))
    scales = torch.linspace(0.5, 2.0, dim, dtype=torch.float64)
    zero = torch.zeros(dim, dtype=torch.float64)
    for axes, most in ((torch.eye(dim, dtype=torch.float64), 1e-3), (turn, math.inf)):
        covariance = axes @ scales.square().diag() @ axes.T
        flow = Flow(linear(torch.linalg.inv(covariance)), 1, least, 2000.0, zero, float(scales.square().mean().sqrt()))
        total = torch.distributions.MultivariateNormal(zero, covariance + least**2 * torch.eye(dim))
        x = total.sample((300,)).double()
        error = ended(flow_log_density(flow, x, draws)) - total.log_prob(x)
        assert error.abs().max() < most
        assert abs(float(error.mean())) < max(1e-3, 5 * float(error.std()) / math.sqrt(len(x)))
    # Off the diagonal single estimates scatter.
    assert error.abs().max() > 0.01


@pytest.mark.long
def test_a_network_of_points_and_one_of_images_have_likelihoods(tmp_path):
    points = load_preset("ring-8").replace_all(
        {"training.steps": 2, "training.seconds": 0.0, "network.width": 8, "sampling.source": "trained"}
    )
    digits = load_preset("noise-digits").replace_all(
        {"training.steps": 2, "training.seconds": 0.0, "network.width": 8, "network.blocks": 0, "training.batch": 8}
    )
    for spec in (points, digits):
        folder = tmp_path / spec.data.name
        assert isinstance(list(train(spec, folder, device="cpu", threads=1))[-1], Finished)
        event = found(spec, n=2, run_dir=folder)
        assert np.isfinite(event.flow).all()
        assert np.isnan(event.exact).all() == (spec is digits)
        assert np.array_equal(found(spec, n=2, run_dir=folder).flow, event.flow)


def test_what_has_no_density_is_refused_in_one_sentence():
    (*_, last) = likelihood(load_preset("digits-exact"))
    assert isinstance(last, Failed)
    assert "train a network" in last.text
    (*_, last) = likelihood(load_preset("ring-8").replace("sampling.source", "trained"))
    assert "no trained denoiser" in last.text


def test_a_denoiser_without_finite_numbers_ends_the_flow():
    target = MixtureTarget(
        GaussianMixture(torch.ones(1), torch.zeros(1, 2), torch.eye(2)[None]).to(torch.device("cpu"), torch.float64)
    )
    broken = Flow(lambda y, _: Posterior(y.mean(1) * math.nan, lambda: y), 1, 0.1, 10.0, target.mean, target.std)
    with pytest.raises(Exception, match="not finite"):
        ended(flow_log_density(broken, torch.ones(2, 2, dtype=torch.float64), torch.Generator()))


def test_the_command_prints_both(capsys):
    line = ["likelihood", "--preset", "two-gaussians", "--n", "9", "--json", "--threads", "1"]
    assert main([*line, "--noise.covariance", "ellipse"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert (reported["n"], reported["status"]) == (9, "finished")
    assert reported["flow"] == pytest.approx(reported["exact"], abs=1e-3)
    assert reported["largest_error"] < 1e-3

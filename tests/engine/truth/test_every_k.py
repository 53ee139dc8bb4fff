"""Networks that serve every k, trained for a moment on a mixture, against the exact posterior mean at equal σ_eff.

By sufficiency (theory §3, facts 1 and 10) x̂ depends on the copies through ȳ and σ/√k alone. The mean squared distance
of a network's x̂ from the exact one is its error beyond the least possible one; it is given as a share of that.
"""

from __future__ import annotations

import math

import pytest
import torch

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.factory.training import training
from msd_engine.noise.copies import matched_copies
from msd_engine.noise.laws import quantiles
from msd_engine.specs import load_preset
from msd_engine.training.source import stream

CPU, STEPS, K = torch.device("cpu"), 300, 8
TOY = load_preset("ncsn-toy").replace_all({"training.steps": STEPS, "network.width": 64, "training.k": K})
X = target(TOY).sample(2048, stream(0, 11)).float()


def trained(fusion: str) -> LearnedDenoiser:
    trainer = training(TOY.replace("network.fusion", fusion), data_dir=None, device=CPU).trainer
    for _ in range(STEPS):
        trainer.advance(0.0)
    return trainer.averaged


def copies(k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return copies and noises that have the same ȳ and σ_eff for every k."""
    sigma = quantiles(TOY.law, k, len(X))
    return matched_copies(X, sigma, k, torch.Generator().manual_seed(3)), sigma


@torch.no_grad()
def excess(denoiser: LearnedDenoiser, k: int) -> float:
    y, sigma = copies(k)
    exact = target(TOY).denoiser(CPU, torch.float32)(y, sigma).mean
    least = float((exact - X).square().sum(1).mean())
    return float((denoiser(y, sigma).mean - exact).square().sum(1).mean()) / least


@pytest.fixture(scope="module")
def concat() -> float:
    return excess(trained("concat"), K)


@pytest.mark.parametrize("fusion", ["mean", "set"])
def test_one_network_errs_little_at_every_k(fusion: str, concat: float) -> None:
    denoiser = trained(fusion)
    found = {k: excess(denoiser, k) for k in (1, 3, 8, 16, 40)}
    # The network for k = 8 alone errs so much after as many steps.
    assert 0 < max(found.values()) < 2 * concat < 0.2
    with torch.no_grad():
        y, sigma = copies(3)
        moved = denoiser(y.roll(1, dims=1), sigma).mean - denoiser(y, sigma).mean
        assert float(moved.abs().max()) < 1e-4
        if fusion == "mean":
            one = denoiser(y.mean(dim=1, keepdim=True), sigma / math.sqrt(3)).mean
            assert torch.allclose(denoiser(y, sigma).mean, one, atol=1e-4)

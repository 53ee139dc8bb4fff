"""How close does a short training come to the exact MMSE on a mixture?

    python tests/benchmarks/mlp_mmse.py --seconds 20
    python tests/benchmarks/mlp_mmse.py --steps 8000        # the same numbers on a busy machine

Trains the network of points and prints, at several σ_eff, its mean squared error over the exact one on the same draws.
Beside it stands the excess E‖x̂_net − x̂_exact‖² over the MMSE, which is the same thing without the noise of the draws:
the error of the exact posterior mean is uncorrelated with any function of the copies.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
import tyro

from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.events import Failed, Finished
from msd_engine.jobs.factory.parts import learned_denoiser
from msd_engine.jobs.factory.targets import mixture
from msd_engine.jobs.training.train import train
from msd_engine.metrics.errors.errors import HeldOut
from msd_engine.specs import ExperimentSpec, load_preset
from msd_engine.training.source import stream

SIGMA_EFF = (0.5, 1.0, 3.0)
CPU = torch.device("cpu")


def errors(spec: ExperimentSpec, run: Path, draws: int) -> None:
    k = spec.training.k
    target = mixture(spec)
    exact, learned = ExactDenoiser(target), learned_denoiser(run, CPU)
    learned.tile = 0
    for number, sigma_eff in enumerate(SIGMA_EFF):
        x = target.sample(draws, stream(1, number))
        sigma = torch.full((draws,), sigma_eff * k**0.5, dtype=torch.float64)
        held_out = HeldOut(x, sigma, k, stream(2, number))
        least, found = float(held_out.errors(exact).mean()), float(held_out.errors(learned).mean())
        apart = held_out.estimate(learned) - held_out.estimate(exact)
        excess = float(apart.square().sum(1).mean()) / least
        print(f"{k:4d}{sigma_eff:9.2f}{least:10.4f}{found:10.4f}{found / least:10.4f}{excess:10.3%}", flush=True)


def main(preset: str = "ncsn-toy", seconds: float = 20.0, steps: int = 0, draws: int = 50_000) -> None:
    """Train and compare.

    Args:
        preset: A preset with a mixture.
        seconds: Time of training.
        steps: Steps of training; where given, the time does not matter.
        draws: Draws for each comparison.
    """
    budget = {"training.steps": steps or 10**6, "training.seconds": 0.0 if steps else seconds}
    print(f"{'k':>4s}{'σ_eff':>9s}{'MMSE':>10s}{'MSE':>10s}{'ratio':>10s}{'excess':>10s}")
    for k in (1, 8):
        spec = load_preset(preset).replace_all(budget | {"training.k": k})
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            *_, end = train(spec, run, device="cpu")
            if isinstance(end, Failed):
                raise SystemExit(end.text)
            assert isinstance(end, Finished)
            print(f"k = {k}: {end.text} ({end.step / end.elapsed_s:.0f} steps/s, {torch.get_num_threads()} threads)")
            errors(spec, run, draws)


if __name__ == "__main__":
    tyro.cli(main)

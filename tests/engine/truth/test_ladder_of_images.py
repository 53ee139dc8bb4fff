"""The swelling that the ladder of images tells is that of chains of images, with any denoiser, and any target."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from msd_engine.cli.main import main
from msd_engine.events import Denoised, Ladder, Samples
from msd_engine.jobs.pictures.denoise import denoise
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.chains.figures import residual_inflation
from msd_engine.specs import load_preset
from msd_engine.specs.tables.samplers import TRAITS


@pytest.mark.parametrize("seed", range(8))
def test_the_end_of_the_ladder_is_as_reported(seed: int) -> None:
    draws = np.random.default_rng(seed)
    samplers = [name for name, row in TRAITS.items() if row.draws_images]
    sampler = samplers[seed % len(samplers)]
    sigma_L = float(draws.uniform(0.05, 0.5))
    settings = {
        "training.k": int(draws.choice([2, 4, 8])),
        "sampling.sampler": sampler,
        "sampling.ladder": str(draws.choice(["geometric", "karras", "report"])),
        "sampling.sigma_1": float(draws.uniform(3, 30)),
        "sampling.sigma_L": sigma_L,
        "sampling.levels": int(draws.integers(2, 12)),
        "sampling.steps_per_level": int(draws.integers(1, 6)),
        "sampling.step_ratio": float(draws.uniform(0.05, 1.2)),
        "sampling.chains": 24,
        "sampling.seed": seed,
        "sampling.conditioning": str(draws.choice(["actual", "scheduled"])),
    }
    for name in {"step_ratio", "conditioning"}.difference(TRAITS[sampler].own):
        del settings[f"sampling.{name}"]
    spec = load_preset("digits-exact").replace_all(settings)
    events = list(sample(spec, device="cpu"))
    (reported,) = (event for event in events if isinstance(event, Ladder))
    (samples,) = (event for event in events if isinstance(event, Samples))
    y = torch.from_numpy(samples.y).flatten(2)
    found = residual_inflation(y, sigma_L)
    error = reported.swelling[-1] * math.sqrt(2 / (len(y) * (y.shape[1] - 1) * y.shape[2]))
    assert abs(found - reported.swelling[-1]) < 4.5 * error


def test_the_command_says_what_theory_does_not_know(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["sample", "--preset", "two-gaussians", "--chains", "50", "--json", "--out"]
    assert main([*words, str(tmp_path / "one.npz")]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert abs(reported["within_std"] / reported["predicted_std"] - 1) < 0.5
    assert main([*words, str(tmp_path / "two.npz"), "--sampler", "ode", "--steps_per_level", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["predicted_std"] is None


def test_nothing_is_promised_of_pictures_that_the_exact_denoiser_does_not_know() -> None:
    # A held-out picture with little noise: the nearest training image is farther away than ȳ.
    spec = load_preset("digits-exact").replace_all({"denoise.sigma": 0.05, "training.k": 4})
    (reported,) = (event for event in denoise(spec, device="cpu") if isinstance(event, Denoised))
    assert reported.exact
    assert reported.error > 2 * reported.sigma_eff
    assert reported.error_mean == pytest.approx(reported.sigma_eff, rel=4.5 / math.sqrt(2 * 64))

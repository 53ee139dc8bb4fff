"""The held-out error, its standard error, and the error of the exact score beside it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from msd_engine.data.shapes import mixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.events import HeldOutLoss
from msd_engine.jobs.training.recall import recall
from msd_engine.jobs.training.train import train
from msd_engine.metrics.errors.errors import HeldOut
from msd_engine.specs import MixtureSpec, load_preset


def test_the_standard_error_is_that_of_other_draws() -> None:
    target = mixture(MixtureSpec(name="ncsn-toy"))
    exact, generator = ExactDenoiser(target), torch.Generator().manual_seed(0)
    found = []
    for _ in range(150):
        sigma = torch.randn(500, generator=generator, dtype=torch.float64).mul(1.2).add(0.5).exp()
        x = target.sample(500, generator)
        found.append(HeldOut(x, sigma, 4, generator).measure(exact))
    spread = np.std([one.loss for one in found], ddof=1)
    assert np.mean([one.standard_error for one in found]) == pytest.approx(spread, rel=0.25)


def test_it_is_reported_saved_and_reported_again(tmp_path: Path) -> None:
    spec = load_preset("ncsn-toy").replace_all(
        {"training.steps": 20, "network.width": 16, "training.evaluate_every": 10}
    )
    reported = [event for event in train(spec, tmp_path / "run", device="cpu") if isinstance(event, HeldOutLoss)]
    again = [event for event in recall(tmp_path / "run", device="cpu") if isinstance(event, HeldOutLoss)]
    assert [one.standard_error for one in reported] == [one.standard_error for one in again]
    for one in reported:
        # 4 096 draws of this target leave some percent, of which the exact score on the same draws has its part.
        assert 0.01 < one.standard_error / one.loss < 0.15
        assert abs(one.mmse - 5.231) < 4.5 * math.hypot(one.standard_error, 0.09)

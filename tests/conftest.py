"""What every test lives under: one thread of the CPU and a fixed seed, so that no number depends on the company."""

from __future__ import annotations

import os

# Before torch is imported; commands that tests start have it from here, too.
for name in ("MSD_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import pytest  # noqa: E402 - after the environment is set
import torch  # noqa: E402
from hypothesis import settings  # noqa: E402

# How long an example takes depends on what else the machine does.
settings.register_profile("without a clock", deadline=None)
settings.load_profile("without a clock")


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """Weights that a test does not seed itself are the same in any order of the tests."""
    torch.manual_seed(0)

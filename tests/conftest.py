"""What every test lives under: one thread of the CPU, so that no number depends on what else the machine does."""

from __future__ import annotations

import os

# Before torch is imported; commands that tests start have it from here, too.
for name in ("MSD_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from hypothesis import settings  # noqa: E402 - after the environment is set

# How long an example takes depends on what else the machine does.
settings.register_profile("without a clock", deadline=None)
settings.load_profile("without a clock")

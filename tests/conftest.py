"""What every test lives under: one thread of the CPU, so that no number depends on what else the machine does."""

from __future__ import annotations

import os

# Before torch is imported; commands that tests start have it from here, too.
for name in ("MSD_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

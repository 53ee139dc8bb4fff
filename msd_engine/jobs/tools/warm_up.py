"""Gets ready: imports what the other jobs need, so that the first of them starts at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

from msd_engine.backend.compiled import PHILOX
from msd_engine.backend.device import choose_device, describe_device
from msd_engine.events import Event, Finished, Started, Tick
from msd_engine.jobs.tools.background import imported
from msd_engine.jobs.tools.guard import told
from msd_engine.samplers.twin import COMPILED


@told
def warm_up(device: str = "auto") -> Iterator[Event]:
    """Import the jobs and choose the device.

    Args:
        device: Name of the device, or ``auto``.

    Yields:
        `Started` with the device, then `Finished`; `Failed` where the device is missing.
    """
    start = time.monotonic()
    for job in ("sampling.sample", "sampling.field", "training.train"):
        yield from imported(f"msd_engine.jobs.{job}")
        yield Tick()
    # Compiled code is imported in threads of its own; until it is ready slower code serves.
    for module in (PHILOX, COMPILED):
        module.get()
    name = describe_device(choose_device(device))
    yield Started("warm-up", name, 0, 0, "")
    # The figures of the first chains need the one, the first optimiser the other, and each takes a second: later than
    # the chains, sooner than their end, and sooner than anybody presses Train.
    for library in ("arviz_stats.base.array", "torch._dynamo"):
        yield from imported(library)
        yield Tick()
    yield Finished(0, time.monotonic() - start, f"Ready on {name}.")

"""The job that imports the libraries of all jobs, so that the first one starts at once."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator

from msd_engine.backend.compiled import PHILOX, SLOW_IMPORTS, is_kept
from msd_engine.backend.device import choose_device, describe_device
from msd_engine.events import Event, Finished, Started, Tick
from msd_engine.jobs.tools.background import imported, in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.samplers.twin import COMPILED

_POLL_S = 0.02


@reports_user_errors
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
    name = describe_device(choose_device(device))
    yield Started("warm-up", name, 0, 0, "")
    # The figures of the first chains need one, the first optimiser the other; each takes a second. Import them after
    # the chains start, before the chains end and before anybody presses Train.
    yield from _imported("arviz_stats.base.array")
    for module in (PHILOX, COMPILED):
        # Load cached machine code now; without a cache, slower code serves until it is compiled.
        module.get()
        while module.pending and is_kept():
            yield Tick()
            time.sleep(_POLL_S)
    yield from _imported("torch._dynamo")
    yield Finished(0, time.monotonic() - start, f"Ready on {name}.")


def _imported(library: str) -> Iterator[Event]:
    """Import a large library when no other import runs; closing the job does not wait for it."""
    yield from in_background(lambda _: _import(library))
    yield Tick()


def _import(library: str) -> None:
    with SLOW_IMPORTS:
        importlib.import_module(library)

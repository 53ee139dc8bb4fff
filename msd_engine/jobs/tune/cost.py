"""The predicted cost of a search: a few evaluations of its network are timed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from msd_engine.backend.device import wait_for
from msd_engine.events import Event, Finished, Tick, TuneCost
from msd_engine.jobs.factory.chains import sampling
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tune.family import alone_spec
from msd_engine.specs.search.tune import TuneSpec

_CHAINS, _TIMES = 16, 3


@reports_user_errors
def tune_cost(spec: TuneSpec, run_dir: Path, *, device: str = "auto") -> Iterator[Event]:
    """Predict the cost of a search on this machine.

    Args:
        spec: The search.
        run_dir: Run folder of the network, or folder of a shipped model.
        device: Name of the device, or ``auto``.

    Yields:
        A `Tick` per evaluation, `TuneCost` and `Finished`, or `Failed`.
    """
    begun_s = time.perf_counter()
    alone = alone_spec(spec.base, has_earlier=False).replace("sampling.chains", _CHAINS)
    chains = sampling(alone, run_dir=run_dir, device=device)
    took: list[float] = []
    # The first evaluation is slower: it prepares.
    for _ in range(1 + _TIMES):
        start_s = time.perf_counter()
        chains.denoiser(chains.y, chains.descent.ladder[0])
        wait_for(chains.device)
        took.append(time.perf_counter() - start_s)
        yield Tick()
    yield TuneCost(spec.chain_evaluations, spec.chain_evaluations * min(took[1:]) / _CHAINS)
    yield Finished(0, time.perf_counter() - begun_s, "")

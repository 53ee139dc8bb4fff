"""The job that judges finished samples by features, which it prepares and caches on first use."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.events import Event, Finished, Samples, Started
from msd_engine.jobs.quality.standards import prepared_standard, read_whole
from msd_engine.jobs.sampling.verdicts import judged
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.quality.judge import LEAST
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence


@reports_user_errors
def judge(
    samples: Samples,
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Judge samples of images by the features of their set; prepare the features if they are not cached.

    Args:
        samples: The samples.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Decides when to report progress.
        live: Unused: the job cannot be paused.

    Yields:
        `Started`, `Notice`, a `Tick` or `Progress` per step, `Verdicts` and `Finished`, or `Failed`.
    """
    del live
    begun_s = time.monotonic()
    spec, chosen = ExperimentSpec.from_json(samples.spec_json), choose_device(device)
    images = yield from read_whole(spec, data_dir)
    yield Started("judge", describe_device(chosen), 0, 0, samples.spec_json)
    yield from prepared_standard(images, LEAST, data_dir, chosen, cadence)
    yield from judged(spec, samples, data_dir, chosen)
    yield Finished(len(samples.x_hat), time.monotonic() - begun_s, "")

"""The reproduction job: train a comparison of k, draw its samples, and write a page with the results."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.files import write_atomically
from msd_engine.events import Event, Failed, Finished, Started
from msd_engine.jobs.factory.targets import images_of, is_of_images
from msd_engine.jobs.sweep.samples import grids, prepared_judge
from msd_engine.jobs.sweep.story import table_event
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.layout import SWEEP
from msd_engine.runs.report.charts import curves_of
from msd_engine.runs.report.page import PageContent, page
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import Live
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.reproduction import Reproduction

PAGE = "index.html"


@reports_user_errors
def reproduce(
    plan: Reproduction,
    folder: str | os.PathLike[str],
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
    threads: int = 0,
) -> Iterator[Event]:
    """Run a reproduction, or resume it if its folder exists.

    Args:
        plan: The reproduction.
        folder: The sweep folder, where ``index.html`` is written.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Decides when to report losses and progress.
        live: Requests during the job: pause and checkpoint.
        threads: As of `msd_engine.jobs.training.train.train`.

    Yields:
        `Started`; the events of `msd_engine.jobs.sweep.sweep.sweep`; `Progress` and a `Tick` for each step while
        samples are drawn; at the end `Finished` with the path of the page, or `Failed`.
    """
    start = time.monotonic()
    folder = Path(folder)
    resume = (folder / SWEEP).exists()
    options = {"data_dir": data_dir, "device": device, "cadence": cadence, "live": live, "threads": threads}
    job = sweep(plan.spec, folder, resume=resume, **options)  # type: ignore[arg-type]
    with closing(job):  # type: ignore[type-var]
        for event in job:
            match event:
                case Started():
                    yield Started("reproduce", describe_device(choose_device(device)), 0, event.step, event.spec_json)
                case Failed():
                    yield event
                    return
                case Finished():
                    pass
                case _:
                    yield event
    done = SweepFolder.open(folder)
    drawn = []
    if is_of_images(done.spec.base):
        if plan.judges:
            yield from prepared_judge(images_of(done.spec.base), data_dir, device, cadence)
        drawn = yield from grids(done, data_dir, device, cadence, live)
    results = done.results()
    finished = [result for result in results if result.status == "finished"]
    manifests = [Run.open(done.run_folder(result.name)).manifest for result in finished]
    content = PageContent(
        spec=done.spec,
        whole=plan.whole,
        budget=plan.budget,
        table=table_event(done),
        results=results,
        curves=curves_of(done.measured()),
        grids=drawn,
        manifests=manifests,
    )
    write_atomically(folder / PAGE, page(content).encode())
    elapsed_s = time.monotonic() - start
    yield Finished(len(results), elapsed_s, f"The page is {folder / PAGE}.", str(folder / PAGE))

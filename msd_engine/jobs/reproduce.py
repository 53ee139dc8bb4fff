"""The reproduction job: a comparison of k is trained, its samples drawn, and all of it put on one page."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.backend.files import write_atomically
from msd_engine.events import Event, Failed, Finished, Progress, Samples, Started, Tick
from msd_engine.jobs.cadence import NEVER, Cadence
from msd_engine.jobs.guard import told
from msd_engine.jobs.sample import sample
from msd_engine.jobs.sweep import sweep
from msd_engine.jobs.sweep_story import table_event
from msd_engine.runs.layout import MANIFEST, SWEEP
from msd_engine.runs.pictures import image_grid, save_png
from msd_engine.runs.run import Run
from msd_engine.runs.sweep_charts import curves_of
from msd_engine.runs.sweep_page import Grid, PageContent, page
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import Live
from msd_engine.specs.reproduction import Reproduction
from msd_engine.specs.sweep import MODE_TITLES, Child, Mode, child_spec

PAGE = "index.html"


@told
def reproduce(
    plan: Reproduction,
    folder: str | os.PathLike[str],
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Carry a reproduction out; where its folder holds a part of it already, go on with that.

    Args:
        plan: The reproduction.
        folder: The sweep folder, which will hold ``index.html``.
        data_dir: Where image sets are looked for.
        device: Name of the device, or ``auto``.
        cadence: Says when losses and progress are worth telling.
        live: Requests that may come meanwhile: pause and checkpoint.

    Yields:
        `Started`; the events of `msd_engine.jobs.sweep.sweep`; `Progress` and a `Tick` for each step while samples are
        drawn; at last `Finished` with the path of the page, or `Failed`.
    """
    start = time.monotonic()
    folder = Path(folder)
    resume = (folder / SWEEP).exists()
    options = {"data_dir": data_dir, "device": device, "cadence": cadence, "live": live}
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
    grids = []
    if done.spec.base.data.kind == "images":
        for mode in done.spec.modes:
            for k in sorted(done.spec.ks):
                grids += yield from _grid(done, mode, k, device, cadence, live)
    results = done.results()
    finished = [result for result in results if result.status == "finished"]
    manifests = [Run.open(done.run_folder(result.name)).manifest for result in finished]
    content = PageContent(
        spec=done.spec,
        whole=plan.whole,
        budget=plan.budget,
        told=table_event(done),
        results=results,
        curves=curves_of(done.measured()),
        grids=grids,
        manifests=manifests,
    )
    write_atomically(folder / PAGE, page(content).encode())
    elapsed_s = time.monotonic() - start
    yield Finished(len(results), elapsed_s, f"The page is {folder / PAGE}.", str(folder / PAGE))


def _grid(
    done: SweepFolder, mode: Mode, k: int, device: str, cadence: Cadence, live: Live | None
) -> Generator[Event, None, list[Grid]]:
    """Draw the samples of one k in one mode with the first seed, or take them from the disk."""
    child = _child(done, mode, k)
    path = done.folder / f"samples-k{k}-{mode}.png"
    spec = child_spec(done.spec.base, k, mode, child.seed)
    asked = spec.sampling
    caption = (
        f"k = {k}: σ {asked.sigma_1:.4g} → {asked.sigma_L:.3g}, {asked.levels} levels × {asked.steps_per_level} steps"
    )
    if not path.exists():
        run = done.run_folder(child.name)
        if not (run / MANIFEST).exists() or not Run.open(run).has_weights:
            return []
        spec = spec.replace("sampling.source", "trained")
        job = sample(spec, run_dir=run, device=device, cadence=cadence, live=live)
        with closing(job):  # type: ignore[type-var]
            for event in job:
                match event:
                    case Samples():
                        save_png(path, image_grid(event.x_hat, scale=2), spec.to_json())
                    case Failed():
                        raise UserError(event.text)
                    case Progress():
                        yield _as_part(event, f"Sampling k = {k}, {MODE_TITLES[mode]}")
                    case _:
                        yield Tick()
    return [Grid(mode, k, path.read_bytes(), caption)]


def _child(done: SweepFolder, mode: Mode, k: int) -> Child:
    return next(child for child in done.spec.children() if child.k == k and mode in child.modes)


def _as_part(event: Progress, text: str) -> Progress:
    return Progress(event.step, event.total, event.rate, event.items_rate, event.elapsed_s, event.left_s, text)

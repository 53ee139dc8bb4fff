"""Draw and judge samples for each number of copies of a comparison, with its first seed, and save them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from msd_engine.backend.device import choose_device
from msd_engine.backend.errors import UserError
from msd_engine.backend.files import MIB, read_bytes, write_atomically
from msd_engine.data.images import load_images
from msd_engine.events import Event, Failed, Notice, Progress, Samples, Tick, Verdicts
from msd_engine.jobs.quality.standards import prepared_standard
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.quality.judge import LEAST
from msd_engine.metrics.quality.support import kept_judge
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.pictures import image_grid, save_png
from msd_engine.runs.report.page import Grid
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import ImagesSpec, Live, SpecError
from msd_engine.specs.live import Cadence
from msd_engine.specs.sweep import MODE_TITLES, Child, DrawnSamples, Mode, child_spec


def prepared_judge(
    data: ImagesSpec, data_dir: Path | None, device: str, cadence: Cadence
) -> Generator[Event, None, None]:
    """Prepare the judge of samples off the data unless it is cached.

    Args:
        data: The image set.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Says when progress is worth telling.

    Yields:
        Progress; a `Notice` if that fails.
    """
    chosen = choose_device(device)
    if kept_judge(data.name, chosen) is not None:
        return
    try:
        images = load_images(ImagesSpec(name=data.name), data_dir)
        yield from prepared_standard(images, LEAST, data_dir, chosen, cadence)
    except UserError as error:
        yield Notice(f"The samples are judged without features. {error}")


def grids(
    done: SweepFolder, data_dir: Path | None, device: str, cadence: Cadence, live: Live | None
) -> Generator[Event, None, list[Grid]]:
    """Draw the samples of every k in every mode, or load saved ones.

    Args:
        done: The comparison.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Says when progress is worth telling.
        live: Requests during the job: pause.

    Yields:
        `Progress`, and a `Tick` for each step.

    Returns:
        The pictures with the verdicts, without those of a k that has no network.

    Raises:
        UserError: Sampling failed, or a saved file is damaged.
    """
    found = []
    for mode in done.spec.modes:
        for k in sorted(done.spec.ks):
            found += yield from _grid(done, mode, k, data_dir, device, cadence, live)
    return found


def _grid(
    done: SweepFolder, mode: Mode, k: int, data_dir: Path | None, device: str, cadence: Cadence, live: Live | None
) -> Generator[Event, None, list[Grid]]:
    child = _child(done, mode, k)
    picture = done.folder / f"samples-k{k}-{mode}.png"
    words = picture.with_suffix(".json")
    spec = child_spec(done.spec.base, k, mode, child.seed)
    if not (picture.exists() and words.exists()):
        run = done.run_folder(child.name)
        if not (run / MANIFEST).exists() or not Run.open(run).has_weights:
            return []
        spec = spec.replace("sampling.source", "trained")
        options = {"data_dir": data_dir, "device": device, "cadence": cadence, "live": live}
        job = sample(spec, run_dir=run, **options)  # type: ignore[arg-type]
        with closing(job):  # type: ignore[type-var]
            for event in job:
                match event:
                    case Samples():
                        save_png(picture, image_grid(event.x_hat, scale=2), spec.to_json())
                        yield Tick()
                    case Verdicts():
                        drawn = DrawnSamples(verdicts=event.verdict, features=event.features, left_out=event.left_out)
                        write_atomically(words, drawn.to_json().encode())
                        yield Tick()
                    case Failed():
                        raise UserError(event.text)
                    case Progress():
                        yield _as_part(event, f"Sampling k = {k}, {MODE_TITLES[mode]}")
                    case Notice():
                        yield event
                    case _:
                        yield Tick()
    return [Grid(mode, k, picture.read_bytes(), spec.sampling, _read(words))]


def _read(path: Path) -> DrawnSamples:
    expected = "what was found of the samples of a comparison"
    try:
        return DrawnSamples.from_json(read_bytes(path, expected, limit=MIB))
    except SpecError as error:
        raise UserError(f"{path} is not {expected}: {error}") from error


def _child(done: SweepFolder, mode: Mode, k: int) -> Child:
    return next(child for child in done.spec.children() if child.k == k and mode in child.modes)


def _as_part(event: Progress, text: str) -> Progress:
    return Progress(event.step, event.total, event.rate, event.items_rate, event.elapsed_s, event.left_s, text)

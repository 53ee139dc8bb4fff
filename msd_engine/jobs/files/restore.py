"""Jobs that restore an experiment from a file, a run folder or text, or find a comparison in a folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from msd_engine.data.points import experiment_of, points_in
from msd_engine.events import Event, Finished, Restored, RestoredImages, RestoredPoints, SweepFound
from msd_engine.jobs.files.source import source_of
from msd_engine.jobs.pictures.own import experiment_of as experiment_of_pictures
from msd_engine.jobs.pictures.own import is_pictures
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.layout import MANIFEST, SWEEP
from msd_engine.runs.restoring import read_drawn, read_drawn_spec
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import ExperimentSpec, for_job, with_weights

_OTHER_CHAINS = " It was made with another generator of random numbers: its seed draws other chains now."


@reports_user_errors
def restore(path: str | os.PathLike[str], runs_dir: Path | None = None) -> Iterator[Event]:
    """Read the spec that a file or folder carries, and the images in it.

    Args:
        path: A PNG, GIF or WebP picture, an MP4 film, a JSON preset, an .npz sample file, a CSV or NPY file of points,
            a folder, NPY or NPZ file of pictures, a run folder or that of a comparison.
        runs_dir: Folder of the runs among which the network of a picture or of samples is looked for.

    Yields:
        `Restored` and perhaps `RestoredImages` or `RestoredPoints`, or `SweepFound` for a comparison, and `Finished`,
        or `Failed` with a sentence that says what is wrong with the file.
    """
    start = time.monotonic()
    path = Path(path)
    text = f"Restored from {path.name}."
    folder = path.parent if path.name in (MANIFEST, SWEEP) else path
    if (folder / SWEEP).is_file() and not (folder / MANIFEST).exists():
        yield SweepFound(str(SweepFolder.open(folder).folder))
    elif not (folder / MANIFEST).exists() and is_pictures(path):
        spec, why = yield from experiment_of_pictures(path)
        yield Restored(spec.to_json())
        text = f"{path.name}: {why} Press Train."
    elif folder.is_dir():
        run = Run.open(folder)
        yield Restored(run.spec.to_json(), str(folder), run.manifest.step, run.manifest.elapsed_s)
    else:
        spec, same, drawn, weights, job = read_drawn_spec(path)
        held = yield from in_background(lambda _: read_drawn(path))
        source = yield from in_background(lambda _: source_of(path.name, spec, weights, runs_dir))
        found, spec_json = str(source.run or ""), with_weights(spec.to_json(), weights)
        spec_json = for_job(spec_json, job) if job is not None else spec_json
        yield Restored(spec.to_json(), found, job=job or "")
        if held.images is not None:
            images = RestoredImages(path.name, held.images, spec_json, found, source.text, source.trouble, held.names)
            yield images
        elif held.points is not None:
            again = same and not source.trouble
            yield RestoredPoints(path.name, held.points, spec_json, found, source.text, source.trouble, again)
        text = f"{source.text} {source.trouble}".strip() if drawn else text
        text += "" if same else _OTHER_CHAINS
    yield Finished(0, time.monotonic() - start, text, str(path))


@reports_user_errors
def restore_text(text: str) -> Iterator[Event]:
    """Read an experiment from pasted text.

    Args:
        text: Points, with x and y in each line, or the settings of an experiment as JSON.

    Yields:
        `Restored` and `Finished`, or `Failed` with the fault of the text.
    """
    start = time.monotonic()
    if text.lstrip().startswith("{"):
        spec, found = ExperimentSpec.from_json(text), "settings"
    else:
        points = points_in(text, "The clipboard")
        spec, found = experiment_of(points, "Pasted points"), f"{len(points)} points"
    yield Restored(spec.to_json())
    yield Finished(0, time.monotonic() - start, f"Pasted {found}.")

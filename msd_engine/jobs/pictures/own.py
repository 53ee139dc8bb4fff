"""The user's own pictures in jobs: read with progress, and the settings that suit them."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.data.arrays import holds_pictures, read_array
from msd_engine.data.images import has_images
from msd_engine.data.own import OF_RUNS, OwnPictures, files_in, has_files, reading_own, refused_words
from msd_engine.data.picture import side_and_colour
from msd_engine.events import Event, Notice, Progress, Tick
from msd_engine.jobs.factory.loaded import loaded_images
from msd_engine.jobs.factory.targets import own_pictures
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, ImagesSpec, load_preset

_TOLD_EVERY_S = 0.1
# Colour is looked for in so many files.
_LOOKED_AT = 50
# Fewer pictures, and smaller ones, have settings of their own; larger ones are scaled down.
_FEW, _SMALL, _LARGEST = 2000, 16, 32


def read_pictures(data: ImagesSpec) -> Generator[Event, None, OwnPictures]:
    """Read the user's pictures in the background.

    Args:
        data: A set with the name ``folder``.

    Yields:
        `Progress`, `Tick`, and a `Notice` of files that were left out.

    Returns:
        The pictures.

    Raises:
        BadFile: There is no such folder or file, or it holds too few usable pictures.
        UserError: The pictures need too much memory.
    """
    begun_s = time.monotonic()

    def work(notify: Notify) -> OwnPictures:
        steps, next_s = reading_own(data), begun_s
        while True:
            try:
                done, total = next(steps)
            except StopIteration as end:
                found: OwnPictures = end.value
                return found
            now_s = time.monotonic()
            if now_s >= next_s:
                rate = done / max(now_s - begun_s, 1e-3)
                left_s = (total - done) / rate if rate else math.nan
                notify(Progress(done, total, rate, rate, now_s - begun_s, left_s, "Reading your pictures"))
                next_s = now_s + _TOLD_EVERY_S
            else:
                notify(Tick())

    found = yield from in_background(work)
    if sentence := refused_words(found.refused):
        yield Notice(sentence, "\n".join(f"{name}: {reason}" for name, reason in found.refused))
    return found


def with_digest(spec: ExperimentSpec, *, trained: bool) -> Generator[Event, None, ExperimentSpec]:
    """Read the pictures of a training, and note their hash in its spec.

    Args:
        spec: The experiment; one without own pictures is returned as it is.
        trained: Whether a run has begun with its `data.digest`; a `Notice` then says whether the pictures changed.

    Yields:
        The events of `read_pictures`.

    Returns:
        The experiment with the hash of its pictures, unchanged for one that has begun.
    """
    data = own_pictures(spec)
    if data is None:
        return spec
    found = yield from read_pictures(data)
    if not trained:
        return spec.replace("data.digest", found.digest)
    if found.digest != data.digest:
        yield Notice(
            f"The pictures in {data.path} have changed since this run began: it goes on with the present ones."
        )
    return spec


def is_pictures(path: Path) -> bool:
    """Return whether a path is a folder with pictures, or an array file with the dimensions of pictures and no spec.

    Raises:
        BadFile: The folder cannot be read, or the array is damaged.
    """
    if path.is_dir():
        return not any((path / name).exists() for name in OF_RUNS) and has_files(path)
    return path.is_file() and holds_pictures(path)


def experiment_of(path: Path) -> Generator[Event, None, tuple[ExperimentSpec, str]]:
    """Choose settings that suit the user's pictures: size and colours of most, a network and a budget for their number.

    Args:
        path: A folder, or an NPY or NPZ file.

    Yields:
        The events of `read_pictures`.

    Returns:
        The experiment: trained by the preset for MNIST or for CIFAR-10, with its data; and a sentence with the reasons.

    Raises:
        BadFile: It holds too few usable pictures.
    """
    colour, side = yield from in_background(lambda _: _look(path))
    size = min(_LARGEST, max(8, side))
    values = {"name": "folder", "path": str(path), "size": size, "channels": "colour" if colour else "grey"}
    data = ImagesSpec.from_fields(values)
    found = yield from read_pictures(data)
    return suited(data, len(found.images), side)


def suited(data: ImagesSpec, count: int, side: int) -> tuple[ExperimentSpec, str]:
    """Return settings that suit a number of pictures, and a sentence with the reasons.

    Args:
        data: The pictures.
        count: Their number.
        side: The smaller side of most of them, in pixels.
    """
    colour, small, few = data.channels == "colour", data.size <= _SMALL, count < _FEW
    width = 16 if small else 32 if colour else 24
    seconds, batch = 60.0 if small else 600.0 if colour else 120.0, 32 if few else 64
    base = load_preset("cifar10-20min" if colour else "mnist-2min").replace("data", data)
    # Writing and signs must not be mirrored; only the user knows.
    values = {"title": data.title[:200], "network.width": width, "training.seconds": seconds, "training.batch": batch}
    spec = base.replace_all(values | {"training.flips": False})
    of_most = f"the smaller side of most has {side} pixels"
    why_size = of_most if data.size == side else f"{of_most}, and larger ones than {_LARGEST} take long"
    sentence = (
        f"{count:,} pictures, {data.size} × {data.size} ({why_size}), in {data.channels} (as most are); a network of "
        f"width {width} and {seconds / 60:g} min of training suit that size, batches of {batch} "
        f"{'so few' if few else 'so many'} pictures; none are mirrored, as writing must not be."
    )
    return spec, sentence


def changes_since(run_dir: Path | None) -> Generator[Event, None, None]:
    """Say whether the user's pictures that a network has learned are still the same.

    Args:
        run_dir: The run folder, None without a network.

    Yields:
        A `Tick` now and then; a `Notice` if they have changed or can no longer be read. None if they are gone: the
        network needs them no more.
    """
    data = own_pictures(Run.open(run_dir).spec) if run_dir is not None else None
    if data is None or not data.digest or not has_images(data):
        return
    wanted = data
    try:
        present = yield from in_background(lambda _: loaded_images(wanted))
    except UserError as error:
        yield Notice(f"The pictures that this network has learned cannot be read. {error}")
        return
    if present.digest != data.digest:
        yield Notice(f"The pictures in {data.path} have changed since this network learned them.")


def _look(path: Path) -> tuple[bool, int]:
    """Return whether pictures have colour, and the least side of most of them."""
    if path.is_file():
        pixels, _, _ = read_array(path)
        colour = pixels.ndim == 4 and bool(np.ptp(pixels[:_LOOKED_AT], axis=3).any())
        return colour, min(pixels.shape[1:3])
    sides, colours = [], 0
    files = files_in(path)
    for file in files[:: max(1, len(files) // _LOOKED_AT)][:_LOOKED_AT]:
        try:
            side, coloured = side_and_colour(file)
        except BadFile:
            continue
        sides.append(side)
        colours += coloured
    if not sides:
        return False, 32
    return 2 * colours > len(sides), sorted(sides)[len(sides) // 2]

"""Read the spec of a picture, a preset, a sample file or a run folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, read_bytes, reading
from msd_engine.data.points import SUFFIXES, experiment_of, read_points
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.pictures import Content, read_content, read_picture_spec, to_pixels
from msd_engine.runs.report.video import read_video_spec
from msd_engine.runs.run import Run
from msd_engine.runs.samples import load_denoised, load_samples, read_samples_spec
from msd_engine.specs import GENERATOR, DrawnBy, ExperimentSpec, JobName, SpecError, generator_of, job_of, weights_of

EXPECTED = "a picture, sample file, preset or run folder of this program, or a CSV or NPY file of points"

_LARGEST_SPEC = 4 * MIB


def read_spec(path: str | os.PathLike[str]) -> ExperimentSpec:
    """Read the spec of a file or folder; its first bytes give its type.

    Args:
        path: A PNG, GIF or WebP picture, an MP4 film, a JSON preset, an .npz sample file, a CSV or NPY file of points,
            a run folder or its manifest.

    Returns:
        The spec.

    Raises:
        BadFile: There is no spec in it, or one that is not accepted.
    """
    path = Path(path)
    if path.is_dir():
        return Run.open(path).spec
    if path.name == MANIFEST:
        return Run.open(path.parent).spec
    return _parsed(path, _text(path))


def read_job(path: str | os.PathLike[str]) -> tuple[ExperimentSpec, JobName]:
    """Read the spec of a file and the job that made it.

    Args:
        path: As for `read_spec`.

    Returns:
        The spec; and the job that the file names, or else what such a file is made by: a painting where a part of a
        picture is marked, a training for settings and runs whose chains follow a network, and else a sampling.

    Raises:
        BadFile: There is no spec in it, or one that is not accepted.
    """
    path = Path(path)
    text: str | bytes = b"" if path.is_dir() or path.name == MANIFEST else _text(path)
    spec = _parsed(path, text) if text else read_spec(path)
    return spec, (job_of(text) if text else None) or usual_job(spec, drawn=isinstance(text, str))


def usual_job(spec: ExperimentSpec, *, drawn: bool) -> JobName:
    """Return what a file with a spec is made by if it does not say; `drawn` says that it shows chains."""
    if spec.denoise.mask:
        return "inpaint"
    return "train" if spec.sampling.source == "trained" and not drawn else "sample"


class DrawnSpec(NamedTuple):
    """The spec of a file with its notes.

    Attributes:
        spec: The spec.
        same: Whether its seed still draws what the file shows: false for random numbers of another generator.
        drawn: Whether the file is a picture, a film or a sample file, which show what was drawn.
        weights: The weights that drew it; None if the file names none.
        job: The job that drew it; None if the file names none.
    """

    spec: ExperimentSpec
    same: bool
    drawn: bool
    weights: DrawnBy | None
    job: JobName | None


def read_drawn_spec(path: str | os.PathLike[str]) -> DrawnSpec:
    """Read the spec of a file, whether its seed still draws what the file shows, and what drew it.

    Args:
        path: A PNG, GIF or WebP picture, an MP4 film, a JSON preset or an .npz sample file.

    Returns:
        The spec with the notes of the file.

    Raises:
        BadFile: There is no spec in it, or one that is not accepted.
    """
    path = Path(path)
    text = _text(path)
    spec = _parsed(path, text)
    try:
        weights = weights_of(text)
    except SpecError as error:
        raise BadFile(f"{path} names its network in a way that is not understood: {error}") from error
    # A preset is bytes: nothing was drawn with it.
    drawn = isinstance(text, str)
    return DrawnSpec(spec, not drawn or generator_of(text) == GENERATOR, drawn, weights, job_of(text))


def read_drawn(path: str | os.PathLike[str]) -> Content:
    """Read the images or the chains in the plane that a file holds.

    Args:
        path: Any file that `read_drawn_spec` accepts.

    Returns:
        Its content; nothing for a file whose content cannot be read back.

    Raises:
        BadFile: The content is damaged.
    """
    path = Path(path)
    with reading(path, EXPECTED), path.open("rb") as file:
        head = file.read(4)
    if head == b"\x89PNG":
        return read_content(path)
    if not head.startswith(b"PK"):
        return Content()
    if pictures := load_denoised(path):
        return Content(to_pixels(np.stack(pictures)), ("x", "ȳ", "x̂"))
    samples = load_samples(path)
    x_hat = samples.x_hat
    if x_hat.ndim == 4 and x_hat.shape[1] in (1, 3):
        return Content(to_pixels(x_hat))
    means = samples.y.mean(axis=1, dtype=np.float64).astype(np.float32)
    return Content(points=means) if means.shape[1:] == (2,) and np.isfinite(means).all() else Content()


def _parsed(path: Path, text: str | bytes) -> ExperimentSpec:
    try:
        return ExperimentSpec.from_json(text)
    except SpecError as error:
        raise BadFile(f"The spec in {path} is not accepted: {error}") from error


def _text(path: Path) -> str | bytes:
    with reading(path, EXPECTED):
        if not path.is_file():
            raise BadFile(f"{path} is {'no regular file' if path.exists() else 'missing'}; expected {EXPECTED}.")
        with path.open("rb") as file:
            head = file.read(12)
    if head.startswith((b"\x89PNG", b"GIF8")) or (head.startswith(b"RIFF") and head.endswith(b"WEBP")):
        text: str | bytes = read_picture_spec(path)
    elif head[4:8] == b"ftyp":
        text = read_video_spec(path)
    elif head.startswith(b"PK"):
        text = read_samples_spec(path)
    elif head.startswith(b"\x93NUMPY"):
        text = experiment_of(read_points(path), path.stem).to_json().encode()
    else:
        text = read_bytes(path, EXPECTED, limit=_LARGEST_SPEC)
        # What is no text in the encoding that it begins with is reported by its reader.
        begin = text.decode(json.detect_encoding(text), "replace").removeprefix("\ufeff").lstrip()
        if not begin.startswith("{") and path.suffix.lower() in SUFFIXES:
            text = experiment_of(read_points(path), path.stem).to_json().encode()
        elif not begin.startswith("{"):
            raise BadFile(f"{path} is not {EXPECTED}.")
    if len(text) > _LARGEST_SPEC:
        raise BadFile(f"The spec in {path} is larger than {_LARGEST_SPEC:,} bytes.")
    return text

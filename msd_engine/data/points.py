"""Sets of points in the plane: named shapes, whose density is easier to see than to write down, and points from files.

The shapes are about as wide as the named mixtures, ±6. A set is a fixed draw: equal names and counts give equal points.
"""

from __future__ import annotations

import functools
import io
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import read_bytes, reading
from msd_engine.specs import ExperimentSpec, MixtureSpec
from msd_engine.specs.data import MOST_POINTS

Points = NDArray[np.float64]
_Draw = Callable[[int, np.random.Generator], Points]
_SEED = 0
_LARGEST_FILE = 16_000_000
# Points further out cannot be told apart in float32.
_LARGEST = 1e6
_EXPECTED = "points as CSV text or an NPY array with shape (n, 2)"
_HOW = "Each line must begin with two numbers, x and y, such as 1.5, -2"


@functools.lru_cache(maxsize=32)
def points(spec: MixtureSpec) -> Points:
    """Return the points of a spec.

    Args:
        spec: Data whose `is_points` is True.

    Returns:
        The points with shape (n, 2), not writable: equal specs share the array.
    """
    if spec.points is not None:
        found = np.array(spec.points, np.float64)
    else:
        found = _SHAPES[spec.name](spec.count, np.random.default_rng(_SEED))
    found.setflags(write=False)
    return found


def _polar(radius: Points, angle: Points) -> Points:
    made: Points = np.stack((radius * np.cos(angle), radius * np.sin(angle)), 1)
    return made


def _two_moons(n: int, rng: np.random.Generator) -> Points:
    """Two interleaved half circles."""
    angle, upper = math.pi * rng.random(n), rng.permutation(n) % 2 == 0
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    return 3.5 * np.stack((x, y), 1) + 0.25 * rng.standard_normal((n, 2))


def _swiss_roll(n: int, rng: np.random.Generator) -> Points:
    """A spiral of one and a half turns, evenly filled along its angle."""
    angle = 1.5 * math.pi * (1 + 2 * rng.random(n))
    return _polar(0.42 * angle, angle) + 0.15 * rng.standard_normal((n, 2))


def _checkerboard(n: int, rng: np.random.Generator) -> Points:
    """The black squares of a board of 4 × 4."""
    x, y = rng.random(n), rng.random(n)
    column, row = rng.integers(0, 4, n), rng.integers(0, 2, n)
    board: Points = np.stack((column + x - 2, 2 * row + column % 2 + y - 2), 1)
    return 3.0 * board


def _spiral(n: int, rng: np.random.Generator) -> Points:
    """Two arms, evenly filled along their length."""
    angle, side = 3 * math.pi * np.sqrt(rng.random(n)), 1 - 2 * (rng.permutation(n) % 2)
    return _polar(side * 0.6 * angle, angle) + 0.12 * rng.standard_normal((n, 2))


def _rings(n: int, rng: np.random.Generator) -> Points:
    """Three concentric rings, each filled as its length says."""
    radii = np.array([1.5, 3.5, 5.5])
    radius = rng.choice(radii, n, p=radii / radii.sum()) + 0.12 * rng.standard_normal(n)
    return _polar(radius, 2 * math.pi * rng.random(n))


def _pinwheel(n: int, rng: np.random.Generator) -> Points:
    """Five bent arms."""
    radial, across = 1 + 0.3 * rng.standard_normal(n), 0.12 * rng.standard_normal(n)
    turn = 2 * math.pi * rng.integers(0, 5, n) / 5 + 0.5 * np.exp(radial - 0.25)
    return _polar(3.5 * radial, turn) + _polar(3.5 * across, turn + math.pi / 2)


_SHAPES: dict[str, _Draw] = {
    "two-moons": _two_moons,
    "swiss-roll": _swiss_roll,
    "checkerboard": _checkerboard,
    "spiral": _spiral,
    "rings": _rings,
    "pinwheel": _pinwheel,
}


SUFFIXES = (".csv", ".tsv", ".txt", ".npy")
"""Endings of files with points."""


def experiment_of(found: Points, title: str) -> ExperimentSpec:
    """Return an experiment with points as data, and a ladder from twice their size down to a fiftieth of their spread.

    Args:
        found: Points with shape (n, 2).
        title: Its title.
    """
    rounded = tuple((float(f"{x:.7g}"), float(f"{y:.7g}")) for x, y in found.tolist())
    spec = ExperimentSpec(title=title[:200], data=MixtureSpec(name="points", points=rounded))
    reach, spread = np.ptp(found, axis=0).max() or 1.0, found.std() or 1.0
    first, last = (float(f"{spec.sigma_of_copy(value):.3g}") for value in (2 * reach, spread / 50))
    ladder = {"sigma_1": first, "sigma_L": last, "levels": 24, "steps_per_level": 20, "step_ratio": 0.2}
    return spec.replace_all({f"sampling.{name}": value for name, value in ladder.items()})


def read_points(path: Path) -> Points:
    """Read points from a file: text such as CSV, or an NPY array with shape (n, 2).

    Raises:
        BadFile: The file cannot be read, is too large, or does not hold 2 to 20 000 finite points.
    """
    content = read_bytes(path, _EXPECTED, limit=_LARGEST_FILE)
    if content.startswith(b"\x93NUMPY"):
        return _checked(_array(content, path), path.name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(f"{path.name} is not a text file. {_HOW}.") from None
    return points_in(text, path.name)


def points_in(text: str, name: str = "The text") -> Points:
    """Read points from text: x and y in each line, separated by commas, semicolons, tabs or spaces.

    A first line without numbers is a heading, further columns and lines after ``#`` are ignored; with semicolons, the
    decimal sign may be a comma.

    Args:
        text: The text.
        name: What the messages call it.

    Raises:
        BadFile: A line has no two numbers, a number is not finite, or there are not 2 to 20 000 points.
    """
    found: list[tuple[float, float]] = []
    heading = True
    for number, whole in enumerate(text.splitlines(), start=1):
        line = whole.partition("#")[0].strip()
        if not line:
            continue
        parts = line.split(";") if ";" in line else re.split(r"[,\s]+", line)
        if ";" in line:
            parts = [part.replace(",", ".") for part in parts]
        try:
            found.append((float(parts[0]), float(parts[1])))
        except (ValueError, IndexError):
            if not heading:
                raise BadFile(f"Line {number} of {name} is {line[:60]!r}. {_HOW}.") from None
        heading = False
        if len(found) > MOST_POINTS:
            break
    return _checked(np.array(found, np.float64).reshape(-1, 2), name)


def _array(content: bytes, path: Path) -> Points:
    with reading(path, _EXPECTED):
        # Objects would be unpickled.
        found = np.load(io.BytesIO(content), allow_pickle=False)
        if found.ndim != 2 or found.shape[1] != 2 or found.dtype.kind not in "fiu":
            raise BadFile(f"{path.name} must hold an array of numbers with shape (n, 2).")
        return np.asarray(found, np.float64)


def _checked(found: Points, name: str) -> Points:
    if not 2 <= len(found) <= MOST_POINTS:
        many = f"more than {MOST_POINTS}" if len(found) > MOST_POINTS else str(len(found))
        raise BadFile(f"{name} holds {many} points, but a set has 2 to {MOST_POINTS}. {_HOW}.")
    if not (np.abs(found) <= _LARGEST).all():
        raise BadFile(f"{name} holds numbers that are not finite or beyond ±{_LARGEST:g}.")
    return found

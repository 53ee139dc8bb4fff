"""The user's own pictures as a set: a folder of files, whose subfolders are classes, or one array.

Reading takes a while for thousands of files, so the result is cached by the hash of the content. Files that cannot be
used are left out with the reason; too few usable ones are an error.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import make_folder, reading, write_atomically
from msd_engine.backend.folders import cache_folder
from msd_engine.backend.tensors import DIGEST, pack_tensors, read_tensors
from msd_engine.data.arrays import are_classes, read_array
from msd_engine.data.picture import read_square, square_of
from msd_engine.specs import ImagesSpec

LEAST = 20
"""Fewest usable pictures of a set."""
MOST_FILES = 200_000
"""Most files of a folder."""
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
"""Endings of the files of a folder that are read."""
OF_RUNS = ("manifest.json", "sweep.json")
"""Files in the folders of runs and comparisons, which hold pictures of their own."""

_MOST_BYTES = 2**31
_CACHED = "cached pictures (safetensors; delete it and they will be read again)"

Reading = Generator[tuple[int, int], None, "OwnPictures"]
"""Progress as (pictures done, pictures in all), and the result."""


@dataclass(frozen=True, eq=False)
class OwnPictures:
    """Pictures of one size.

    Attributes:
        images: The pictures with shape (n, C, H, W), uint8, in a fixed random order.
        labels: Their classes with shape (n,), int64; all 0 where there are no subfolders.
        class_names: Names of the subfolders, sorted; empty without at least two.
        digest: SHA-256 of names and content of all files, in hex.
        refused: Name and reason of every file that was left out.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    digest: str
    refused: tuple[tuple[str, str], ...]

    def split(self, share: float) -> int:
        """Return how many pictures are for training: all but the held-out share, and but one at least."""
        return min(len(self.images) - 1, round(len(self.images) * (1 - share)))


def read_own(spec: ImagesSpec) -> OwnPictures:
    """Read the user's pictures. See `reading_own`."""
    steps = reading_own(spec)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: OwnPictures = end.value
            return found


def reading_own(spec: ImagesSpec) -> Reading:
    """Read the user's pictures, picture by picture.

    Args:
        spec: A set with the name ``folder``.

    Yields:
        The numbers of pictures done and in all.

    Returns:
        The pictures.

    Raises:
        BadFile: There is no such folder or file, or it holds fewer than 20 usable pictures.
        UserError: The pictures need more than 2 GB.
    """
    if not spec.path:
        raise UserError("Choose your pictures first: data.path must name a folder, or an NPY or NPZ file.")
    path = Path(os.path.expanduser(spec.path))
    if path.is_file():
        found = yield from _from_array(path, spec)
    elif path.is_dir():
        found = yield from _from_folder(path, spec)
    else:
        raise BadFile(f"{path} is {'no folder' if path.exists() else 'missing'}; expected a folder of pictures.")
    if len(found.images) < LEAST:
        why = "; ".join(f"{name}: {reason}" for name, reason in found.refused[:3])
        raise BadFile(
            f"{path} holds {len(found.images)} usable pictures ({', '.join(ENDINGS)}); a set needs at least {LEAST}."
            + (f" Left out: {why}." if why else "")
        )
    return found


def files_in(folder: Path) -> list[Path]:
    """List the pictures in a folder and its subfolders, sorted by their relative names.

    Hidden files and folders are skipped, and so are the folders of runs and comparisons.

    Raises:
        BadFile: The folder cannot be read, or holds more than 200 000 pictures.
    """
    found = list(itertools.islice(_walked(folder), MOST_FILES + 1))
    if len(found) > MOST_FILES:
        raise BadFile(f"{folder} holds more than {MOST_FILES:,} pictures: choose a smaller folder.")
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def has_files(folder: Path) -> bool:
    """Return whether a folder holds a picture that `files_in` lists.

    Raises:
        BadFile: The folder cannot be read.
    """
    return next(_walked(folder), None) is not None


def signature(spec: ImagesSpec) -> str:
    """Return a key of the files of a set that changes with their names, sizes and times; empty for other sets."""
    if spec.name != "folder":
        return ""
    path, found = Path(os.path.expanduser(spec.path)), hashlib.sha256()
    for file in _walked(path) if path.is_dir() else (path,):
        with contextlib.suppress(OSError):
            state = file.stat()
            found.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def _walked(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        if Path(str(error.filename)) == folder:
            raise BadFile(f"{folder} cannot be read ({error.strerror}).") from error

    for root, below, names in os.walk(folder, onerror=refuse):
        if not set(OF_RUNS).isdisjoint(names):
            below.clear()
            continue
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in names:
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                yield Path(root, name)


def _from_folder(folder: Path, spec: ImagesSpec) -> Reading:
    files = files_in(folder)
    _check_size(len(files), spec)
    digest = hashlib.sha256()
    for place, path in enumerate(files):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode("utf-8", "surrogateescape"))
        digest.update(_hash_of(path))
        if place % 64 == 0:
            yield 0, len(files)
    cached = _cached(digest.hexdigest(), spec)
    if cached is not None:
        return cached
    groups = [path.relative_to(folder).parts[0] if path.parent != folder else "" for path in files]
    names = tuple(sorted(set(groups) - {""}))
    images, labels, refused = [], [], []
    for place, (path, group) in enumerate(zip(files, groups, strict=True)):
        yield place, len(files)
        try:
            images.append(read_square(path, spec.size, spec.shape[0]))
        except BadFile as error:
            refused.append((path.relative_to(folder).as_posix(), str(error).replace(str(path), "it", 1)))
            continue
        labels.append(names.index(group) if group else 0)
    # A single subfolder, or pictures beside the subfolders, make no classes.
    classes = names if len(names) > 1 and "" not in groups else ()
    pixels = np.stack(images) if images else np.zeros((0, *spec.shape), np.uint8)
    numbers = np.array(labels if classes else [0] * len(labels), np.int64)
    return _kept(OwnPictures(pixels, numbers, classes, digest.hexdigest(), tuple(refused)), spec)


def _from_array(path: Path, spec: ImagesSpec) -> Reading:
    yield 0, 0
    digest = _hash_of(path).hex()
    cached = _cached(digest, spec)
    if cached is not None:
        return cached
    pixels, labels, classes = read_array(path)
    _check_size(len(pixels), spec)
    images = []
    for place, one in enumerate(pixels):
        yield place, len(pixels)
        images.append(square_of(one, spec.size, spec.shape[0]))
    made = np.stack(images) if images else np.zeros((0, *spec.shape), np.uint8)
    return _kept(OwnPictures(made, labels, classes, digest, ()), spec)


def _hash_of(path: Path) -> bytes:
    """Return the hash of a file; of an unreadable one that of nothing, since it will be refused when it is read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return hashlib.sha256().digest()


def _check_size(count: int, spec: ImagesSpec) -> None:
    channels, rows, columns = spec.shape
    if count * channels * rows * columns > _MOST_BYTES:
        raise UserError(
            f"{count:,} pictures of {rows} × {columns} need more than 2 GB: choose fewer, or a smaller data.size."
        )


def _place(digest: str, spec: ImagesSpec) -> Path:
    return cache_folder() / "pictures" / f"{digest[:32]}-{spec.size}-{spec.channels}.safetensors"


def load_kept(path: Path, digest: str, spec: ImagesSpec) -> OwnPictures | None:
    """Return pictures that were kept by `keep`; None where the file is missing, damaged or of other pictures.

    Args:
        path: The file.
        digest: The hash of the pictures.
        spec: The set.
    """
    if not path.is_file():
        return None
    try:
        tensors, notes = read_tensors(path, _CACHED)
        with reading(path, _CACHED):
            images, labels = tensors["images"].numpy(), tensors["labels"].numpy()
            names = tuple(str(name) for name in json.loads(notes["class_names"]))
            refused = tuple((str(name), str(reason)) for name, reason in json.loads(notes["refused"]))
            right = images.dtype == np.uint8 and images.shape == (len(labels), *spec.shape)
            right = right and labels.dtype == np.int64 and labels.ndim == 1 and are_classes(labels, names)
            # A checksum whose name was damaged is none.
            if not right or notes["digest"] != digest or DIGEST not in notes:
                return None
    except BadFile:
        return None
    return OwnPictures(images, labels, names, digest, refused)


def keep(path: Path, found: OwnPictures) -> None:
    """Write pictures to a file in an existing folder, whole or not at all.

    Raises:
        UserError: The file cannot be written.
    """
    texts = {"class_names": json.dumps(found.class_names), "refused": json.dumps(found.refused)}
    tensors = {"images": torch.from_numpy(found.images), "labels": torch.from_numpy(found.labels)}
    write_atomically(path, pack_tensors(tensors, texts | {"digest": found.digest}))


def _cached(digest: str, spec: ImagesSpec) -> OwnPictures | None:
    return load_kept(_place(digest, spec), digest, spec)


def _kept(found: OwnPictures, spec: ImagesSpec) -> OwnPictures:
    """Shuffle pictures, cache them if the folder can be written, and return them."""
    order = np.random.default_rng(0).permutation(len(found.images))
    found = dataclasses.replace(found, images=found.images[order], labels=found.labels[order])
    path = _place(found.digest, spec)
    # Where the cache cannot be written, the pictures are read again next time.
    with contextlib.suppress(UserError):
        make_folder(path.parent)
        keep(path, found)
    return found


def refused_words(refused: tuple[tuple[str, str], ...], most: int = 3) -> str:
    """Return a sentence on pictures that were left out, with the reasons of the first; empty for none."""
    if not refused:
        return ""
    shown = "; ".join(f"{name}: {reason.rstrip('.')}" for name, reason in refused[:most])
    more = f"; and {len(refused) - most:,} more" if len(refused) > most else ""
    return f"{len(refused):,} of the pictures {'was' if len(refused) == 1 else 'were'} left out ({shown}{more})."

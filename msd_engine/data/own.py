"""The user's own pictures as a set: a folder of files, whose subfolders are classes, or one array.

Reading takes a while for thousands of files, so the result is cached by the hash of the content. Files that cannot be
used are left out with the reason; too few usable ones are an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, make_folder, read_bytes, reading, write_atomically
from msd_engine.backend.folders import cache_folder
from msd_engine.backend.tensors import pack_tensors, read_tensors
from msd_engine.data.picture import read_square, square_of
from msd_engine.specs import ImagesSpec

LEAST = 20
"""Fewest usable pictures of a set."""
MOST_FILES = 200_000
"""Most files of a folder."""
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
"""Endings of the files of a folder that are read."""
ARRAYS = (".npy", ".npz")
"""Endings of arrays."""

_MOST_BYTES = 2**31
_LARGEST_ARRAY = 1024 * MIB
_EXPECTED = "pictures as an array with shape (N, H, W) or (N, H, W, C), of bytes or of numbers from 0 to 1"
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
    if path.suffix.lower() in ARRAYS and path.is_file():
        found = yield from _from_array(path, spec)
    elif path.is_dir():
        found = yield from _from_folder(path, spec)
    else:
        raise BadFile(f"{path} is {'no folder and no array' if path.exists() else 'missing'}; expected a folder.")
    if len(found.images) < LEAST:
        why = "; ".join(f"{name}: {reason}" for name, reason in found.refused[:3])
        raise BadFile(
            f"{path} holds {len(found.images)} usable pictures ({', '.join(ENDINGS)}); a set needs at least {LEAST}."
            + (f" Left out: {why}." if why else "")
        )
    return found


def files_in(folder: Path) -> list[Path]:
    """List the pictures in a folder and its subfolders, sorted by their relative names; hidden ones are skipped.

    Raises:
        BadFile: The folder cannot be read, or holds more than 200 000 pictures.
    """
    found: list[Path] = []

    def refuse(error: OSError) -> None:
        if Path(str(error.filename)) == folder:
            raise BadFile(f"{folder} cannot be read ({error.strerror}).") from error

    for root, below, names in os.walk(folder, onerror=refuse):
        below[:] = sorted(name for name in below if not name.startswith("."))
        here = (name for name in names if name.lower().endswith(ENDINGS) and not name.startswith("."))
        found += [Path(root, name) for name in here]
        if len(found) > MOST_FILES:
            raise BadFile(f"{folder} holds more than {MOST_FILES:,} pictures: choose a smaller folder.")
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


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
    return _kept(pixels, numbers, classes, digest.hexdigest(), tuple(refused), spec)


def _from_array(path: Path, spec: ImagesSpec) -> Reading:
    content = read_bytes(path, _EXPECTED, limit=_LARGEST_ARRAY)
    digest = hashlib.sha256(content).hexdigest()
    yield 0, 0
    cached = _cached(digest, spec)
    if cached is not None:
        return cached
    with reading(path, _EXPECTED):
        # Objects would be unpickled.
        stored = np.load(io.BytesIO(content), allow_pickle=False)
        array = stored if isinstance(stored, np.ndarray) else _only_images(stored, path)
        pixels = _bytes_of(array, path)
        labels, classes = _classes(stored, len(pixels), path)
    _check_size(len(pixels), spec)
    images = []
    for place, one in enumerate(pixels):
        yield place, len(pixels)
        images.append(square_of(one, spec.size, spec.shape[0]))
    made = np.stack(images) if images else np.zeros((0, *spec.shape), np.uint8)
    return _kept(made, labels, classes, digest, (), spec)


def _only_images(stored: np.lib.npyio.NpzFile, path: Path) -> NDArray[np.generic]:
    """Return the array of an NPZ file with the shape of pictures, the first by name."""
    for name in sorted(stored.files):
        array = stored[name]
        if array.ndim in (3, 4):
            return array
    raise BadFile(f"{path} holds no {_EXPECTED}.")


def _classes(
    stored: NDArray[np.generic] | np.lib.npyio.NpzFile, count: int, path: Path
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the classes in the arrays ``labels`` and ``class_names`` of an NPZ file; one class without names else."""
    if isinstance(stored, np.ndarray) or not {"labels", "class_names"} <= set(stored.files):
        return np.zeros(count, np.int64), ()
    labels, names = stored["labels"], tuple(str(name)[:80] for name in stored["class_names"].ravel()[:1000])
    right = labels.shape == (count,) and labels.dtype.kind in "iu" and len(names) > 1
    if not right or not ((labels >= 0) & (labels < len(names))).all():
        raise BadFile(f"{path} has labels that do not fit its {count} pictures and {len(names)} class names.")
    return labels.astype(np.int64), names


def _bytes_of(array: NDArray[np.generic], path: Path) -> NDArray[np.uint8]:
    """Return pictures as bytes with shape (N, H, W) or (N, H, W, 3)."""
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[-1] != 3) or 0 in array.shape:
        raise BadFile(f"{path} has the shape {array.shape}; expected {_EXPECTED}.")
    if array.dtype == np.uint8:
        return array.astype(np.uint8)
    values = array.astype(np.float32) if array.dtype.kind == "f" else None
    if values is None or not ((values >= 0) & (values <= 1)).all():
        raise BadFile(f"{path} has numbers of type {array.dtype} beyond 0 to 1; expected {_EXPECTED}.")
    return np.round(values * 255).astype(np.uint8)


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


def _cached(digest: str, spec: ImagesSpec) -> OwnPictures | None:
    """Return pictures that were read before; None where they are not cached, or the cache is damaged."""
    path = _place(digest, spec)
    if not path.is_file():
        return None
    try:
        tensors, notes = read_tensors(path, _CACHED)
        with reading(path, _CACHED):
            images, labels = tensors["images"].numpy(), tensors["labels"].numpy()
            names = tuple(str(name) for name in json.loads(notes["class_names"]))
            refused = tuple((str(name), str(reason)) for name, reason in json.loads(notes["refused"]))
            right = images.dtype == np.uint8 and images.shape == (len(labels), *spec.shape)
            if not right or notes["digest"] != digest:
                return None
    except BadFile:
        return None
    return OwnPictures(images, labels, names, digest, refused)


def _kept(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    digest: str,
    refused: tuple[tuple[str, str], ...],
    spec: ImagesSpec,
) -> OwnPictures:
    """Shuffle pictures, cache them if the folder can be written, and return them."""
    order = np.random.default_rng(0).permutation(len(images))
    found = OwnPictures(images[order], labels[order], class_names, digest, refused)
    notes = {"class_names": json.dumps(class_names), "refused": json.dumps(refused), "digest": digest}
    path = _place(digest, spec)
    tensors = {"images": torch.from_numpy(found.images), "labels": torch.from_numpy(found.labels)}
    # Where the cache cannot be written, the pictures are read again next time.
    with contextlib.suppress(UserError):
        make_folder(path.parent)
        write_atomically(path, pack_tensors(tensors, notes))
    return found


def refused_words(refused: tuple[tuple[str, str], ...], most: int = 3) -> str:
    """Return a sentence on pictures that were left out, with the reasons of the first; empty for none."""
    if not refused:
        return ""
    shown = "; ".join(f"{name}: {reason.rstrip('.')}" for name, reason in refused[:most])
    more = f"; and {len(refused) - most:,} more" if len(refused) > most else ""
    return f"{len(refused):,} of the pictures were left out ({shown}{more})."

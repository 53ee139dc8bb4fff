"""Arrays of pictures in NPY and NPZ files, read only after their headers have been checked."""

from __future__ import annotations

import contextlib
import io
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, reading

EXPECTED = "pictures as an array with shape (N, H, W) or (N, H, W, C), of bytes or of numbers from 0 to 1"

_LARGEST = 1024 * MIB
_SPEC = "spec"
_MOST_CLASSES = 1000
# Of bytes from the start of a file.
_NPY, _ZIP = b"\x93NUMPY", b"PK"


@dataclass(frozen=True)
class _Header:
    """Shape and type of an array, the bytes that they ask for, and those that follow the header."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    there: int

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def holds_pictures(path: Path) -> bool:
    """Return whether a file holds an array with the number of dimensions of pictures, by its headers alone.

    An NPZ file that carries a spec holds samples.

    Raises:
        BadFile: It begins like an array file and is damaged.
    """
    with reading(path, EXPECTED):
        with path.open("rb") as file:
            head = file.read(len(_NPY))
        if not head.startswith((_NPY, _ZIP)):
            return False
        with _members(path) as members:
            return _SPEC not in members and _pictures_among(members) is not None


def read_array(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
    """Read pictures, and the arrays ``labels`` and ``class_names`` of an NPZ file.

    Args:
        path: An NPY or NPZ file; of the arrays with the shape of pictures the first by name is read.

    Returns:
        The pictures with shape (N, H, W) or (N, H, W, 3), their classes with shape (N,), and the names of the classes,
        none without classes.

    Raises:
        BadFile: It is missing, damaged or too large, has Python objects in it, or holds no pictures; or the labels do
            not fit them.
    """
    with reading(path, EXPECTED), _members(path) as members:
        name = _pictures_among(members)
        if name is None:
            raise BadFile(f"{path} holds no {EXPECTED}.")
        pixels = _bytes_of(_read(path, members[name]), path)
        if not {"labels", "class_names"} <= members.keys():
            return pixels, np.zeros(len(pixels), np.int64), ()
        labels, named = _read(path, members["labels"]), _read(path, members["class_names"])
        names = tuple(str(one)[:80] for one in named.ravel()[:_MOST_CLASSES])
        whole = labels.shape == (len(pixels),) and labels.dtype.kind in "iu" and named.dtype.kind == "U"
        if not whole or not are_classes(labels.astype(np.int64), names):
            raise BadFile(f"{path} has labels that do not fit its {len(pixels)} pictures and {len(names)} class names.")
        return pixels, labels.astype(np.int64), names


def are_classes(labels: NDArray[np.int64], names: tuple[str, ...]) -> bool:
    """Return whether labels fit the names of the classes: there are at least two, or none and all labels are 0."""
    return len(names) != 1 and bool(((labels >= 0) & (labels < max(len(names), 1))).all())


class _Member:
    """An array of a file.

    Args:
        archive: The NPZ file, None for an NPY file.
        name: The name in the archive, or the path of the file.
        size: Its bytes with the header, as the archive says.
    """

    def __init__(self, archive: zipfile.ZipFile | None, name: str, size: int) -> None:
        self._archive, self._name, self.size = archive, name, size

    def open(self) -> IO[bytes]:
        """Open it at its header."""
        return open(self._name, "rb") if self._archive is None else self._archive.open(self._name)

    def header(self) -> _Header:
        """Read the header alone."""
        with self.open() as file:
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            else:
                shape, _, dtype = np.lib.format.read_array_header_2_0(file)
            return _Header(shape, dtype, self.size - file.tell())


@contextlib.contextmanager
def _members(path: Path) -> Iterator[dict[str, _Member]]:
    """Open a file and list its arrays; of an NPY file the only one has an empty name."""
    if not zipfile.is_zipfile(path):
        yield {"": _Member(None, str(path), path.stat().st_size)}
        return
    with zipfile.ZipFile(path) as archive:
        files = (info for info in archive.infolist() if info.filename.endswith(".npy"))
        yield {info.filename[:-4]: _Member(archive, info.filename, info.file_size) for info in files}


def _pictures_among(members: dict[str, _Member]) -> str | None:
    """Return the name of the first array with 3 or 4 dimensions."""
    return next((name for name in sorted(members) if len(members[name].header().shape) in (3, 4)), None)


def _read(path: Path, member: _Member) -> NDArray[Any]:
    """Read an array whose header and size agree; objects, which would be unpickled, are refused."""
    header = member.header()
    if max(header.size, member.size) > _LARGEST:
        raise BadFile(f"{path} holds an array of more than {_LARGEST:,} bytes, too large for {EXPECTED}.")
    if header.dtype.hasobject or header.size != header.there:
        raise BadFile(f"{path} holds an array that does not agree with its header; expected {EXPECTED}.")
    with member.open() as file:
        # No more than the archive says: what is packed may be longer.
        content = file.read(member.size + 1)
    if len(content) != member.size:
        raise BadFile(f"{path} is cut or damaged; expected {EXPECTED}.")
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return array


def _bytes_of(array: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """Return pictures as bytes with shape (N, H, W) or (N, H, W, 3)."""
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[-1] != 3) or 0 in array.shape:
        raise BadFile(f"{path} has the shape {array.shape}; expected {EXPECTED}.")
    if array.dtype == np.uint8:
        return array.astype(np.uint8)
    values = array.astype(np.float32) if array.dtype.kind == "f" else None
    if values is None or not ((values >= 0) & (values <= 1)).all():
        raise BadFile(f"{path} has numbers of type {array.dtype} beyond 0 to 1; expected {EXPECTED}.")
    return np.round(values * 255).astype(np.uint8)

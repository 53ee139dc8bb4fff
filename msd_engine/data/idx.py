"""The idx format of MNIST and Fashion-MNIST (Y. LeCun, C. Cortes, C. Burges: The MNIST database).

Two zero bytes, a type code (8 for unsigned bytes), the number of axes, the length of each axis as a big-endian
32-bit number, then the values. The files come as they are or packed by gzip.
"""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import reading

MAX_COUNT = 100_000
"""Most items accepted in one file; the published ones have at most 60 000."""

_UNSIGNED_BYTE = 8
_GZIP_MAGIC = b"\x1f\x8b"


def idx_names(name: str) -> tuple[str, ...]:
    """Return the names that an idx file may have: some unpack ``train-images-idx3-ubyte`` with a point before idx."""
    plain = (name, name.replace("-idx", ".idx"))
    return (*plain, *(f"{one}.gz" for one in plain))


def read_named_idx(folder: Path, name: str, item: tuple[int, ...]) -> tuple[Path, NDArray[np.uint8]]:
    """Read an idx file by any of its names; where one is damaged, another one beside it may be whole.

    Args:
        folder: Where it lies.
        name: Its published name, unpacked.
        item: Shape of one item, as `read_idx` takes it.

    Returns:
        The file that was read, and its values.

    Raises:
        BadFile: There is none, or all are damaged; the sentence is about the first.
    """
    paths = [folder / one for one in idx_names(name) if (folder / one).is_file()] or [folder / name]
    troubles = []
    for path in paths:
        try:
            return path, read_idx(path, item)
        except BadFile as error:
            troubles.append(error)
    raise troubles[0]


def read_idx(path: Path, item: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read one idx file of unsigned bytes.

    Never takes more memory than the header announces, and the header may not announce more than `MAX_COUNT` items,
    so that a packed file cannot swell without bound.

    Args:
        path: The file, packed by gzip or not.
        item: Shape of one item: ``(28, 28)`` for images, ``()`` for labels.

    Returns:
        The values, with shape (n, *item).

    Raises:
        BadFile: The file is missing, cut, too long, of another type or of another shape.
    """
    kind = f"{'x'.join(map(str, item))} images" if item else "labels"
    expected = f"an idx file of {kind} as unsigned bytes"
    with reading(path, expected), path.open("rb") as raw:
        packed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        if not packed:
            return _read(raw, path, item, expected)
        with gzip.GzipFile(fileobj=raw) as stream:
            return _read(stream, path, item, expected)


def _read(stream: IO[bytes] | gzip.GzipFile, path: Path, item: tuple[int, ...], expected: str) -> NDArray[np.uint8]:
    axes = 1 + len(item)
    magic = bytes((0, 0, _UNSIGNED_BYTE, axes))
    head = stream.read(4 + 4 * axes)
    if head[:4] != magic:
        raise BadFile(f"{path} is not {expected}: it starts with {head[:4].hex()}, not with {magic.hex()}.")
    if len(head) < 4 + 4 * axes:
        raise BadFile(f"{path} is cut short in its header; expected {expected}.")
    shape = tuple(int(length) for length in np.frombuffer(head, ">u4", offset=4))
    if shape[1:] != item or not 0 < shape[0] <= MAX_COUNT:
        raise BadFile(f"{path} has shape {shape}; expected {expected}, from 1 to {MAX_COUNT} of them.")
    values = np.empty(shape, np.uint8)
    got = stream.readinto(values.data.cast("B"))  # type: ignore[union-attr]
    if got != math.prod(shape):
        raise BadFile(f"{path} is cut short: {got:,} bytes of values, expected {math.prod(shape):,} ({expected}).")
    # Reading on also makes gzip compare its checksum.
    if stream.read(1):
        raise BadFile(f"{path} is too long: more than the {math.prod(shape):,} bytes that its header announces.")
    return values

"""Sample files: the samples, the last state of their chains, the seed and the spec, as numpy's .npz."""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, read_bytes, reading, write_atomically

EXPECTED = "a sample file (.npz with x_hat, y, seed and spec)"

_LARGEST = 4096 * MIB
_LARGEST_SPEC = 16 * MIB


@dataclass(frozen=True, eq=False)
class SampleFile:
    """The content of a sample file.

    Attributes:
        x_hat: The samples with shape (N, C, H, W) or (N, d), float32, in data units.
        y: All copies of the last state, with shape (N, k, *event), float32.
        seed: Seed of the chains.
        spec_json: The spec as JSON, not validated.
    """

    x_hat: NDArray[np.float32]
    y: NDArray[np.float32]
    seed: int
    spec_json: str


def save_samples(
    path: str | os.PathLike[str], x_hat: NDArray[np.float32], y: NDArray[np.float32], seed: int, spec_json: str
) -> None:
    """Write a sample file, whole or not at all.

    Args:
        path: The file to write.
        x_hat: The samples with shape (N, C, H, W) or (N, d), in data units.
        y: All copies of the last state, with shape (N, k, *event).
        seed: Seed of the chains.
        spec_json: The spec as JSON.

    Raises:
        UserError: The file cannot be written.
    """
    arrays = {"x_hat": np.asarray(x_hat, np.float32), "y": np.asarray(y, np.float32)}
    save_arrays(path, arrays | {"seed": np.asarray(seed, np.int64)}, spec_json)


def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], spec_json: str) -> None:
    """Write any arrays with their spec, whole or not at all; `read_samples_spec` reads the spec.

    Args:
        path: The file to write.
        arrays: Arrays by name.
        spec_json: The spec as JSON.

    Raises:
        UserError: The file cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays, spec=np.asarray(spec_json))
    write_atomically(path, buffer.getvalue())


def load_samples(path: str | os.PathLike[str]) -> SampleFile:
    """Read a sample file.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        BadFile: The file is missing, truncated, or no sample file.
    """
    data = read_bytes(path, EXPECTED, limit=_LARGEST)
    with reading(path, EXPECTED), zipfile.ZipFile(io.BytesIO(data)) as archive:
        x_hat, y, seed, spec = (_member(archive, name, len(data)) for name in ("x_hat", "y", "seed", "spec"))
        fits = x_hat.ndim in (2, 4) and y.ndim == x_hat.ndim + 1
        fits = fits and y.shape[:1] + y.shape[2:] == x_hat.shape and y.shape[1] > 0
        if not fits or x_hat.dtype != np.float32 or y.dtype != np.float32:
            raise BadFile(f"{path} holds arrays of the wrong shape or type; expected {EXPECTED}.")
        if seed.shape or seed.dtype.kind not in "iu" or spec.shape or spec.dtype.kind != "U":
            raise BadFile(f"{path} has a seed or a spec of the wrong type; expected {EXPECTED}.")
        return SampleFile(x_hat, y, int(seed), str(spec))


def load_denoised(path: str | os.PathLike[str]) -> tuple[NDArray[np.float32], ...]:
    """Read the picture x, the mean copy ȳ and x̂ of a file of the denoising job.

    Args:
        path: The file.

    Returns:
        Three pictures with one shape (C, H, W); empty for a file without them.

    Raises:
        BadFile: The file is missing, truncated, or the pictures are damaged.
    """
    data = read_bytes(path, EXPECTED, limit=_LARGEST)
    with reading(path, EXPECTED), zipfile.ZipFile(io.BytesIO(data)) as archive:
        wanted = ("x", "y_mean", "x_hat")
        if not {f"{name}.npy" for name in wanted} <= {*archive.namelist()}:
            return ()
        found = tuple(_member(archive, name, len(data)) for name in wanted)
        if len({one.shape for one in found}) > 1 or found[0].ndim != 3 or found[0].shape[0] not in (1, 3):
            raise BadFile(f"{path} holds pictures of the wrong shape; expected {EXPECTED}.")
        if any(one.dtype != np.float32 for one in found):
            raise BadFile(f"{path} holds pictures of the wrong type; expected {EXPECTED}.")
        return found


def read_samples_spec(path: str | os.PathLike[str]) -> str:
    """Read only the spec of a sample file, without validating it.

    Args:
        path: The file.

    Returns:
        The spec as JSON.

    Raises:
        BadFile: The file is missing, truncated or no sample file.
    """
    with reading(path, EXPECTED), zipfile.ZipFile(path) as archive:
        spec = _member(archive, "spec", _LARGEST_SPEC)
        if spec.shape or spec.dtype.kind != "U":
            raise BadFile(f"{path} has a spec of the wrong type; expected {EXPECTED}.")
        return str(spec)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> NDArray[Any]:
    """Read one array; never unpack more than the limit, nor trust a header that disagrees with its data."""
    with archive.open(f"{name}.npy") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{name} is larger than {limit} bytes")
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"{name} is written in format {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise ValueError(f"{name} does not hold what its header says")
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return array

"""Named tensors as bytes in the safetensors format, which holds only data and cannot run code."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from msd_engine.backend.errors import BadFile, NotFiniteError
from msd_engine.backend.files import MIB, read_bytes, reading

DIGEST = "content_sha256"
"""Name, in the text beside the tensors, of the SHA-256 of all that the file holds."""

_LARGEST = 4096 * MIB
# Bytes allowed for the header, beyond the expected tensors.
_HEADER = 16 * MIB
# A description of one tensor takes less than this, and all text beside the tensors less than a mebibyte.
_ENTRY = 512
_METADATA = "__metadata__"


def pack_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Serialise named tensors of any device, and text metadata, as a safetensors document with a checksum.

    Raises:
        NotFiniteError: A number is infinite or NaN.
    """
    # Copy: the format rejects tensors that share memory.
    copies = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
    for name, value in copies.items():
        if not _is_finite(value):
            raise NotFiniteError(f"{name} holds numbers that are not finite, which are not saved.")
    plain = memoryview(safetensors.torch.save(copies))
    header, start = _header(plain)
    header[_METADATA] = dict(metadata)
    header[_METADATA][DIGEST] = _digest(header, plain[start:])
    text = json.dumps(header, separators=(",", ":")).encode()
    # Tensors begin at a multiple of eight bytes, so that they can be mapped.
    text += b" " * (-len(text) % 8)
    return b"".join((len(text).to_bytes(8, "little"), text, plain[start:]))


def read_tensors(
    path: str | os.PathLike[str],
    expected: str,
    like: Mapping[str, Tensor] | None = None,
    *,
    part: str = "",
    optional: Collection[str] = (),
    widen: bool = False,
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read and check a safetensors file.

    Args:
        path: The file.
        expected: Description of the file for error messages.
        like: Required names, shapes and dtypes; None accepts any.
        part: Prefix of the wanted names, removed from them; `like` then describes these tensors only.
        optional: Names of further tensors, of any shape, that the file may hold.
        widen: Convert float16 to float32 where `like` has float32.

    Returns:
        The tensors by name on the CPU, in memory independent of the file, and the metadata.

    Raises:
        BadFile: The file is missing, cut, changed since it was written, not safetensors, or holds non-finite numbers
            or other tensors than `like`.
    """
    whole = like if not part else None
    room = sum(value.numel() * value.element_size() for value in whole.values()) + _HEADER if whole else _LARGEST
    data = read_bytes(path, expected, limit=room)
    with reading(path, expected):
        header, start = _header(data, _HEADER if whole is None else MIB + _ENTRY * len(whole))
        notes = _notes(header)
        if like is not None:
            # Before unpacking: a header may name hundreds of thousands of tensors.
            names = {name.removeprefix(part) for name in header if name.startswith(part) and name not in optional}
            _check_names(path, names - {_METADATA}, like.keys())
        if DIGEST in notes and notes[DIGEST] != _digest(header, memoryview(data)[start:]):
            raise BadFile(f"{path} was damaged after it was written: its checksum differs. Use another checkpoint.")
        # Not load_file, which maps the file: its tensors become invalid with the file.
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
        for name, value in tensors.items():
            if not _is_finite(value):
                raise BadFile(f"{path} holds numbers that are not finite in {name[:80]}; use another checkpoint.")
    tensors = {name.removeprefix(part): value for name, value in tensors.items() if name.startswith(part)}
    if widen and like is not None:
        tensors = {name: _widened(value, like.get(name)) for name, value in tensors.items()}
    if like is not None:
        _check_like(path, tensors, like)
    return tensors, notes


def read_notes(path: str | os.PathLike[str], expected: str) -> dict[str, str]:
    """Read only the text beside the tensors of a safetensors file.

    Args:
        path: The file, a regular one.
        expected: What it should be, for the sentence.

    Returns:
        The text by name.

    Raises:
        BadFile: The file is missing, or its beginning is that of no safetensors file.
    """
    with reading(path, expected), open(path, "rb") as file:
        first = file.read(8)
        length = min(int.from_bytes(first, "little"), _HEADER, os.fstat(file.fileno()).st_size)
        return _notes(_header(first + file.read(length))[0])


def weights_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of weights, whatever file, device or precision keeps them.

    Args:
        tensors: The weights by name; floating-point ones count as float32.

    Returns:
        64 hexadecimal digits.
    """
    found = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu()
        value = value.float() if value.is_floating_point() else value
        found.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        found.update(value.contiguous().numpy().tobytes())
    return found.hexdigest()


def _header(data: bytes | memoryview, most: int = _HEADER) -> tuple[dict[str, Any], int]:
    """Return what a safetensors document says of its tensors, and where their bytes begin."""
    length = int.from_bytes(data[:8], "little")
    if length > most:
        raise ValueError(f"its header would have {length} bytes")
    header = json.loads(bytes(data[8 : 8 + length]))
    if not isinstance(header, dict):
        raise TypeError("its header is no object")
    return header, 8 + length


def _notes(header: Mapping[str, Any]) -> dict[str, str]:
    notes = header.get(_METADATA) or {}
    if not isinstance(notes, dict) or not all(isinstance(value, str) for value in notes.values()):
        raise TypeError("its metadata are no texts by name")
    return notes


def _digest(header: Mapping[str, Any], data: memoryview) -> str:
    notes = {name: value for name, value in header[_METADATA].items() if name != DIGEST}
    described = json.dumps({**header, _METADATA: notes}, sort_keys=True)
    found = hashlib.sha256(described.encode())
    found.update(data)
    return found.hexdigest()


def _is_finite(value: Tensor) -> bool:
    return not value.is_floating_point() or bool(torch.isfinite(value).all())


def _widened(value: Tensor, like: Tensor | None) -> Tensor:
    halved = like is not None and value.dtype == torch.float16 and like.dtype == torch.float32
    return value.float() if halved else value


def _check_names(path: str | os.PathLike[str], names: Collection[str], like: Collection[str]) -> None:
    for name in sorted(set(like).symmetric_difference(names)):
        state = "lacks" if name in like else "has an unexpected"
        raise BadFile(f"{path} {state} tensor {name[:80]}: it belongs to another network than the spec's.")


def _check_like(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> None:
    for name, known in like.items():
        value = tensors[name]
        if value.shape != known.shape or value.dtype != known.dtype:
            raise BadFile(
                f"{path} holds {name} with shape {tuple(value.shape)} as {value.dtype}, expected "
                f"{tuple(known.shape)} as {known.dtype}: it belongs to another network than the spec's."
            )

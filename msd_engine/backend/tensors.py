"""Named tensors as bytes in the safetensors format, which holds only data and cannot run code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, read_bytes, reading

_LARGEST = 4096 * MIB
# Bytes allowed for the header, beyond the expected tensors.
_HEADER = 16 * MIB


def pack_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Serialise named tensors of any device, and text metadata, as a safetensors document."""
    # Copy: the format rejects tensors that share memory.
    copies = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
    return bytes(safetensors.torch.save(copies, dict(metadata)))


def read_tensors(
    path: str | os.PathLike[str], expected: str, like: Mapping[str, Tensor] | None = None, *, widen: bool = False
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read and check a safetensors file.

    Args:
        path: The file.
        expected: Description of the file for error messages.
        like: Required names, shapes and dtypes; None accepts any.
        widen: Convert float16 to float32 where `like` has float32.

    Returns:
        The tensors by name on the CPU, in memory independent of the file, and the metadata.

    Raises:
        BadFile: The file is missing, cut, not safetensors, or holds non-finite numbers or other tensors than `like`.
    """
    limit = sum(value.numel() * value.element_size() for value in like.values()) + _HEADER if like else _LARGEST
    data = read_bytes(path, expected, limit=limit)
    with reading(path, expected):
        # Not load_file, which maps the file: its tensors become invalid with the file.
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
        header: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        for name, value in tensors.items():
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                raise BadFile(f"{path} holds numbers that are not finite in {name[:80]}; use another checkpoint.")
    if widen and like is not None:
        tensors = {name: _widened(value, like.get(name)) for name, value in tensors.items()}
    if like is not None:
        _check_like(path, tensors, like)
    return tensors, header.get("__metadata__", {})


def _widened(value: Tensor, like: Tensor | None) -> Tensor:
    halved = like is not None and value.dtype == torch.float16 and like.dtype == torch.float32
    return value.float() if halved else value


def _check_like(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> None:
    for name in sorted(like.keys() ^ tensors.keys()):
        state = "lacks" if name in like else "has an unexpected"
        raise BadFile(f"{path} {state} tensor {name[:80]}: it belongs to another network than the spec's.")
    for name, value in tensors.items():
        if value.shape != like[name].shape or value.dtype != like[name].dtype:
            raise BadFile(
                f"{path} holds {name} with shape {tuple(value.shape)} as {value.dtype}, expected "
                f"{tuple(like[name].shape)} as {like[name].dtype}: it belongs to another network than the spec's."
            )

"""Named tensors as bytes in the safetensors format, which holds numbers and nothing that can run."""

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
# Room for the header, on top of the tensors that are expected.
_HEADER = 16 * MIB


def pack_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Turn named tensors into bytes.

    Args:
        tensors: The tensors, on any device.
        metadata: Text to keep beside them.

    Returns:
        A safetensors document.
    """
    # Copied, since the format refuses tensors that share memory.
    copies = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
    return bytes(safetensors.torch.save(copies, dict(metadata)))


def read_tensors(
    path: str | os.PathLike[str], expected: str, like: Mapping[str, Tensor] | None = None, *, widen: bool = False
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file into memory of our own, and check it.

    Args:
        path: The file.
        expected: What it should be, for the sentence.
        like: Tensors whose names, shapes and dtypes the file's must have; None accepts any.
        widen: Accept float16 where `like` has float32, and widen it.

    Returns:
        The tensors by name, on the CPU, and the text beside them.

    Raises:
        BadFile: The file is missing, cut or no safetensors file, holds numbers that are not finite, or other tensors
            than expected.
    """
    room = sum(value.numel() * value.element_size() for value in like.values()) + _HEADER if like else _LARGEST
    data = read_bytes(path, expected, limit=room)
    with reading(path, expected):
        # From bytes, not from the file: tensors of load_file are a live map of it, and die with it.
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

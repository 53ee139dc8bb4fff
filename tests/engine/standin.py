"""A stand-in accelerator: a device of its own name over CPU memory that refuses what a GPU refuses.

Importing this module gives torch the device ``standin``. Its tensors do not mix with those of the host but where CUDA
lets them (numbers of no dimension, host indices of a device tensor), do not become numpy without ``.cpu()``, and are
never drawn at random: only noise that is computed from a counter is the same on every device. `without_float64` lets
it play MPS. `counting` counts what makes the host wait and what is carried over.

It must be imported before anything is differentiated in the process: torch counts the devices once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
import torch
from torch.utils import backend_registration
from torch.utils._mode_utils import no_dispatch
from torch.utils._pytree import tree_leaves

from msd_engine.backend import device as device_module

NAME = "standin"

_aten = torch.ops.aten
# These carry numbers over: the first of the device to the host or back, the others from one tensor to another.
_CARRIERS = (_aten._to_copy.default, _aten.copy_.default, _aten._foreach_copy_.default)
_INDEXING = (_aten.index.Tensor, _aten.index_put.default, _aten.index_put_.default, _aten._index_put_impl_.default)


@dataclass
class Counts:
    """What happened between host and device.

    Attributes:
        waits: What made the host wait for the device, by the name of the operation, and how often.
        to_device: Tensors that were carried to the device.
        to_host: Tensors that were carried to the host.
        operations: Operations that the device was given.
    """

    waits: Counter[str] = field(default_factory=Counter)
    to_device: int = 0
    to_host: int = 0
    operations: int = 0


_counts: list[Counts] = []
_dtypes = {torch.float64}


@contextmanager
def counting() -> Iterator[Counts]:
    """Count what happens, in all threads, while the context lasts."""
    counts = Counts()
    _counts.append(counts)
    try:
        yield counts
    finally:
        _counts.remove(counts)


@contextmanager
def without_float64() -> Iterator[None]:
    """Let the device play MPS, which has no float64, while the context lasts."""
    _dtypes.remove(torch.float64)
    try:
        yield
    finally:
        _dtypes.add(torch.float64)


@contextmanager
def chosen(*, float64: bool) -> Iterator[None]:
    """Let the engine choose the device where it is left to choose, while the context lasts.

    Args:
        float64: Whether it has float64, as CUDA has and MPS has not.
    """
    present = device_module._is_present
    with pytest.MonkeyPatch.context() as patch, nullcontext() if float64 else without_float64():
        patch.setattr(device_module, "_is_present", lambda device: device.type == NAME or present(device))
        patch.setattr(device_module, "_WITHOUT_FLOAT64", frozenset({"mps"} if float64 else {"mps", NAME}))
        patch.setenv("MSD_DEVICE", NAME)
        yield


class StandInTensor(torch.Tensor):
    """A tensor of the device.

    Attributes:
        host: Its numbers, which only this module may touch.
    """

    host: torch.Tensor

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, host: torch.Tensor) -> Self:
        if host.dtype == torch.float64 not in _dtypes:
            raise TypeError("Cannot convert a stand-in tensor to float64 dtype: the device does not support float64.")
        shape, strides, offset = host.shape, host.stride(), host.storage_offset()
        made = torch.Tensor._make_wrapper_subclass(
            cls, shape, strides=strides, storage_offset=offset, dtype=host.dtype, device=torch.device(NAME, 0)
        )
        made.host = host
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})

    def numpy(self, **_: Any) -> Any:
        raise TypeError(f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() first.")

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"StandInTensor({self.host!r})"


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Let the host compute what the device was given, where a GPU would take it."""
    # By its host, the tensor of the device; a host tensor stands for itself. What is given is known again when it
    # comes back: an operation that changes a tensor returns it.
    known: dict[int, torch.Tensor] = {}

    def host_of(tensor: torch.Tensor) -> torch.Tensor:
        host = tensor.host if isinstance(tensor, StandInTensor) else tensor
        known[id(host)] = tensor
        return host

    hosts, options = _mapped(args, host_of), {name: _mapped(value, host_of) for name, value in kwargs.items()}
    device = kwargs.get("device")
    leaves_device = device is not None and torch.device(device).type != NAME
    if func not in _CARRIERS:
        _refuse(func, args, [tensor for tensor in known.values() if not isinstance(tensor, StandInTensor)])
    elif torch.float64 not in _dtypes and _crosses_as_float64(func, args, kwargs, leaves_device):
        raise TypeError("Cannot convert a stand-in tensor to float64 dtype: carry it to the host first.")
    for counts in _counts:
        _count(counts, func, args, kwargs, leaves_device)
    if device is not None:
        options["device"] = torch.device("cpu")

    def back(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) in known:
            return known[id(tensor)]
        return tensor if leaves_device else StandInTensor(tensor)

    out = _mapped(func(*hosts, **options), back)
    if torch.Tag.inplace_view in func.tags:
        # The shape of the tensor of the device follows.
        with no_dispatch():
            func(*args, **kwargs)
    return out


def _mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Change all tensors of an argument, which is a tensor, a list or anything else."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)([_mapped(part, change) for part in value])
    return value


def _refuse(func: Any, args: Any, strangers: list[torch.Tensor]) -> None:
    """Raise what a GPU raises; `strangers` are the tensors of the host that it is given."""
    if torch.Tag.nondeterministic_seeded in func.tags:
        raise RuntimeError(f"The stand-in accelerator draws no random numbers: {func}.")
    if func in _INDEXING:
        if not isinstance(args[0], StandInTensor):
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
        strangers = [tensor for tensor in args[2:3] if not isinstance(tensor, StandInTensor) and tensor.dim()]
    elif torch.Tag.pointwise in func.tags:
        changed = args[0] if func._schema.is_mutable else None
        strangers = [tensor for tensor in strangers if tensor.dim() or tensor is changed]
    if strangers:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, {NAME}:0 and cpu: {func}."
        )


def _crosses_as_float64(func: Any, args: Any, kwargs: dict[str, Any], leaves_device: bool) -> bool:
    """Return whether a tensor is to become float64 on its way from the device to the host."""
    if func is _CARRIERS[0]:
        return leaves_device and kwargs.get("dtype") == torch.float64
    pairs = zip(tree_leaves(args[0]), tree_leaves(args[1]), strict=True)
    return any(to.dtype == torch.float64 and isinstance(source, StandInTensor) for to, source in pairs)


def _count(counts: Counts, func: Any, args: Any, kwargs: dict[str, Any], leaves_device: bool) -> None:
    counts.operations += 1
    if func in _CARRIERS:
        to_host, to_device = _carried(func, args, leaves_device)
        counts.to_host += to_host
        counts.to_device += to_device
        waits = 0 if kwargs.get("non_blocking") or True in args[2:] else to_host
    elif func in _INDEXING:
        # How many numbers a mask chooses, only the device knows; to fill what it chooses takes no count.
        masked = any(isinstance(index, StandInTensor) and index.dtype == torch.bool for index in args[1])
        waits = int(masked and not (len(args) > 2 and args[2].numel() == 1))
    else:
        waits = int(torch.Tag.data_dependent_output in func.tags or torch.Tag.dynamic_output_shape in func.tags)
    if waits:
        counts.waits[str(func)] += waits


def _carried(func: Any, args: Any, leaves_device: bool) -> tuple[int, int]:
    """Return how many tensors an operation carries to the host, and to the device."""
    if func is _CARRIERS[0]:
        return int(leaves_device), 0
    pairs = zip(tree_leaves(args[0]), tree_leaves(args[1]), strict=True)
    ways = Counter((isinstance(source, StandInTensor), isinstance(to, StandInTensor)) for to, source in pairs)
    return ways[True, False], ways[False, True]


def _register() -> torch.library.Library:
    """Make the device known to torch, with the few operations that make its tensors from nothing or from the host's."""
    setup = getattr(backend_registration, "_setup_privateuseone_for_python_backend", None)
    if setup is None:
        pytest.skip("This torch cannot be given a device that is written in Python.", allow_module_level=True)
    setup(NAME)
    library = torch.library.Library("aten", "IMPL")
    for func in (_aten.empty.memory_format, _aten.empty_strided.default, _aten.copy_.default):
        library.impl(func, lambda *args, _func=func, **kwargs: _run(_func, args, kwargs), "PrivateUse1")
    return library


# Kept: with it the device would be forgotten.
_library = _register()

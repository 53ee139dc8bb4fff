"""A recording that plays a CUDA graph on the CPU: it keeps the operations and tensors of one pass and repeats them.

As on a card, recording changes nothing, the numbers and shapes of the pass are frozen into it, only tensors that it
does not make itself can bring anything new, and nothing may be recorded that the host would have to wait for.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from msd_engine.backend.recording import Work

_WAITS = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
_CHANCE = torch.Tag.nondeterministic_seeded


class Tape:
    """A `Graph` of the CPU.

    Attributes:
        warmed: How often the work was done before it was recorded.
        replayed: How often the recording was repeated.
        names: The operations that were recorded.
    """

    def __init__(self) -> None:
        self.warmed = 0
        self.replayed = 0
        self._calls: list[tuple[Any, Any, Any, Any]] = []

    @property
    def names(self) -> list[str]:
        return [str(func) for func, *_ in self._calls]

    def warm(self, work: Work) -> None:
        self.warmed += 1
        work()

    def record(self, work: Work) -> None:
        recorder = _Recorder()
        try:
            with recorder:
                work()
        finally:
            for storage, numbers in recorder.before.values():
                storage.copy_(numbers)
        self._calls = recorder.calls

    @torch.no_grad()
    def replay(self) -> None:
        self.replayed += 1
        for func, args, kwargs, made in self._calls:
            for old, new in zip(_tensors(made), _tensors(func(*args, **kwargs)), strict=True):
                if old.data_ptr() != new.data_ptr():
                    old.copy_(new)


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.before: dict[int, tuple[Any, Any]] = {}
        self._made: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if any(tag in func.tags for tag in _WAITS):
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        if _CHANCE in func.tags:
            raise RuntimeError(f"a recording would draw the same numbers again: {func}")
        given = _tensors((args, kwargs))
        if func._schema.is_mutable:
            for tensor in given:
                self._keep(tensor)
        out = func(*args, **kwargs)
        self._made |= {_place(tensor) for tensor in _tensors(out)} - {_place(tensor) for tensor in given}
        self.calls.append((func, args, kwargs, out))
        return out

    def _keep(self, tensor: Tensor) -> None:
        """Note what stood in memory of others before it is changed."""
        place = _place(tensor)
        if place not in self._made and place not in self.before:
            storage = tensor.untyped_storage()
            self.before[place] = (storage, storage.clone())


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]

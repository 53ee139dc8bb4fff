"""Parameters of a module in one vector, so that one operation updates all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# 64 bytes: parameters behind one of another length would be misaligned and slower to read.
_ALIGNMENT = 16


@dataclass(frozen=True)
class _Slice:
    """Position of a parameter in the vector.

    Attributes:
        start: Index of its first number.
        end: Index after its last number.
        stored: Its shape in memory.
        last: Whether it is stored channels last, with axes in the order 0, 2, 3, 1.
    """

    start: int
    end: int
    stored: tuple[int, ...]
    last: bool

    def view(self, vector: Tensor) -> Tensor:
        """Return the parameter's part of a vector with the parameter's shape."""
        stored = vector[self.start : self.end].view(self.stored)
        return stored.permute(0, 3, 1, 2) if self.last else stored

    def flat(self, tensor: Tensor) -> Tensor:
        """Return the numbers of a tensor with the parameter's shape in the order of the vector."""
        return (tensor.permute(0, 2, 3, 1) if self.last else tensor).reshape(-1)


class Flat:
    """Parameters of a module, moved into one vector; the module keeps views of it.

    Weights of convolutions that are stored channels last stay so.

    Args:
        module: The module; its named parameters are replaced by views with the same values.
        names: Names of the parameters, at least one.

    Attributes:
        names: Names of the parameters in the order of the vector.
        vector: All numbers, with shape (n,), without gradient.
    """

    def __init__(self, module: nn.Module, names: Iterable[str]) -> None:
        parameters = dict(module.named_parameters())
        self.names = sorted(names, key=lambda name: parameters[name].numel() % _ALIGNMENT != 0)
        chosen = [parameters[name].detach() for name in self.names]
        self._slices = dict(zip(self.names, _slices(chosen), strict=True))
        self.vector = self.join(chosen)
        for name in self.names:
            owner, _, leaf = name.rpartition(".")
            view = nn.Parameter(self.view(self.vector, name), requires_grad=parameters[name].requires_grad)
            module.get_submodule(owner).register_parameter(leaf, view)

    def join(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return a new vector (n,) of tensors with the parameters' shapes, such as gradients, ordered as `names`."""
        return torch.cat([place.flat(t) for t, place in zip(tensors, self._slices.values(), strict=True)])

    def view(self, vector: Tensor, name: str) -> Tensor:
        """Return one parameter's part of a vector (n,), with the parameter's shape."""
        return self._slices[name].view(vector)

    def matrix(self, vector: Tensor, name: str) -> Tensor:
        """Return one parameter's part of a vector (n,) as a matrix with a row for each index of its first axis.

        The columns are in memory order, which differs from `view` for weights stored channels last.
        """
        place = self._slices[name]
        return vector[place.start : place.end].view(place.stored[0], -1)


def _slices(parameters: Sequence[Tensor]) -> Iterable[_Slice]:
    ends = list(itertools.accumulate(p.numel() for p in parameters))
    for start, end, p in zip([0, *ends], ends, parameters, strict=False):
        last = p.dim() == 4 and not p.is_contiguous() and p.is_contiguous(memory_format=torch.channels_last)
        yield _Slice(start, end, tuple((p.permute(0, 2, 3, 1) if last else p).shape), last)

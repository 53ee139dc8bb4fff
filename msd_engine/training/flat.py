"""Parameters of a module kept in one vector, so that one operation changes them all: few calls, few kernels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# Vectors of 64 bytes: what stands behind a parameter of another length is read more slowly.
_EVEN = 16


@dataclass(frozen=True)
class _Place:
    """Where a parameter stands in the vector.

    Attributes:
        start: Its first number.
        end: The number after its last.
        stored: Its shape as it is stored.
        last: Whether it is stored channels last, so that its axes are in the order 0, 2, 3, 1.
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
        """Return the numbers of a tensor with the parameter's shape in their order."""
        return (tensor.permute(0, 2, 3, 1) if self.last else tensor).reshape(-1)


class Flat:
    """Some parameters of a module, moved into one vector; the module goes on with views of it.

    Weights of convolutions that are stored channels last stay so.

    Args:
        module: The module; these of its parameters are replaced by others of the same values.
        names: Names of the parameters, at least one.

    Attributes:
        names: Names of the parameters in the order of the vector.
        vector: The numbers of all, with shape (n,), not to be differentiated.
    """

    def __init__(self, module: nn.Module, names: Iterable[str]) -> None:
        parameters = dict(module.named_parameters())
        self.names = sorted(names, key=lambda name: parameters[name].numel() % _EVEN != 0)
        chosen = [parameters[name].detach() for name in self.names]
        self._places = dict(zip(self.names, _places(chosen), strict=True))
        self.vector = self.join(chosen)
        for name in self.names:
            owner, _, leaf = name.rpartition(".")
            view = nn.Parameter(self.view(self.vector, name), requires_grad=parameters[name].requires_grad)
            module.get_submodule(owner).register_parameter(leaf, view)

    def join(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return one vector of what belongs to the parameters, such as their gradients.

        Args:
            tensors: One for each parameter, with its shape, in the order of `names`.

        Returns:
            A new vector with shape (n,).
        """
        return torch.cat([place.flat(t) for t, place in zip(tensors, self._places.values(), strict=True)])

    def view(self, vector: Tensor, name: str) -> Tensor:
        """Return the part of a vector that belongs to one parameter, with the parameter's shape.

        Args:
            vector: What belongs to all parameters, with shape (n,).
            name: Name of the parameter.
        """
        return self._places[name].view(vector)

    def matrix(self, vector: Tensor, name: str) -> Tensor:
        """Return the part of a vector that belongs to one parameter as a matrix with a row for each of its first axis.

        The columns stand as they are stored, which for weights channels last is another order than `view` has.

        Args:
            vector: What belongs to all parameters, with shape (n,).
            name: Name of the parameter.
        """
        place = self._places[name]
        return vector[place.start : place.end].view(place.stored[0], -1)


def _places(parameters: Sequence[Tensor]) -> Iterable[_Place]:
    ends = list(itertools.accumulate(p.numel() for p in parameters))
    for start, end, p in zip([0, *ends], ends, parameters, strict=False):
        last = p.dim() == 4 and not p.is_contiguous() and p.is_contiguous(memory_format=torch.channels_last)
        yield _Place(start, end, tuple((p.permute(0, 2, 3, 1) if last else p).shape), last)

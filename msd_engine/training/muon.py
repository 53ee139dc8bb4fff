"""Muon (Jordan et al. 2024, as in torch.optim.Muon), for many matrices at once.

It replaces the momentum of a weight matrix by approximately the nearest matrix with orthonormal rows or columns, by
five Newton–Schulz steps in bfloat16. A convolution counts as a matrix with one row for each filter.

On a card a product of small matrices costs about one launch. So matrices are padded with zeros, which stay zeros, and
iterated together where that is cheaper; a CPU iterates them one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from msd_engine.training.flat import Flat

_MOMENTUM = 0.95
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
_SMALLEST_NORM = 1e-7
# Largest number of multiplications with padding per matrix that costs less than separate launches.
_MAX_PADDING = 5e9


@dataclass(frozen=True)
class Batch:
    """Matrices that are orthonormalised together.

    Attributes:
        names: Their names.
        rows: Rows of the largest, transposed to be wide: no more than columns.
        columns: Columns of the largest.
    """

    names: tuple[str, ...]
    rows: int
    columns: int


class Muon:
    """Muon for a part of a module's weights, each a matrix when its first axis is kept.

    Args:
        part: The weights.
        together: Iterate matrices together; None where that is faster.

    Attributes:
        part: The weights.
        momentum: Running mean of the gradient with shape (n,).
    """

    def __init__(self, part: Flat, *, together: bool | None = None) -> None:
        self.part = part
        self.momentum = torch.zeros_like(part.vector)
        shapes = {name: _wide(part.matrix(part.vector, name)).shape for name in part.names}
        alone = part.vector.device.type == "cpu" if together is None else not together
        self._batches = batches(shapes, 0.0 if alone else _MAX_PADDING, alone=alone)

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: Tensor, good: Tensor) -> None:
        """Update the weights.

        Args:
            gradient: The gradient with shape (n,); overwritten.
            rate: Learning rate with shape (), on the device.
            good: 1 to update, 0 to change nothing; with shape (), on the device.
        """
        # Averaging the momentum with itself does not change it.
        usable = torch.where(good > 0, gradient, self.momentum, out=gradient)
        self.momentum.lerp_(usable, 1 - _MOMENTUM)
        update = usable.lerp_(self.momentum, _MOMENTUM)
        for batch in self._batches:
            self._make_orthonormal(update, batch)
        self.part.vector.addcmul_(update, rate * good, value=-1.0)

    def _make_orthonormal(self, update: Tensor, batch: Batch) -> None:
        matrices = [self.part.matrix(update, name) for name in batch.names]
        wide = [_wide(matrix) for matrix in matrices]
        if len(wide) == 1:
            wide[0].copy_(orthonormal(wide[0].bfloat16()))
        else:
            shape = (len(wide), batch.rows, batch.columns)
            stacked = torch.zeros(shape, dtype=torch.bfloat16, device=update.device)
            for place, matrix in zip(stacked, wide, strict=True):
                place[: matrix.shape[0], : matrix.shape[1]].copy_(matrix)
            for place, matrix in zip(orthonormal(stacked), wide, strict=True):
                matrix.copy_(place[: matrix.shape[0], : matrix.shape[1]])
        for matrix in matrices:
            if matrix.shape[0] > matrix.shape[1]:
                matrix.mul_(math.sqrt(matrix.shape[0] / matrix.shape[1]))


def orthonormal(x: Tensor) -> Tensor:
    """Apply the Newton–Schulz iteration, which brings singular values near 1.

    Args:
        x: Matrices with shape (rows, columns) or (n, rows, columns), rows ≤ columns, bfloat16; overwritten.

    Returns:
        Matrices with the same shape.
    """
    product = torch.addmm if x.dim() == 2 else torch.baddbmm
    x = x.div_(torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True).clamp(min=_SMALLEST_NORM))
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = product(x, product(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return x


def batches(shapes: dict[str, torch.Size], spare: float, *, alone: bool = False) -> list[Batch]:
    """Group matrices for joint iteration.

    Args:
        shapes: Rows and columns of each wide matrix by name.
        spare: Largest number of multiplications with padding per matrix.
        alone: Put each into a batch of its own.

    Returns:
        The batches, from the largest matrices to the smallest.
    """
    found: list[Batch] = []
    for name in sorted(shapes, key=lambda name: -_work(*shapes[name])):
        rows, columns = shapes[name]
        last = found[-1] if found and not alone else None
        joins = last is not None and rows <= last.rows and columns <= last.columns
        if last is not None and joins and _work(last.rows, last.columns) - _work(rows, columns) <= spare:
            found[-1] = Batch((*last.names, name), last.rows, last.columns)
        else:
            found.append(Batch((name,), rows, columns))
    return found


def _work(rows: int, columns: int) -> float:
    return _ITERATIONS * (4.0 * rows * rows * columns + 2.0 * rows**3)


def _wide(matrix: Tensor) -> Tensor:
    return matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix

"""NCSNv2's techniques (arXiv:2006.09011; theory §6): a ladder and a step from the data.

Technique 1: the first noise is the largest distance between two data. Technique 2: draws at neighbouring levels should
overlap. NCSNv2 requires half of the draws at one level in the shell of the level above, which in few dimensions is a
ball that holds everything; so the program uses the smaller share, upwards (`specs.overlap`): at least half in both
directions. At d = 64 this takes 28 % more levels than the paper's C, at 784 7 %.
Technique 4: for T steps the r = ε/σ² that brings s_T²/σ² nearest to 1. With q = (1 − r)^2T and c = 1/(1 − r/2) a level
of a geometric ladder maps the ratio v of the previous one, γ²v in units of its own noise, to c + q (γ²v − c). So a
long ladder converges to v* = c (1 − q)/(1 − γ²q), and diverges if γ²q ≥ 1. In NCSNv2's formula every level begins with
v = 1.

All formulas use σ_eff = σ/√k, the noise of ȳ (theory §3, facts 1 and 5); r is the same for one copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from msd_engine.specs.overlap import largest_ratio, up
from msd_engine.specs.sampling import StepRule

OVERLAP = 0.5
"""Least share of the draws of a level in the shell of the level below, and so of that above."""

_BLOCK = 1000
_MOST_LEVELS = 10_000


@dataclass(frozen=True)
class Proposal:
    """A ladder and a step.

    Attributes:
        sigma_1: First noise of one copy.
        sigma_eff_1: First noise of ȳ, the largest distance between two data.
        levels: Number of levels L.
        ratio: σ_i/σ_{i+1} of the geometric ladder.
        step_ratio: r = ε/σ².
        swelling: Langevin's s_T²/σ² at the end of the levels of a long ladder with these values.
    """

    sigma_1: float
    sigma_eff_1: float
    levels: int
    ratio: float
    step_ratio: float
    swelling: float


def largest_distances(x: Tensor) -> Iterator[float]:
    """Find the largest distance between two data, in blocks.

    Args:
        x: Data with shape (n, d), floating point.

    Yields:
        The largest distance so far, after each pair of blocks; the last one is the largest of all.
    """
    centred = x - x.mean(0)
    # Distant ones first: most later blocks then cannot hold a larger distance and are skipped.
    norms = centred.norm(dim=1)
    order = norms.argsort(descending=True)
    blocks, reach = torch.split(centred[order], _BLOCK), torch.split(norms[order], _BLOCK)
    best = 0.0
    for row, block in enumerate(blocks):
        for column in range(row, len(blocks)):
            if reach[row][0].item() + reach[column][0].item() > best:
                best = max(best, torch.cdist(block, blocks[column]).max().item())
            yield best


def best_step_ratio(ratio: float, steps: int, rule: StepRule = "long-ladder") -> tuple[float, float]:
    """Return the r that brings s_T²/σ² nearest to 1 on a geometric ladder.

    Args:
        ratio: γ = σ_i/σ_{i+1}.
        steps: Steps T at each level.
        rule: ``long-ladder`` for v*; ``ncsnv2`` for the paper's formula, which begins every level at the exact noise.

    Returns:
        r, and v* for it; at least 1, infinite if a ladder never settles.
    """
    r = np.geomspace(1e-7, 1.0, 20_001)
    settled, left = 1 / (1 - r / 2), (1 - r) ** (2 * steps)
    grows = ratio**2 * left >= 1
    long_run = np.where(grows, np.inf, settled * (1 - left) / np.where(grows, 1.0, 1 - ratio**2 * left))
    wanted = long_run if rule == "long-ladder" else left * (ratio**2 - settled) + settled
    best = int(np.abs(wanted - 1).argmin())
    return float(r[best]), float(long_run[best])


def propose(
    sigma_eff_1: float, sigma_L: float, dim: int, k: int, steps: int, rule: StepRule = "long-ladder"
) -> Proposal:
    """Apply the techniques.

    Args:
        sigma_eff_1: Largest distance between two data.
        sigma_L: Last noise of one copy, kept.
        dim: Numbers in one datum.
        k: Number of copies.
        steps: Steps T at each level, kept.
        rule: Rule for the step; see `best_step_ratio`.
    """
    sigma_1 = max(sigma_eff_1 * math.sqrt(k), sigma_L)
    widest = largest_ratio(up, OVERLAP, dim)
    levels = min(_MOST_LEVELS, 1 + max(1, math.ceil(math.log(sigma_1 / sigma_L) / math.log(widest))))
    ratio = (sigma_1 / sigma_L) ** (1 / (levels - 1))
    step_ratio, swelling = best_step_ratio(ratio, steps, rule)
    return Proposal(sigma_1, sigma_eff_1, levels, ratio, step_ratio, swelling)

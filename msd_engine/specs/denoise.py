"""Settings of manual denoising: a picture, its noisy copies, and a change of the copies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from msd_engine.specs.base import LARGEST_SEED, Spec, param


class DenoiseSpec(Spec):
    """A picture x, its k copies y_i = x + σ n_i, and a change of the copies whose effect on x̂ is measured."""

    sigma: float = param(
        1.0,
        title="Noise of one copy",
        symbol="σ",
        gt=0.0,
        le=1e4,
        slider=(0.01, 100.0),
        scale="log",
        help="Noise of each copy of the picture. k copies carry as much information as one copy with noise σ/√k.",
        formula="y_i = x + σ n_i,  σ_eff = σ/√k",
    )
    seed: int = param(
        0,
        title="Seed of the copies",
        ge=0,
        le=LARGEST_SEED,
        help="Seed of the noise n_i; copy i keeps its noise when σ or k change.",
    )
    index: int = param(
        0,
        title="Held-out image",
        ge=0,
        le=LARGEST_SEED,
        slider=(0, 199),
        help="Number of the held-out image, from 0, to denoise if no picture is drawn or opened.",
    )
    change: Literal["none", "shuffle", "drop", "replace"] = param(
        "none",
        title="Change the copies",
        help="None; shuffle their order; drop one; or replace one by a copy of another held-out image.",
        formula="x̂ depends on y₁…y_k through ȳ alone: an exact x̂ is the same in any order",
    )
    copy_index: int = param(
        1,
        title="Which copy",
        symbol="i",
        ge=1,
        le=64,
        slider=(1, 16),
        help="Number of the copy to drop or replace; numbers above k mean the last copy.",
    )
    other: int = param(
        1,
        title="Other image",
        ge=0,
        le=LARGEST_SEED,
        slider=(0, 199),
        help="Number of the held-out image, from 0, whose copy replaces copy i.",
    )
    second_seed: int = param(
        1,
        title="Second seed",
        ge=0,
        le=LARGEST_SEED,
        help="Seed at the end of an interpolation that begins at the seed of the chains.",
        formula="z = cos θ z_a + sin θ z_b",
    )
    painting: Literal["settle", "same"] = param(
        "settle",
        title="Inpaint with",
        help="Sampler of chains that keep a part of the picture. Settling chains: replace a sampler whose noise falls "
        "at every step (probability flow, consistent) by underdamped chains with about as many evaluations, which "
        "adapt to the kept part at each noise. The sampler itself: as for all other chains.",
        choices={"settle": "Settling chains", "same": "The sampler itself"},
    )
    time: float = param(
        0.1,
        title="Time",
        symbol="t",
        ge=0.0,
        le=1.0,
        slider=(0.0, 1.0),
        help="Time of the forward process at which the noise page shows a datum: 0 is the datum itself, 1 the end of "
        "the process.",
        formula="y = α(t) x + σ(t) C^½ n",
    )
    picture: bytes = Field(b"", max_length=4096)
    """C·H·W bytes of the user's own picture, row by row in each channel; empty: a held-out image."""
    mask: bytes = Field(b"", max_length=4096)
    """H·W bytes, 1 for each pixel to inpaint; empty for none."""

"""What can be asked of one denoising by hand: a picture, its noisy copies, and what is done to the copies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from msd_engine.specs.base import LARGEST_SEED, Spec, param


class DenoiseSpec(Spec):
    """One picture x, its k copies y_i = x + σ n_i, and a change of the copies that x̂ is compared under."""

    sigma: float = param(
        1.0,
        title="Noise of one copy",
        symbol="σ",
        gt=0.0,
        le=1e4,
        slider=(0.01, 100.0),
        scale="log",
        help="Noise of each copy of the picture. Together k copies say as much as one copy with noise σ/√k.",
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
        help="Number of the held-out image, from 0, that is denoised where no picture is drawn or opened.",
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
        help="Number of the copy that is dropped or replaced; numbers beyond k mean the last copy.",
    )
    other: int = param(
        1,
        title="Other image",
        ge=0,
        le=LARGEST_SEED,
        slider=(0, 199),
        help="Number of the held-out image, from 0, whose copy takes the place of copy i.",
    )
    second_seed: int = param(
        1,
        title="Second seed",
        ge=0,
        le=LARGEST_SEED,
        help="Seed at the other end of an interpolation; the first end is the seed of the chains.",
        formula="z = cos θ z_a + sin θ z_b",
    )
    painting: Literal["settle", "same"] = param(
        "settle",
        title="Paint by",
        help="How chains move that keep a part of the picture. Settling chains: where the sampler glides past the "
        "noises (probability flow, consistent), underdamped chains with about as many evaluations take its place, "
        "which settle at each noise to what is kept. The sampler itself: as all other chains.",
        choices={"settle": "Settling chains", "same": "The sampler itself"},
    )
    picture: bytes = Field(b"", max_length=4096)
    """C·H·W bytes of a picture of the user's own, row after row in each channel; empty: a held-out image."""
    mask: bytes = Field(b"", max_length=4096)
    """One byte for each of the H·W pixels, 1 where the picture is to be painted anew; empty for none."""

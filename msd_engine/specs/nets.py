"""Settings of the network: an MLP for points, the U-net of the report for images."""

from __future__ import annotations

from typing import Literal

from msd_engine.specs.base import Spec, param


class MlpSpec(Spec):
    """A multilayer perceptron for points, conditioned on the noise like the U-net."""

    kind: Literal["mlp"] = "mlp"
    width: int = param(
        128,
        title="Width",
        unit="units",
        ge=8,
        le=4096,
        slider=(16, 512),
        scale="log",
        help="Units in each hidden layer.",
    )
    depth: int = param(3, title="Depth", unit="layers", ge=1, le=16, slider=(1, 8), help="Number of hidden layers.")
    embedding: int = param(
        64, title="Noise features", ge=4, le=2048, slider=(16, 512), scale="log", help="Length of the noise embedding."
    )


class UNetSpec(Spec):
    """The U-net of the report: four convolution stages of w, 2w, 4w and 8w filters, then transposed convolutions."""

    kind: Literal["unet"] = "unet"
    width: int = param(
        64,
        title="Width",
        unit="filters",
        ge=8,
        le=512,
        slider=(8, 128),
        scale="log",
        help="Filters w of the first stage; the others have 2w, 4w and 8w. The report has w = 64.",
    )
    blocks: int = param(
        0,
        title="Middle blocks",
        ge=0,
        le=8,
        slider=(0, 4),
        help="Residual convolutions at the coarsest stage, which cover the whole image at low cost. The report has 0.",
    )
    residual: int = param(
        0,
        title="Residual blocks",
        unit="a stage",
        ge=0,
        le=8,
        slider=(0, 3),
        help="Residual blocks after each convolution of stride 2, in both halves. The report has 0.",
    )
    attention: bool = param(
        False,
        title="Self-attention",
        help="Self-attention between all positions of the coarsest stage. The report has none.",
        formula="h + out(softmax(Q Kᵀ/√d) V)",
    )
    fusion: Literal["concat", "mean", "set"] = param(
        "concat",
        title="Fusion of copies",
        help="Concat: k·C input channels, as in the report. Mean: the input is ȳ alone. Set: the first stage filters "
        "each copy separately with shared weights and averages the feature maps.",
    )
    embedding: int = param(
        256, title="Noise features", ge=4, le=2048, slider=(32, 512), scale="log", help="Length of the noise embedding."
    )

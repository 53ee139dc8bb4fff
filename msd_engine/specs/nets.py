"""What can be asked of the network: an MLP for points or the report's U-net for images."""

from __future__ import annotations

from typing import Literal

from msd_engine.specs.base import Spec, param


class MlpSpec(Spec):
    """A multilayer perceptron for points, conditioned on the noise as the U-net is."""

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
    """The report's U-net: four convolution stages of w, 2w, 4w and 8w filters and transposed convolutions back."""

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
        help="Residual convolutions at the coarsest stage, which see the whole image at little cost. The report has 0.",
    )
    residual: int = param(
        0,
        title="Residual blocks",
        unit="a stage",
        ge=0,
        le=8,
        slider=(0, 3),
        help="Residual blocks after each convolution of stride 2, on the way down and back. The report has 0.",
    )
    attention: bool = param(
        False,
        title="Self-attention",
        help="Let every place of the coarsest stage look at every other. The report has none.",
        formula="h + out(softmax(Q Kᵀ/√d) V)",
    )
    fusion: Literal["concat", "mean", "set"] = param(
        "concat",
        title="Copies joined by",
        help="Concat: as k·C channels, as in the report. Mean: the network sees ȳ alone. Set: the first stage sees "
        "each copy by itself with the same filters, and the feature maps are averaged.",
    )
    embedding: int = param(
        256, title="Noise features", ge=4, le=2048, slider=(32, 512), scale="log", help="Length of the noise embedding."
    )

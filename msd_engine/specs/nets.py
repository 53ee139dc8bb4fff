"""Settings of the network: an MLP for points, the U-net of the report for images."""

from __future__ import annotations

from typing import Literal

from msd_engine.specs.base import Spec, param

Fusion = Literal["concat", "mean", "set"]
"""How a network combines the k copies."""

FUSIONS: dict[str, str] = {"concat": "Concat", "mean": "Mean", "set": "Set"}
"""Their display titles."""

_FUSION_HELP = (
    "Concat: the copies are separate inputs, as in the report; the network serves the k of its training alone. Mean: "
    "the input is ȳ, and σ_eff = σ/√k; it serves every k. Set: ȳ, and features of each copy with shared weights, "
    "averaged; it is trained with k = 1, 2, 4, 8 and 16 in turn and serves every k. Where it serves every k, an "
    "automatic law of the training noise is that of σ_eff."
)


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
    fusion: Fusion = param("concat", title="Fusion of copies", help=_FUSION_HELP, choices=FUSIONS)


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
    fusion: Literal[Fusion, "set-of-k"] = param(
        "concat",
        title="Fusion of copies",
        help=f"{_FUSION_HELP} Set of k: the first stage filters each copy with shared weights and averages the maps; "
        "it serves the k of its training alone.",
        choices={**FUSIONS, "set-of-k": "Set of k"},
    )
    embedding: int = param(
        256, title="Noise features", ge=4, le=2048, slider=(32, 512), scale="log", help="Length of the noise embedding."
    )

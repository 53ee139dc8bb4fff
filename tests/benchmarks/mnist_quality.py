"""How good are sampled MNIST digits? A separate classifier, trained on real labels, judges them.

    python tests/benchmarks/mnist_quality.py RUN_FOLDER --chains 512
    python tests/benchmarks/mnist_quality.py SAMPLES.npz --grid digits.png

Prints the share of samples that the classifier calls with more than .9 confidence, each class's share over its share
among real digits, and the Fréchet distance of the classifier's features, with real digits beside all of them. The
classifier takes a minute to train once and is kept in the user's cache folder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from torch import Tensor

from msd_engine.data.images import load_images
from msd_engine.events import Failed, Samples
from msd_engine.jobs.sample import sample
from msd_engine.metrics.features import FeatureNetwork, feature_network
from msd_engine.runs.pictures import image_grid, save_png
from msd_engine.runs.run import Run
from msd_engine.runs.samples import load_samples
from msd_engine.specs import ImagesSpec

CONFIDENT = 0.9


@dataclass(frozen=True)
class Judgement:
    """What the classifier says of a set of images."""

    confident: float
    shares: np.ndarray
    features: np.ndarray


def judge(net: FeatureNetwork, x: Tensor) -> Judgement:
    likelihood = net.probabilities(x)
    assert likelihood is not None
    shares = likelihood.argmax(dim=1).bincount(minlength=likelihood.shape[1]).double() / len(x)
    confident = float((likelihood.max(dim=1).values > CONFIDENT).double().mean())
    return Judgement(confident, shares.numpy(), net.features(x).double().numpy())


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two Gaussians: |μ_a − μ_b|² + tr(C_a + C_b − 2 (C_a C_b)^½)."""
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov_b @ root), 0, None)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def draw(run: Path, chains: int) -> np.ndarray:
    spec = Run.open(run).spec.replace("sampling.chains", chains)
    for event in sample(spec, run_dir=run):
        if isinstance(event, Failed):
            raise SystemExit(event.text)
        if isinstance(event, Samples):
            return event.x_hat
    raise SystemExit("Sampling gave no samples.")


def report(x_hat: np.ndarray, data_dir: Path | None) -> None:
    images = load_images(ImagesSpec(name="mnist"), data_dir)
    net = feature_network("mnist", data_dir)
    real = judge(net, images.to_data(images.test))
    few = judge(net, images.to_data(images.test[: len(x_hat)]))
    found = judge(net, torch.from_numpy(x_hat).float())
    print(f"{len(x_hat)} samples; the distance is to the {len(images.test)} real test digits")
    print(f"{'':24s}{'samples':>10s}{'real':>10s}")
    print(f"{'confidence > .9':24s}{found.confident:10.1%}{few.confident:10.1%}")
    distances = [frechet(some.features, real.features) for some in (found, few)]
    print(f"{'Fréchet distance':24s}{distances[0]:10.2f}{distances[1]:10.2f}")
    ratios = found.shares / real.shares
    print("share of class / real:  " + " ".join(f"{digit}:{ratio:.2f}" for digit, ratio in enumerate(ratios)))
    inside = int(((ratios >= 0.6) & (ratios <= 1.5)).sum())
    print(f"classes within .6 to 1.5 of their share: {inside} of 10")


def main(
    source: Annotated[Path, tyro.conf.Positional],
    *,
    chains: int = 512,
    grid: Path = Path("mnist_quality.png"),
    data_dir: Path | None = None,
) -> None:
    """Judge sampled digits.

    Args:
        source: A sample file (.npz), or a run folder to sample from.
        chains: Samples to draw from a run.
        grid: Where a picture of the first samples is written.
        data_dir: The data folder with MNIST.
    """
    x_hat = draw(source, chains) if source.is_dir() else load_samples(source).x_hat
    side = math.isqrt(min(len(x_hat), 144))
    save_png(grid, image_grid(x_hat[: side * side], scale=2), "{}")
    report(x_hat, data_dir)


if __name__ == "__main__":
    tyro.cli(main)

"""From which noise on the training images themselves denoise better than a network: what `exact_above` should be.

Held-out images are denoised by the network of a run and by the exact posterior mean over its training images, at
several σ_eff = σ/√k with the same copies. The mean squared error of both is printed with the standard error of their
difference: where it is positive the exact posterior mean is the better estimate of an image that it has not seen.

    python tests/benchmarks/exact_above.py RUN [--images 400] [--data-dir DIR] [--threads 1]
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch

from msd_engine.data.images import load_images
from msd_engine.denoisers.empirical import EmpiricalDenoiser
from msd_engine.jobs.factory.parts import learned_denoiser
from msd_engine.runs.run import Run
from msd_engine.specs import ImagesSpec

NOISES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 9.0)


def main() -> None:
    """Print a line for each noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=1)
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    spec = Run.open(wanted.run).spec
    if not isinstance(spec.data, ImagesSpec):
        raise SystemExit("The run has learned points, not images.")
    images = load_images(spec.data, wanted.data_dir)
    network = learned_denoiser(wanted.run, torch.device("cpu"))
    exact = EmpiricalDenoiser(images.to_data(images.train))
    order = torch.randperm(len(images.test), generator=torch.Generator().manual_seed(0))[: wanted.images]
    x, k = images.to_data(images.test[order]), spec.training.k
    print(f"{wanted.run}: {spec.data.name}, k = {k}, {len(x)} held-out images, {len(exact)} training images")
    print("σ_eff  network    exact  network − exact")
    for noise in NOISES:
        sigma = noise * math.sqrt(k)
        z = torch.randn((len(x), k, *x.shape[1:]), generator=torch.Generator().manual_seed(1))
        y = x.unsqueeze(1) + sigma * z
        errors = [(each(y, sigma).mean - x).square().flatten(1).sum(1) for each in (network, exact)]
        less = errors[0] - errors[1]
        spread = (less.std() / math.sqrt(len(x))).item()
        print(
            f"{noise:5.1f} {errors[0].mean():8.2f} {errors[1].mean():8.2f}  {less.mean().item():+8.2f} ± {spread:.2f}"
        )


if __name__ == "__main__":
    with torch.inference_mode():
        main()

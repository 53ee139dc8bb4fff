"""NCSNv2's experiment on the first noise (arXiv:2006.09011, §3.1): how far apart samples of an exact score lie.

The 10 000 CIFAR-10 test images are the distribution, their exact posterior mean the denoiser. From σ₁ = 1 the chains
reach a part of the images only, from σ₁ = 50 all of them. Published mean distances of [0, 1] pixels: 10.12 and 18.65,
17.78 for the data; data units here are twice these pixels. With k = 8 copies and σ√8 the same must come out, since an
exact denoiser sees σ/√k alone (theory §3, fact 3).

    python tests/benchmarks/ncsnv2_distance.py [--chains 64] [--data-dir DIR] [--threads 1] [--copies 1 8]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from msd_engine.events import Failed, Verdicts
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import ExperimentSpec, load_preset

PRESETS = {"1": "ncsnv2-cifar10-sigma1", "50": "ncsnv2-cifar10-sigma50"}


def with_copies(spec: ExperimentSpec, k: int) -> ExperimentSpec:
    """Return the spec whose k copies have together the noise that one copy had: σ√k, and the same r."""
    sampling = spec.sampling
    root = k**0.5
    fields = {
        "training.k": k,
        "sampling.sigma_1": sampling.sigma_1 * root,
        "sampling.sigma_L": sampling.sigma_L * root,
    }
    return spec.replace_all(fields)


def ends(spec: ExperimentSpec, data_dir: Path | None = None) -> Verdicts:
    """Draw the chains and return how they have ended.

    Raises:
        SystemExit: The images are not there.
    """
    for event in sample(spec, data_dir=data_dir):
        if isinstance(event, Failed):
            raise SystemExit(event.text)
        if isinstance(event, Verdicts):
            return event
    raise AssertionError("the job reported no verdicts")


def main() -> None:
    """Print a line for each first noise and number of copies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chains", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--data-dir", type=Path, default=None)
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    print("σ₁/√k    k  samples  data   ratio  ([0, 1] pixels)  seconds of this thread", flush=True)
    for k in wanted.copies:
        for sigma_1, preset in PRESETS.items():
            start = time.process_time()
            found = ends(with_copies(load_preset(preset).replace("sampling.chains", wanted.chains), k), wanted.data_dir)
            mean, data = found.mean_distance / 2, found.data_mean_distance / 2
            took_s = time.process_time() - start
            print(f"{sigma_1:>5} {k:4d}  {mean:7.2f}  {data:5.2f}  {mean / data:.3f}  {took_s:24.0f}", flush=True)


if __name__ == "__main__":
    main()

"""How long a whole sampling of 10 exact chains takes: 1000 steps with k = 8, through the job that the window pulls.

Run: python tests/benchmarks/chains.py [--preset NAME] [--runs N]

It prints the median and the spread over the runs, and the ratio to the loop as a textbook would write it, timed in
turn with the job so that both meet the same load of the machine.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture
from msd_engine.events import Finished
from msd_engine.jobs import build
from msd_engine.jobs.sample import sample
from msd_engine.specs import ExperimentSpec, load_preset, preset_names

LIMIT_MS = 50.0


def posterior_mean(target: GaussianMixture, y: Tensor, precision: Tensor) -> Tensor:
    """The formula of theory §3 as it stands, with (Σ_j + τ² I)⁻¹ given."""
    centred = y.mean(1).unsqueeze(1) - target.means
    pulled = torch.einsum("jde,bje->bjd", precision, centred)
    log_rho = target.weights.log() + 0.5 * torch.logdet(precision) - 0.5 * (centred * pulled).sum(-1)
    modes = target.means + torch.einsum("jde,bje->bjd", target.covariances, pulled)
    return (torch.softmax(log_rho, 1).unsqueeze(-1) * modes).sum(1)


def textbook(spec: ExperimentSpec) -> None:
    """Walk down the ladder with the plain loop, collecting what the job collects."""
    asked = spec.sampling
    target = build.mixture(spec).to(dtype=torch.float32)
    generator = torch.Generator().manual_seed(asked.seed)
    ladder = build.ladder(spec).tolist()
    y = target.mean + ladder[0] * torch.randn(asked.chains, spec.training.k, target.dim, generator=generator)
    history = []
    for sigma in ladder:
        epsilon = asked.epsilon * sigma**2 / ladder[-1] ** 2
        precision = torch.linalg.inv(target.covariances + sigma**2 / y.shape[1] * torch.eye(target.dim))
        for _ in range(asked.steps_per_level):
            x_hat = posterior_mean(target, y, precision)
            history.append((y, x_hat))
            score = (x_hat.unsqueeze(1) - y) / sigma**2
            y = y + epsilon * score + math.sqrt(2 * epsilon) * torch.randn(y.shape, generator=generator)
    torch.stack([state for state, _ in history]).numpy()
    torch.stack([x_hat for _, x_hat in history]).numpy()


def job(spec: ExperimentSpec) -> None:
    """Pull the sampling job to its end."""
    *_, last = sample(spec)
    if not isinstance(last, Finished):
        raise SystemExit(f"The job has failed: {last}")


def timed_ms(work: Callable[[ExperimentSpec], None], spec: ExperimentSpec) -> float:
    """Milliseconds that one run takes."""
    start = time.perf_counter()
    work(spec)
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    """Time both in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="ncsn-toy", choices=preset_names())
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    spec = load_preset(options.preset).replace("sampling.chains", 10)
    asked = spec.sampling
    job(spec)  # the first run imports what it needs
    times = [(timed_ms(job, spec), timed_ms(textbook, spec)) for _ in range(options.runs)]
    ours = sorted(pair[0] for pair in times)
    ratio = statistics.median(pair[1] / pair[0] for pair in times)
    middle = statistics.median(ours)
    print(f"{options.preset}: {asked.chains} chains × {asked.total_steps} steps, k = {spec.training.k}, exact")
    print(
        f"whole job, {len(ours)} runs: median {middle:.1f} ms (limit {LIMIT_MS:.0f} ms), "
        f"min {ours[0]:.1f}, max {ours[-1]:.1f}, {1e3 * middle / asked.total_steps:.1f} µs per step"
    )
    print("sorted: " + " ".join(f"{value:.1f}" for value in ours))
    print(f"textbook loop: {statistics.median(pair[1] for pair in times):.1f} ms, {ratio:.1f} times the job")


if __name__ == "__main__":
    main()

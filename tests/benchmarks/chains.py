"""How long a whole sampling of 10 exact chains takes: 1000 steps with k = 8, through the job that the window pulls.

Run: python tests/benchmarks/chains.py [--preset NAME] [--runs N] [--against-jax PYTHON]

It prints the median and the spread over the runs, and the ratio to the loop as a textbook would write it, timed in
turn with the job so that both meet the same load of the machine. With the interpreter of another environment, which has
jax, the chains of ncsn-toy are drawn by JAX too (`jax_chains.py`), 10 and 1000 of them, in turn with ours: the walk
alone, which is what JAX does, and the whole job with its figures and events.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture
from msd_engine.events import Finished
from msd_engine.jobs.factory import parts, targets
from msd_engine.jobs.factory.chains import sampling
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools.frames import stride_of
from msd_engine.samplers import twin
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
    wanted = spec.sampling
    target = targets.mixture(spec).to(dtype=torch.float32)
    generator = torch.Generator().manual_seed(wanted.seed)
    ladder = parts.ladder(spec).tolist()
    y = target.mean + ladder[0] * torch.randn(wanted.chains, spec.training.k, target.dim, generator=generator)
    history = []
    for sigma in ladder:
        epsilon = wanted.epsilon * sigma**2 / ladder[-1] ** 2
        precision = torch.linalg.inv(target.covariances + sigma**2 / y.shape[1] * torch.eye(target.dim))
        for _ in range(wanted.steps_per_level):
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


def walk(spec: ExperimentSpec) -> None:
    """Draw the chains and keep the states that the job keeps, without figures and events."""
    chains = sampling(spec)
    every = stride_of(spec.sampling.total_steps, *chains.y.shape)
    list(twin.walk(chains.denoiser, chains.y, chains.descent, chains.streams, every=every))


def against_jax(python: str, runs: int) -> None:
    """Print our time of a step beside that of JAX."""
    script = Path(__file__).with_name("jax_chains.py")
    for count in (10, 1000):
        spec = load_preset("ncsn-toy").replace("sampling.chains", count)
        steps, ours, walks, theirs = spec.sampling.total_steps, [], [], []
        for _ in range(3):
            command = [python, str(script), str(count), str(steps), str(runs)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            theirs += [float(word) for word in done.stdout.split()]
            ours += [timed_ms(job, spec) for _ in range(runs)]
            walks += [timed_ms(walk, spec) for _ in range(runs)]
        jax, whole, alone = (1e3 * statistics.median(times) / steps for times in (theirs, ours, walks))
        print(
            f"{count} chains: JAX {jax:.1f} µs a step; walk {alone:.2f}, {jax / alone:.1f} times as fast; "
            f"whole job {whole:.2f}, {jax / whole:.1f} times"
        )


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
    parser.add_argument("--against-jax", metavar="PYTHON", help="interpreter of an environment that has jax")
    options = parser.parse_args()
    twin.COMPILED.wait()
    spec = load_preset(options.preset).replace("sampling.chains", 10)
    wanted = spec.sampling
    job(spec)  # the first run imports what it needs
    times = [(timed_ms(job, spec), timed_ms(textbook, spec)) for _ in range(options.runs)]
    ours = sorted(pair[0] for pair in times)
    ratio = statistics.median(pair[1] / pair[0] for pair in times)
    middle = statistics.median(ours)
    print(f"{options.preset}: {wanted.chains} chains × {wanted.total_steps} steps, k = {spec.training.k}, exact")
    print(
        f"whole job, {len(ours)} runs: median {middle:.1f} ms (limit {LIMIT_MS:.0f} ms), "
        f"min {ours[0]:.1f}, max {ours[-1]:.1f}, {1e3 * middle / wanted.total_steps:.1f} µs per step"
    )
    print("sorted: " + " ".join(f"{value:.1f}" for value in ours))
    print(f"textbook loop: {statistics.median(pair[1] for pair in times):.1f} ms, {ratio:.1f} times the job")
    if options.against_jax:
        against_jax(options.against_jax, options.runs)


if __name__ == "__main__":
    main()

"""How fast and how repeatable an accelerator is: every row with its floor, and its ratio to the plain version.

    python tests/benchmarks/device.py [--device auto] [--only training,chains,...] [--data-dir DIR] [--whole]

Everything runs in one process and one go of a few minutes; on a CPU the sizes are small, so that the script itself can
be tried there. MNIST (and CIFAR-10, where its row is wanted) must lie in the data folder. The floor of a row is what
its operations take at the speed of a large matrix product on the same device, in the same arithmetic; beside it stands
how many kernels the device is given. *Plain* is the same work without what makes it fast: a training step that is
called operation by operation and read at once, chains in tiles of 16 with numpy's noise carried over. `--whole` adds
the report at full size, which takes minutes on a fast card.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from msd_engine.backend.device import choose_device, describe_device, wait_for
from msd_engine.backend.streams import ChainStreams
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.events import Failed, Quality, Tick
from msd_engine.jobs.factory.chains import sampling
from msd_engine.jobs.factory.parts import descent, event_shape, new_denoiser
from msd_engine.jobs.factory.training import training
from msd_engine.jobs.quality.evaluate import evaluate
from msd_engine.jobs.training.train import train
from msd_engine.runs.run import Run
from msd_engine.samplers import langevin
from msd_engine.samplers.walk import walk
from msd_engine.specs import ExperimentSpec, load_preset, model_folder, model_names
from msd_engine.specs.models import load_card

Work = Callable[[], object]


def seconds(work: Work, device: torch.device, count: int, warm: int) -> float:
    """Seconds of one call, over several after some that only warm up."""
    for _ in range(warm):
        work()
    wait_for(device)
    start = time.perf_counter()
    for _ in range(count):
        work()
    wait_for(device)
    return (time.perf_counter() - start) / count


def product_speed(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product."""
    size = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(size, size, device="cpu").to(device, dtype) for _ in range(2))
    return 2 * size**3 / min(seconds(lambda: a @ b, device, 5, 2) for _ in range(3))


def operations(work: Work) -> float:
    """Floating-point operations of the products and convolutions in some work."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def busy(work: Work, device: torch.device, count: int) -> tuple[float, float]:
    """Share of the time that the device computes, and kernels per call; NaN where no profiler tells."""
    if device.type != "cuda":
        return math.nan, math.nan
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        start = time.perf_counter()
        for _ in range(count):
            work()
        wait_for(device)
        whole = time.perf_counter() - start
    kernels = [event for event in found.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    spent = sum(event.self_device_time_total for event in kernels) / 1e6
    return spent / whole, len(kernels) / count


def row(name: str, figure: str, *, plain: float = math.nan, floor: float = math.nan, more: str = "") -> None:
    """Print one row."""
    ratio = f"{plain:.1f} times as fast as plain" if math.isfinite(plain) else ""
    least = f"floor {floor * 1e3:.3g} ms" if math.isfinite(floor) else ""
    print(" | ".join([f"{name:44}", figure, *(part for part in (least, ratio, more) if part)]), flush=True)


class Bench:
    """The device and how large the work is on it.

    Attributes:
        small: Whether everything is cut down to what a CPU does in a minute or two.
    """

    def __init__(self, name: str, data_dir: Path | None) -> None:
        self.device = choose_device(name)
        self.data_dir = data_dir
        self.small = self.device.type == "cpu"
        self.speed = {
            True: product_speed(self.device, torch.bfloat16),
            False: product_speed(self.device, torch.float32),
        }
        print(
            f"{describe_device(self.device)}, torch {torch.__version__}, {platform.processor() or platform.machine()}"
        )
        print(
            "matrix product: "
            + ", ".join(
                f"{'bfloat16' if mixed else 'float32'} {speed / 1e12:.3g} TFLOP/s"
                for mixed, speed in self.speed.items()
            )
        )

    # -- training ------------------------------------------------------------------------------------------------------

    def train_step(self, preset: str, batch: int = 0) -> None:
        """One training step of a preset."""
        spec = load_preset(preset)
        spec = spec.replace(
            "training.batch", batch or (min(spec.training.batch, 64) if self.small else spec.training.batch)
        )
        count, warm = (3, 2) if self.small else (100, 12)
        times = {}
        for plain in (False, True):
            parts = training(spec, data_dir=self.data_dir, device=self.device, delay=0 if plain else None)
            parts.settle()
            spec = spec.replace("training.precision", "bfloat16" if parts.trainer.denoiser.mixed else "float32")
            step = lambda parts=parts: parts.trainer.advance(1.0)  # noqa: E731
            times[plain] = seconds(step, self.device, count, warm)
            if not plain:
                share, kernels = busy(step, self.device, 20)
                trouble = parts.trainer.pop_trouble()
            parts.trainer.drain()
        flops = self._flops(spec, parts.trainer.denoiser)
        mixed = parts.trainer.denoiser.mixed
        took = times[False]
        more = f"{flops / took / 1e12:.3g} TFLOP/s in {spec.training.precision}"
        if math.isfinite(share):
            more += f", busy {share:.0%}, {kernels:.0f} kernels a step"
        row(
            f"training {preset}, batch {spec.training.batch}",
            f"{1 / took:.4g} steps/s, {took * 1e3:.3g} ms",
            plain=times[True] / took,
            floor=flops / self.speed[mixed],
            more=f"{more}{', not recorded: ' + trouble if trouble else ''}",
        )

    def _flops(self, spec: ExperimentSpec, denoiser: LearnedDenoiser) -> float:
        event, batch, k = event_shape(spec), spec.training.batch, spec.training.k
        y, sigma = torch.zeros(batch, k, *event, device=self.device), torch.ones(batch, device=self.device)
        return operations(lambda: torch.autograd.backward(denoiser.estimate(y, sigma).square().mean()))

    # -- chains --------------------------------------------------------------------------------------------------------

    def chain_step(self, name: str, spec: ExperimentSpec, denoiser: LearnedDenoiser, chains: int) -> None:
        """One Langevin step of many chains, all in, and the noise of it."""
        count, warm = (2, 1) if self.small else (50, 10)
        shape = (spec.training.k, *event_shape(spec))
        ladder_controls = replace(descent(spec), steps_per_level=10_000)
        streams = ChainStreams(0, chains, shape, device=self.device)
        y = streams.normal()
        steps = walk(langevin, denoiser, y, ladder_controls, streams)
        took = seconds(torch.no_grad()(lambda: next(steps)), self.device, count, warm)
        noise = seconds(streams.normal, self.device, count, warm)
        share, kernels = busy(torch.no_grad()(lambda: next(steps)), self.device, 5)
        tile, least = denoiser.tile, denoiser.least_tile
        denoiser.tile, denoiser.least_tile = 16, 0
        plain = walk(langevin, denoiser, y, ladder_controls, _Numpy(chains, shape, self.device))
        plainly = seconds(torch.no_grad()(lambda: next(plain)), self.device, 2 if self.small else 5, 1)
        flops = operations(torch.no_grad()(lambda: denoiser.estimate(y[:16], torch.ones(16, device=self.device))))
        denoiser.tile, denoiser.least_tile = tile, least
        more = f"noise {noise * 1e3:.3g} ms"
        if math.isfinite(share):
            more += f", busy {share:.0%}, {kernels:.0f} kernels"
        row(
            f"{chains} {name} chains, k = {shape[0]}, one step",
            f"{took * 1e3:.3g} ms",
            plain=plainly / took,
            floor=flops * chains / 16 / self.speed[denoiser.mixed],
            more=more,
        )

    def mnist_chains(self) -> None:
        """1 024 chains of the shipped network."""
        spec = load_card("mnist").spec
        chains = sampling(_langevin(spec, 1), run_dir=model_folder("mnist"), device=str(self.device))
        assert isinstance(chains.denoiser, LearnedDenoiser)
        self.chain_step("MNIST", spec, chains.denoiser, 32 if self.small else 1024)

    def cifar_chains(self) -> None:
        """64 chains of the network of the CIFAR-10 preset, untrained."""
        spec = load_preset("cifar10-20min")
        denoiser = new_denoiser(spec, 0.5, torch.zeros(event_shape(spec))).to(self.device).eval().requires_grad_(False)
        denoiser.tile, denoiser.least_tile = (16, 0) if self.small else (1024, 16)
        denoiser.mixed = self.device.type == "cuda"
        self.chain_step("CIFAR-10", spec, denoiser, 16 if self.small else 64)

    def quality(self) -> None:
        """The evaluate job with its judge, by the shipped network."""
        name, n = "mnist", 256 if self.small else 2048
        spec = load_card(name).spec.replace("sampling.chains", n)
        if self.small:
            spec = spec.replace("sampling.levels", 6)
        took = []
        for _ in range(1 if self.small else 2):
            start = time.perf_counter()
            events = list(evaluate(spec, run_dir=model_folder(name), data_dir=self.data_dir, device=str(self.device)))
            took.append(time.perf_counter() - start)
            if isinstance(events[-1], Failed):
                print(f"evaluate: {events[-1].text}")
                return
        found = next(event for event in events if isinstance(event, Quality))
        row(
            f"msd evaluate --n {n}, {name}", " and again ".join(f"{t:.3g} s" for t in took), more=f"{found.lived} lived"
        )

    # -- the same every time -------------------------------------------------------------------------------------------

    def repeats(self) -> None:
        """Same seed, same bits; few and many chains; the device against the CPU; a run that is resumed."""
        spec = _langevin(load_card("mnist").spec, 10)
        if self.small:
            spec = spec.replace("sampling.levels", 4)
        first, again, many = (self._drawn("mnist", spec.replace("sampling.chains", chains)) for chains in (10, 10, 64))
        row("same seed twice, 10 MNIST chains", _compared(first, again))
        row("chain i among 10 and among 64", _compared(first, many[:10]))
        for name in model_names():
            short = _langevin(load_card(name).spec, 4 if self.small else 16)
            here, there = (self._drawn(name, short, device, full=True) for device in (str(self.device), "cpu"))
            row(f"{name} on {self.device.type} and on the CPU, float32", _compared(here, there))
        self._resumed()

    def _drawn(self, name: str, spec: ExperimentSpec, device: str = "", *, full: bool = False) -> np.ndarray:
        """Samples of a shipped network; in full float32 where the device is compared with another."""
        chains = sampling(spec, run_dir=model_folder(name), device=device or str(self.device))
        if full:
            assert isinstance(chains.denoiser, LearnedDenoiser)
            chains.denoiser.mixed = False
        *_, last = walk(chains.dynamics, chains.denoiser, chains.y, chains.descent, chains.streams)
        return last.posterior.mean.float().cpu().numpy()

    def _resumed(self) -> None:
        preset = "digits-30s"
        # On a CPU the arithmetic is chosen by a measurement, which may come out otherwise the next time.
        values = {"steps": 24, "seconds": 0.0, "precision": "float32" if self.device.type == "cpu" else "auto"}
        spec = load_preset(preset).replace_all({f"training.{name}": value for name, value in values.items()})
        with tempfile.TemporaryDirectory() as folder:
            weights = []
            for number in range(2):
                run = Path(folder) / f"whole-{number}"
                _pull(train(spec, run, device=str(self.device)))
                weights.append(_weights(run))
            cut = Path(folder) / "cut"
            # Not with half the steps: the learning rate follows the budget.
            begun = train(spec, cut, device=str(self.device))
            ticks = (event for event in begun if isinstance(event, Tick))
            deque(islice(ticks, spec.training.steps // 2), maxlen=0)
            begun.close()
            _pull(train(spec, cut, resume=True, device=str(self.device)))
            row(f"{preset} trained twice", _compared(*weights))
            row(f"{preset} resumed at half way", _compared(weights[0], _weights(cut)))

    # -- the window ----------------------------------------------------------------------------------------------------

    def watched(self) -> None:
        """Training speed with the window over that without, by `watching.py` in a process of its own."""
        script = Path(__file__).with_name("watching.py")
        seconds_each = "2" if self.small else "6"
        for preset in ("digits-30s",) if self.small else ("mnist-2min", "ncsn-toy"):
            command = [sys.executable, str(script), "--preset", preset, "--seconds", seconds_each, "--rounds", "1"]
            if self.data_dir is not None:
                command += ["--data-dir", str(self.data_dir)]
            # A machine with a card seldom has a screen.
            environment = {"QT_QPA_PLATFORM": "offscreen"} | os.environ
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            print(
                done.stdout.strip() or f"watching.py did not run: {done.stderr.strip().splitlines()[-1:]}", flush=True
            )

    def report(self) -> None:
        """`msd reproduce report-mnist --scale 1`, whole."""
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            command = [sys.executable, "-c", "import sys; from msd_engine.cli.main import main; sys.exit(main())"]
            command += ["reproduce", "report-mnist", "--scale", "1", "--out", f"{folder}/page", "--device"]
            subprocess.run([*command, str(self.device)], check=True)
            row("msd reproduce report-mnist --scale 1", f"{(time.perf_counter() - start) / 60:.1f} minutes")


class _Numpy:
    """Noise as it was once drawn: by numpy on the host, one generator for each chain, and carried over."""

    def __init__(self, chains: int, shape: tuple[int, ...], device: torch.device) -> None:
        self._draws = [np.random.Generator(np.random.SFC64(chain)) for chain in range(chains)]
        self._shape, self._device = shape, device

    def normal(self) -> torch.Tensor:
        """Standard normal numbers for all chains."""
        drawn = [draw.standard_normal(self._shape, dtype=np.float32) for draw in self._draws]
        return torch.from_numpy(np.stack(drawn)).to(self._device)


def _langevin(spec: ExperimentSpec, chains: int) -> ExperimentSpec:
    """The experiment sampled by chained Langevin dynamics of the network alone."""
    values = {"sampler": "langevin", "guidance": 1.0, "exact_above": 1e3, "chains": chains, "levels": 20}
    values |= {"steps_per_level": 4, "step_ratio": 0.3}
    return spec.replace_all({f"sampling.{name}": value for name, value in values.items()})


def _pull(job: Iterator[object]) -> None:
    *_, last = job
    if isinstance(last, Failed):
        raise SystemExit(last.text)


def _weights(folder: Path) -> np.ndarray:
    tensors = Run.open(folder).load_weights(None).tensors
    return np.concatenate([tensors[name].float().flatten().numpy() for name in sorted(tensors)])


def _compared(a: np.ndarray, b: np.ndarray) -> str:
    return "equal to the bit" if np.array_equal(a, b) else f"differ by up to {np.abs(a - b).max():.3g}"


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--only", default="", help="parts, separated by commas: training, chains, evaluate, repeats, watched"
    )
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--whole", action="store_true", help="the whole report too")
    options = parser.parse_args()
    bench = Bench(options.device, options.data_dir)
    parts: dict[str, list[Work]] = {
        "training": [
            lambda: bench.train_step("mnist-2min"),
            lambda: bench.train_step("report-mnist"),
            *([] if bench.small else [lambda: bench.train_step("report-mnist", 2048)]),
            lambda: bench.train_step("ncsn-toy"),
            lambda: bench.train_step("digits-30s"),
        ],
        "chains": [bench.mnist_chains, bench.cifar_chains],
        "evaluate": [bench.quality],
        "repeats": [bench.repeats],
        "watched": [bench.watched],
    }
    wanted = [name for name in options.only.split(",") if name] or list(parts)
    start = time.perf_counter()
    for name in wanted:
        for work in parts[name]:
            work()
    if options.whole:
        bench.report()
    print(f"all in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()

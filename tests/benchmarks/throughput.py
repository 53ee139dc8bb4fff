"""What makes training fast on this machine? Ratios of alternatives, taken in turns so that other load falls on all.

    python tests/benchmarks/throughput.py --width 32

For the U-net: arithmetic, batch, memory layout and the last convolution asked for directly; for any network: the
optimiser's implementation, and the share of a step that drawing the noise takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import tyro
from torch import Tensor, nn

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.outputs.preconditioned import OUTPUT as PRECONDITIONED
from msd_engine.nets.mlp import Mlp
from msd_engine.nets.unet import Head, UNet
from msd_engine.noise.processes.exploding import Exploding

Step = Callable[[], None]


class DirectHead(nn.Module):
    """What `Head` computes, as one ordinary convolution."""

    def __init__(self, sources: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(sum(sources), channels, 3, padding=1)

    def forward(self, *maps: Tensor) -> Tensor:
        return self.convolution(torch.cat(maps, dim=1)).float()


def training_step(net: nn.Module, event: tuple[int, ...], k: int, batch: int, *, mixed: bool, **adam: bool) -> Step:
    denoiser = LearnedDenoiser(net, PRECONDITIONED, k, 0.5, torch.zeros(event), Exploding(25.0), mixed=mixed)
    optimiser = torch.optim.Adam(denoiser.parameters(), **adam)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(0)
    x = torch.zeros(batch, *event)

    def step() -> None:
        y = torch.randn((batch, k, *event), generator=generator)
        optimiser.zero_grad()
        torch.autograd.backward((denoiser.estimate(y, torch.ones(batch)) - x).square().mean())
        optimiser.step()

    return step


def compare(title: str, steps: dict[str, tuple[Step, int]], rounds: int) -> None:
    """Print data per second of each alternative, and the ratio to the first."""
    best = dict.fromkeys(steps, float("inf"))
    for number in range(rounds + 1):
        for name, (step, _) in steps.items():
            start = time.perf_counter()
            step()
            if number:
                best[name] = min(best[name], time.perf_counter() - start)
    rates = {name: batch / best[name] for name, (_, batch) in steps.items()}
    first = next(iter(rates.values()))
    print(title)
    for name, rate in rates.items():
        print(f"  {name:32s}{rate:12.0f} per second {rate / first:8.2f}")


def main(width: int = 32, size: int = 28, k: int = 8, rounds: int = 8) -> None:
    """Compare.

    Args:
        width: Filters of the U-net's first stage.
        size: Rows and columns of an image.
        k: Copies.
        rounds: Steps taken of each alternative; the fastest counts.
    """
    event = (1, size, size)

    def unet(batch: int = 128, *, mixed: bool = True, layout: torch.memory_format = torch.contiguous_format) -> Step:
        net = UNet(1, k, width=width).to(memory_format=layout)  # type: ignore[call-overload]
        return training_step(net, event, k, batch, mixed=mixed, fused=True)

    print(f"{torch.get_num_threads()} threads")
    compare(
        f"U-net of width {width}, batch 128",
        {
            "bfloat16": (unet(), 128),
            "float32": (unet(mixed=False), 128),
            "bfloat16, channels last": (unet(layout=torch.channels_last), 128),
        },
        rounds,
    )
    compare("Batch", {f"batch {batch}": (unet(batch), batch) for batch in (128, 64, 256)}, rounds)
    direct = UNet(1, k, width=width)
    direct.head = DirectHead((width, width), 1)  # type: ignore[assignment]
    assert isinstance(UNet(1, k, width=8).head, Head)
    compare(
        "Last convolution",
        {"as taps": (unet(), 128), "direct": (training_step(direct, event, k, 128, mixed=True, fused=True), 128)},
        rounds,
    )

    def mlp(batch: int = 128, **adam: bool) -> Step:
        return training_step(Mlp(2, k), (2,), k, batch, mixed=False, **adam)

    compare(
        "MLP, batch 128: Adam",
        {
            "fused": (mlp(fused=True), 128),
            "foreach": (mlp(foreach=True), 128),
            "one by one": (mlp(foreach=False), 128),
        },
        50 * rounds,
    )
    compare("MLP: batch", {f"batch {n}": (mlp(n, fused=True), n) for n in (128, 256, 512)}, 50 * rounds)

    generator = torch.Generator().manual_seed(0)
    whole = unet()

    def noise() -> None:
        torch.randn((128, k, *event), generator=generator)

    compare("Noise of the copies", {"whole step": (whole, 128), "its noise alone": (noise, 128)}, rounds)


if __name__ == "__main__":
    tyro.cli(main)

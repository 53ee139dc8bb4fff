"""The job that draws noise alone."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.backend.streams import ChainStreams
from msd_engine.events import Event, Finished, Started, Tick
from msd_engine.events.noise import NoiseDraws
from msd_engine.jobs.factory.loaded import is_loaded, loaded_power
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.noise.chosen import space_of
from msd_engine.noise.covariances.measured import measured_space
from msd_engine.specs import ImagesSpec, NoiseSpec

_MOST_NUMBERS = 2**28
# Numbers coloured at once.
_PART = 2**20


@reports_user_errors
def draw_noise(
    spec: NoiseSpec,
    shape: tuple[int, ...],
    n: int,
    seed: int,
    *,
    data: ImagesSpec | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
) -> Iterator[Event]:
    """Draw noise of one copy with σ = 1; draw i depends on the seed and on i alone.

    Args:
        spec: Its covariance.
        shape: Shape of a draw: (C, H, W), or (2,) in the plane.
        n: Number of draws.
        seed: Their seed.
        data: Set of images whose spectrum the noise has, where the covariance is that of the data.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.

    Yields:
        `Started`, `NoiseDraws` and `Finished`; or `Failed`.
    """
    begun_s = time.perf_counter()
    size = math.prod(shape)
    if n * size > _MOST_NUMBERS:
        raise UserError(f"{n:,} draws of {size:,} numbers do not fit into memory: ask for {_MOST_NUMBERS // size:,}.")
    chosen = choose_device(device)
    if data is not None and spec.covariance == "data":
        if not is_loaded(data, data_dir):
            yield from in_background(lambda _: loaded_power(data, data_dir))
        space = measured_space(loaded_power(data, data_dir), shape[0])
    else:
        space = space_of(spec, shape)
    yield Started("noise", describe_device(chosen), n, 0, spec.to_json())
    noise = torch.empty(n, *shape)
    part = max(1, _PART // size)
    for first in range(0, n, part):
        last = min(first + part, n)
        white = ChainStreams(seed, last - first, shape, device=chosen, numbers=range(first, last), block=1).normal()
        noise[first:last] = space.decode(white).cpu()
        yield Tick()
    single = len(shape) == 3 and shape[0] == 1
    log_det = -2 * space.log_volume / size
    yield NoiseDraws((noise[:, 0] if single else noise).numpy(), spec.to_json(), seed, log_det)
    yield Finished(n, time.perf_counter() - begun_s, f"Drew {n:,} times noise with {size:,} numbers.")

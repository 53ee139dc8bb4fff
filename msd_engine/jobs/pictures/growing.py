"""x̂ of one picture as its copies grow in number, by networks and by the exact posterior mean beside them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.data.images import ImageSet
from msd_engine.denoisers.posterior import Denoiser
from msd_engine.events import Estimate, Event, Finished, GrowingCopies, Started
from msd_engine.jobs.factory.loaded import is_loaded, loaded_empirical, loaded_images
from msd_engine.jobs.factory.spaces import coordinates
from msd_engine.jobs.factory.targets import images_of
from msd_engine.jobs.pictures.denoise import network_of
from msd_engine.jobs.pictures.pictures import chosen_picture, distance, draw_copies
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.frames import shown
from msd_engine.noise.space import Space
from msd_engine.specs import ExperimentSpec, ImagesSpec

_MIB = 2**20
MOST_EXACT = 256 * _MIB
"""Bytes of training images, as floats, that are read for the exact estimates alone."""


@reports_user_errors
def growing_copies(
    spec: ExperimentSpec,
    ks: Sequence[int],
    networks: Sequence[tuple[int, Path]],
    *,
    data_dir: Path | None = None,
    device: str = "auto",
) -> Iterator[Event]:
    """Denoise the first copies of a picture, as many as each k says.

    Args:
        spec: The experiment; its data and its `denoise` part are read. Copy i is the same for every k.
        ks: Numbers of copies of the exact estimates.
        networks: A number of copies, and the run folder of a network that takes it.
        data_dir: Where image sets are looked for.
        device: Name of the device, or ``auto``.

    Yields:
        `Started`, `GrowingCopies` with the estimates of the networks, again with the exact ones unless the set has more
        than `MOST_EXACT` bytes and is not in memory, and `Finished`; or `Failed`.
    """
    begun_s = time.perf_counter()
    chosen = choose_device(device)
    data = images_of(spec, "Only pictures can be denoised here: choose a set of images.")
    if not is_loaded(data, data_dir):
        yield from in_background(lambda _: loaded_images(data, data_dir))
    images = loaded_images(data, data_dir)
    x = chosen_picture(spec.denoise, images)
    counts = [*ks, *(k for k, _ in networks)]
    space = coordinates(spec, data_dir)
    y = draw_copies(x, spec.denoise.sigma, max(counts, default=1), spec.denoise.seed, space)
    yield Started("growing-copies", describe_device(chosen), 0, 0, spec.to_json())
    found = [_by_network(run, data, x, y[:k], spec.denoise.sigma, chosen) for k, run in networks]
    yield GrowingCopies(spec.to_json(), tuple(found))
    colour = spec.noise.colour
    if ks and _is_cheap(data, images, data_dir, chosen, colour):
        if not is_loaded(data, data_dir, chosen, colour):
            yield from in_background(lambda _: loaded_empirical(data, data_dir, chosen, space, colour))
        denoiser = loaded_empirical(data, data_dir, chosen, space, colour).denoiser.in_tiles_of(len(ks))
        exact = _exact(denoiser, space, x, [y[:k] for k in ks], spec.denoise.sigma, chosen)
        yield GrowingCopies(spec.to_json(), (*found, *exact))
    yield Finished(0, time.perf_counter() - begun_s, "")


def _is_cheap(
    data: ImagesSpec, images: ImageSet, data_dir: Path | None, device: torch.device, colour: tuple[object, ...]
) -> bool:
    return 4 * images.train.numel() <= MOST_EXACT or is_loaded(data, data_dir, device, colour)


def _by_network(run: Path, data: ImagesSpec, x: Tensor, y: Tensor, sigma: float, device: torch.device) -> Estimate:
    network = network_of(run, data, device)
    mean = network(network.space.encode(y).unsqueeze(0).to(device), sigma).mean[0]
    return _estimate(x, len(y), sigma, network.space.decode(mean), exact=False)


def _exact(
    denoiser: Denoiser, space: Space, x: Tensor, copies: Sequence[Tensor], sigma: float, device: torch.device
) -> list[Estimate]:
    """Denoise all ȳ together: x̂ depends on the copies through ȳ and σ/√k alone (theory §3, fact 1)."""
    y_mean = space.encode(torch.stack([y.mean(0, keepdim=True) for y in copies])).to(device)
    noise = torch.tensor([sigma / math.sqrt(len(y)) for y in copies], dtype=y_mean.dtype, device=device)
    means = space.decode(denoiser(y_mean, noise).mean)
    return [_estimate(x, len(y), sigma, mean, exact=True) for y, mean in zip(copies, means, strict=True)]


def _estimate(x: Tensor, k: int, sigma: float, mean: Tensor, *, exact: bool) -> Estimate:
    x_hat = shown(mean)
    return Estimate(k, sigma / math.sqrt(k), exact, x_hat, distance(x_hat, x.numpy()))

"""The job that takes a picture, or a cloud of points, to white and to the chosen noise, side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.backend.streams import ChainStreams
from msd_engine.events import Event, Finished, Started
from msd_engine.events.noise import Forward, NoiseSide, Spectrum
from msd_engine.jobs.factory.loaded import is_loaded, loaded_images, loaded_power
from msd_engine.jobs.factory.spaces import coordinates
from msd_engine.jobs.factory.targets import images_of, is_of_images, target
from msd_engine.jobs.pictures.pictures import chosen_picture
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.frames import shown
from msd_engine.noise.chosen import process_of
from msd_engine.noise.space import Isotropic, Space
from msd_engine.noise.spectral import correlation, power_of, rings
from msd_engine.specs import ExperimentSpec, ImagesSpec
from msd_engine.specs.tables.noise import COVARIANCES

TIMES = 7
"""Pictures of a strip."""
_POINTS = 500
_NONE = np.empty(0)
_MOMENTS = 1025


@reports_user_errors
def forward(spec: ExperimentSpec, *, data_dir: Path | None = None) -> Iterator[Event]:
    """Take a datum to the time `denoise.time` of its forward process, with the mean of k copies.

    Both noises are made of the same white draw: that of copy i is the draw i of `msd noise` with seed `denoise.seed`.

    Args:
        spec: The experiment; its data, noise, number of copies and `denoise` part are read.
        data_dir: The data folder.

    Yields:
        `Started`, `Forward` and `Finished`; or `Failed`.
    """
    begun_s = time.perf_counter()
    data = images_of(spec) if is_of_images(spec) else None
    if data is not None and not is_loaded(data, data_dir):
        # Reading tens of thousands of images takes a second.
        yield from in_background(lambda _: loaded_power(data, data_dir))
    yield Started("forward", "", 0, 0, spec.to_json())
    yield _cloud(spec) if data is None else _picture(spec, data, data_dir)
    yield Finished(0, time.perf_counter() - begun_s, "")


@dataclass(frozen=True)
class _Moment:
    """α and the noise of the mean of k copies at a time of a process."""

    alpha: float
    sigma: float
    sigma_eff: float

    @classmethod
    def of(cls, spec: ExperimentSpec, t: float) -> _Moment:
        alpha, sigma = process_of(spec.noise)(t)
        return cls(alpha, sigma, spec.sigma_eff(sigma))

    @property
    def scale(self) -> float:
        """Divisor of what is shown."""
        return math.hypot(self.alpha, self.sigma_eff)

    def shown(self, x: Tensor, noise: Tensor) -> Tensor:
        """Return (α x + σ_eff n)/scale."""
        return (self.alpha * x + self.sigma_eff * noise) / self.scale


def _picture(spec: ExperimentSpec, data: ImagesSpec, data_dir: Path | None) -> Forward:
    images, found = loaded_images(data, data_dir), loaded_power(data, data_dir)
    x = chosen_picture(spec.denoise, images)
    height, width = x.shape[1:]
    white = _white(spec, tuple(x.shape))
    frequency, weights = rings(height, width)
    times = np.linspace(0.0, 1.0, TIMES)
    now, moments = _Moment.of(spec, spec.denoise.time), [_Moment.of(spec, float(t)) for t in times]

    def side(name: str, noise_space: Space) -> NoiseSide:
        noise = noise_space.decode(white)
        spectrum = power_of(noise_space, height, width)
        kernel = correlation(spectrum)
        return NoiseSide(
            name=name,
            y=shown(now.shown(x, noise)),
            strip=shown(torch.stack([moment.shown(x, noise) for moment in moments])),
            power=(weights * spectrum).sum((1, 2)).numpy(),
            autocovariance=kernel[0, : width // 2 + 1].numpy(),
            correlation=torch.roll(kernel, (height // 2, width // 2), (0, 1)).numpy(),
            covariance=np.empty((0, 0)),
            log_det=_log_det(noise_space, x.numel()),
            emerging=_emerging(spec, found / spectrum),
        )

    signal = (weights * found).sum((1, 2)).numpy()
    sides = side(_title(spec, white=True), Isotropic()), side(_title(spec), coordinates(spec, data_dir))
    return _told(spec, x, now, times, sides, Spectrum(frequency.numpy(), signal), len(images.test))


def _emerging(spec: ExperimentSpec, ratio: Tensor) -> tuple[float, float]:
    """Return the times between which eight of ten waves emerge, by their power over that of noise with σ = 1."""
    equal = torch.quantile(ratio.flatten().sqrt(), torch.tensor([0.1, 0.9], dtype=ratio.dtype))
    times = torch.linspace(0.0, 1.0, _MOMENTS, dtype=torch.float64)
    # Interpolated: bisection takes longer than all else in a frame.
    noise = spec.sigma_eff(1.0) * process_of(spec.noise).noise(times)
    early, late = np.interp(equal.numpy(), noise.numpy(), times.numpy()).tolist()
    return early, late


def _cloud(spec: ExperimentSpec) -> Forward:
    known = target(spec.replace("noise.covariance", "isotropic"))
    assert known is not None
    if known.shape != (2,):
        raise UserError(f"Only data in the plane can be drawn: these have {known.shape[0]} dimensions.")
    x = known.sample(_POINTS, torch.Generator().manual_seed(spec.denoise.index)).float()
    white = _white(spec, tuple(x.shape))
    now = _Moment.of(spec, spec.denoise.time)

    def side(name: str, noise_space: Space) -> NoiseSide:
        return NoiseSide(
            name=name,
            y=shown(now.alpha * x + now.sigma_eff * noise_space.decode(white)),
            strip=np.empty((0, 1, 1, 1), np.float32),
            power=_NONE,
            autocovariance=_NONE,
            correlation=np.empty((0, 0)),
            covariance=noise_space.covariance(2).numpy(),
            log_det=_log_det(noise_space, 2),
        )

    sides = side(_title(spec, white=True), Isotropic()), side(_title(spec), coordinates(spec))
    return _told(spec, x, now, _NONE, sides, Spectrum(_NONE, _NONE), 0)


def _white(spec: ExperimentSpec, shape: tuple[int, ...]) -> Tensor:
    """Return √k times the mean of k white draws, which is white."""
    k = spec.training.k
    return ChainStreams(spec.denoise.seed, k, shape, block=1).normal().mean(0) * math.sqrt(k)


def _title(spec: ExperimentSpec, *, white: bool = False) -> str:
    """Return the display name of the chosen noise, or of white noise."""
    if white:
        return "White noise"
    values = {"gamma": "γ = {:g}", "blur": "ℓ = {:g}", "elongation": "a = {:g}", "angle": "θ = {:g}°"}
    row = COVARIANCES[spec.noise.covariance]
    return ", ".join([row.title, *(values[name].format(getattr(spec.noise, name)) for name in row.own)])


def _log_det(noise_space: Space, count: int) -> float:
    return -2 * noise_space.log_volume / count


def _told(
    spec: ExperimentSpec,
    x: Tensor,
    now: _Moment,
    times: np.ndarray,
    sides: tuple[NoiseSide, NoiseSide],
    spectrum: Spectrum,
    available: int,
) -> Forward:
    return Forward(
        spec_json=spec.to_json(),
        x=shown(x),
        alpha=now.alpha,
        sigma=now.sigma,
        sigma_eff=now.sigma_eff,
        scale=now.scale if available else 1.0,
        times=times,
        sides=sides,
        spectrum=spectrum,
        available=available,
    )

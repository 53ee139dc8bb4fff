"""Build all parts of a training from its spec."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from msd_engine.backend.device import choose_device, quicker_device
from msd_engine.backend.recording import WARM_UP, CudaGraph
from msd_engine.data.images import load_images
from msd_engine.denoisers.posterior import Denoiser
from msd_engine.jobs.factory.forms import OBJECTIVES
from msd_engine.jobs.factory.pace import threads_for
from msd_engine.jobs.factory.parts import new_denoiser
from msd_engine.jobs.factory.spaces import coordinates, encoded_statistics
from msd_engine.jobs.factory.targets import images_of, is_of_images, target
from msd_engine.metrics.errors.errors import HeldOut
from msd_engine.noise.ladder import geometric
from msd_engine.noise.laws import quantiles
from msd_engine.noise.space import Space
from msd_engine.specs import ExperimentSpec
from msd_engine.training.group import Ranks
from msd_engine.training.inputs import delay_of
from msd_engine.training.precision import choose_bfloat16
from msd_engine.training.source import ImageSource, PointSource, Source, stream
from msd_engine.training.trainer import Trainer

_HELD_OUT_POINTS, HELD_OUT_IMAGES, STRIP = 4096, 256, 8
# Stream of a run, as `msd_engine.jobs.factory.parts` numbers them.
_HELD_OUT = 3
# Steps before timing a device, enough for recording, and timed steps.
_WARM_STEPS, _TIMED_STEPS = WARM_UP + 2, 10


@dataclass(frozen=True, eq=False)
class Training:
    """All parts of a training.

    Attributes:
        trainer: Performs the steps.
        source: Source of the data.
        held_out: Fixed encoded held-out data with fixed noise.
        exact: The exact denoiser, if the data have one.
        strip: A few encoded held-out images with noises over the ladder, in order of σ; None for points.
        spec: The experiment.
        device: Device of the training.
    """

    trainer: Trainer
    source: Source
    held_out: HeldOut
    exact: Denoiser | None
    strip: HeldOut | None
    spec: ExperimentSpec
    device: torch.device

    def settle(self) -> str:
        """Choose the precision of a new training, and describe it."""
        denoiser = self.trainer.denoiser
        denoiser.mixed, sentence = choose_bfloat16(self.spec, denoiser, self.device)
        self.trainer.averaged.mixed = denoiser.mixed
        return sentence


def training_device(spec: ExperimentSpec, name: str) -> torch.device:
    """Choose the device for a training.

    Args:
        spec: The experiment.
        name: Name of the device, or ``auto``; networks on points then use the faster device by measurement.

    Raises:
        UserError: This machine has no such device.
    """
    if is_of_images(spec):
        return choose_device(name)
    work = ("train", spec.network, spec.training.k, spec.training.batch)
    return quicker_device(name, work, lambda there: _seconds(spec, there))


def _seconds(spec: ExperimentSpec, device: torch.device) -> float:
    """Return the duration of a few training steps after warm-up."""
    # With the number of threads of the training.
    threads_for(spec, device, 0)
    trainer = training(spec, data_dir=None, device=device).trainer
    for _ in range(_WARM_STEPS * len(spec.training_ks)):
        trainer.advance(0.0)
    trainer.drain()
    start = time.perf_counter()
    for _ in range(_TIMED_STEPS):
        trainer.advance(0.0)
    trainer.drain()
    return time.perf_counter() - start


def strip_of(spec: ExperimentSpec, x: torch.Tensor, device: torch.device) -> HeldOut:
    """Return the strip of an experiment on images, with the same noise for every training.

    Args:
        spec: The experiment; noise, number of copies and the ends of the ladder are read.
        x: Encoded held-out images with shape (n, C, H, W); the first few are used.
        device: Where to compute.
    """
    noises = geometric(spec.sampling.sigma_1, spec.sampling.sigma_L, STRIP).float()
    # A small set of own pictures may hold out fewer.
    shown = x[torch.arange(STRIP) % len(x)]
    return HeldOut(shown.to(device), noises.to(device), spec.training.k, stream(0, _HELD_OUT))


def training(
    spec: ExperimentSpec,
    *,
    data_dir: Path | None,
    device: torch.device,
    delay: int | None = None,
    group: Ranks | None = None,
) -> Training:
    """Build all parts of a training.

    Args:
        spec: The experiment.
        data_dir: The data folder.
        device: Where to compute.
        delay: Number of steps after which losses are read; None chooses by the device.
        group: The processes that train together; None for this one alone.

    Returns:
        The parts, at step 0.

    Raises:
        BadFile: The images are missing or damaged.
        UserError: A custom mixture cannot be used.
    """
    # Held-out data and noise are the same whatever the training's seed and k: curves of several runs can be compared.
    seed, batch = spec.training.seed, spec.training.batch
    exact: Denoiser | None = None
    strip: HeldOut | None = None
    space: Space | None = None
    source: Source
    known = target(spec)
    if known is not None:
        mean, spread = known.mean, known.std
        source = PointSource(known, batch, seed, device)
        exact = known.denoiser(device, torch.float32)
        x = known.sample(_HELD_OUT_POINTS, stream(0, _HELD_OUT)).float()
    else:
        images = load_images(images_of(spec), data_dir)
        space = coordinates(spec, data_dir)
        mean, spread = encoded_statistics(images, space)
        part = group.rows(batch) if group else None
        source = ImageSource(images.train, batch, seed, device, flips=spec.training.flips, space=space, part=part)
        x = space.encode(images.to_data(images.test[:HELD_OUT_IMAGES]))
        strip = strip_of(spec, x, device)
    sigma = quantiles(spec.law, spec.training.k, len(x))
    held_out = HeldOut(x.to(device), sigma.to(device), spec.training.k, stream(0, _HELD_OUT, 1))
    denoiser, averaged = (new_denoiser(spec, spread, mean, space).to(device) for _ in range(2))
    step_delay = delay_of(device) if delay is None else delay
    # The sum over the processes is not recorded.
    new_graph = (lambda: CudaGraph(device)) if device.type == "cuda" and step_delay and group is None else None
    objective = OBJECTIVES[spec.training.objective]
    exact_score = None if known is None else known.score
    trainer = Trainer(
        spec,
        denoiser,
        averaged,
        source,
        objective,
        exact=exact_score,
        delay=step_delay,
        group=group,
        new_graph=new_graph,
    )
    return Training(trainer, source, held_out, exact, strip, spec, device)

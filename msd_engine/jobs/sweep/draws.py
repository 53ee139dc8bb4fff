"""Build the held-out draws of a comparison of numbers of copies, and choose its precision."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from msd_engine.data.images import ImageSet
from msd_engine.denoisers.posterior import Denoiser
from msd_engine.jobs.factory.loaded import loaded_empirical, loaded_images
from msd_engine.jobs.factory.parts import event_shape, new_denoiser
from msd_engine.jobs.factory.spaces import coordinates
from msd_engine.jobs.factory.targets import images_of, target
from msd_engine.metrics.errors.matched import MatchedDraws
from msd_engine.noise.laws import quantiles
from msd_engine.specs import ExperimentSpec
from msd_engine.training.precision import choose_bfloat16
from msd_engine.training.source import stream

_POINTS, _IMAGES, _LEAST_IMAGES = 8192, 2048, 512
_STREAM = 4


def matched_draws(spec: ExperimentSpec, *, data_dir: Path | None, device: torch.device) -> MatchedDraws:
    """Build the draws for comparing experiments with different numbers of copies; the seed is ignored.

    Args:
        spec: The experiment.
        data_dir: The data folder.
        device: Where to compute.

    Returns:
        The draws, of held-out data.

    Raises:
        BadFile: The images are missing or damaged.
        UserError: A custom mixture cannot be used.
    """
    known = target(spec)
    if known is not None:
        return _draws(spec, known.sample(_POINTS, stream(0, _STREAM)).float(), device)
    x = _some(loaded_images(images_of(spec), data_dir).test, _IMAGES)
    return _draws(spec, coordinates(spec, data_dir).encode(x), device)


def least_draws(spec: ExperimentSpec, *, data_dir: Path | None, device: torch.device) -> tuple[MatchedDraws, Denoiser]:
    """Build the exact posterior mean and draws of its distribution, which give the least possible error.

    For images it is the posterior mean over the training images, measured on training images: the least value of the
    training objective. It is no bound on held-out images.

    Args:
        spec: The experiment.
        data_dir: The data folder.
        device: Where to compute.

    Returns:
        The draws and the exact denoiser.

    Raises:
        BadFile: The images are missing or damaged.
        UserError: A custom mixture cannot be used.
    """
    known = target(spec)
    if known is not None:
        return matched_draws(spec, data_dir=data_dir, device=device), known.denoiser()
    images, space = images_of(spec), coordinates(spec, data_dir)
    exact = loaded_empirical(images, data_dir, device, space, spec.noise.colour).denoiser
    x = _some(loaded_images(images, data_dir).train, _LEAST_IMAGES)
    return _draws(spec, space.encode(x), device), exact


def _some(images: Tensor, count: int) -> Tensor:
    """Return some of the images in random order, with shape (n, C, H, W), in [-1, 1]."""
    return ImageSet.to_data(images[torch.randperm(len(images), generator=stream(0, _STREAM))[:count]])


def _draws(spec: ExperimentSpec, x: Tensor, device: torch.device) -> MatchedDraws:
    sigma = quantiles(spec.law, spec.training.k, len(x))
    return MatchedDraws(x.to(device), sigma.to(device), spec.training.k)


def settled(spec: ExperimentSpec, device: torch.device) -> tuple[ExperimentSpec, str]:
    """Fix the precision of an experiment, so that several trainings use the same.

    Args:
        spec: The experiment.
        device: Device of the training.

    Returns:
        The experiment with its precision set, and the reason in one sentence.
    """
    denoiser = new_denoiser(spec, 1.0, torch.zeros(event_shape(spec))).to(device)
    mixed, sentence = choose_bfloat16(spec, denoiser, device)
    return spec.replace("training.precision", "bfloat16" if mixed else "float32"), sentence

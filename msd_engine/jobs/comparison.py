"""What a comparison of numbers of copies is built of: the draws that its runs are measured on, and one arithmetic."""

from __future__ import annotations

from pathlib import Path

import torch

from msd_engine.data.images import ImageSet, load_images
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.posterior import Denoiser
from msd_engine.jobs.build import event_shape, mixture, network
from msd_engine.metrics.matched import MatchedDraws
from msd_engine.noise.laws import quantiles
from msd_engine.specs import ExperimentSpec, MixtureSpec
from msd_engine.training.precision import choose_bfloat16
from msd_engine.training.source import stream

_POINTS, _IMAGES = 8192, 2048
_STREAM = 4


def matched_draws(
    spec: ExperimentSpec, *, data_dir: Path | None, device: torch.device
) -> tuple[MatchedDraws, Denoiser | None]:
    """Build the draws on which experiments with different numbers of copies are compared; the seed is not read.

    Args:
        spec: The experiment.
        data_dir: Where image sets are looked for.
        device: Where to compute.

    Returns:
        The draws, and the exact denoiser where the data have one.

    Raises:
        BadFile: The images are missing or damaged.
        UserError: A custom mixture cannot be used.
    """
    order = stream(0, _STREAM)
    exact: Denoiser | None = None
    if isinstance(spec.data, MixtureSpec):
        target = mixture(spec)
        exact = ExactDenoiser(target.to(device, torch.float32))
        x = target.sample(_POINTS, order).float()
    else:
        test = load_images(spec.data, data_dir).test
        x = ImageSet.to_data(test[torch.randperm(len(test), generator=order)[:_IMAGES]])
    sigma = quantiles(spec.noise, spec.training.k, len(x))
    return MatchedDraws(x.to(device), sigma.to(device), spec.training.k), exact


def settled(spec: ExperimentSpec, device: torch.device) -> tuple[ExperimentSpec, str]:
    """Choose the arithmetic of an experiment for good, so that several trainings have the same.

    Args:
        spec: The experiment.
        device: Where it will be trained.

    Returns:
        The experiment with a number format named, and one sentence on why that one.
    """
    asked, mean = spec.training, torch.zeros(event_shape(spec))
    denoiser = LearnedDenoiser(network(spec), asked.form, asked.k, 1.0, mean, spec.noise.s).to(device)
    mixed, sentence = choose_bfloat16(spec, denoiser, device)
    return spec.replace("training.precision", "bfloat16" if mixed else "float32"), sentence

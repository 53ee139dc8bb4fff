"""What the chains of a sampling need, made from its spec."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.backend.blended import BlendedStreams
from msd_engine.backend.device import choose_device
from msd_engine.backend.errors import UserError
from msd_engine.backend.streams import ChainStreams
from msd_engine.data.images import has_images
from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.guided import GuidedDenoiser
from msd_engine.denoisers.posterior import Denoiser, PosteriorSampler
from msd_engine.denoisers.switched import SwitchedDenoiser
from msd_engine.jobs.build import asks_exact_above, denoiser_of_run, descent, guided_denoiser, handover, mixture
from msd_engine.jobs.loaded import loaded_empirical
from msd_engine.samplers import consistent, corrected, flow, gibbs, langevin, underdamped
from msd_engine.samplers.descent import Descent, Dynamics
from msd_engine.samplers.walk import gaussian_start, uniform_start
from msd_engine.specs import ExperimentSpec, ImagesSpec, MixtureSpec
from msd_engine.specs.sampling import Sampler

DYNAMICS: dict[Sampler, Dynamics] = {
    "langevin": langevin,
    "consistent": consistent,
    "underdamped": underdamped,
    "predictor-corrector": corrected,
    "ode": flow,
    "gibbs": gibbs,
}


@dataclass(frozen=True, eq=False)
class Sampling:
    """All that the chains of one sampling need.

    Attributes:
        denoiser: Gives the posterior of the copies.
        dynamics: The chosen sampler.
        y: Where the chains begin, with shape (B, k, *event).
        descent: The ladder and the steps.
        streams: Random numbers of every chain.
        device: Where the chains are computed.
        target: The mixture that they should draw from, where it is known.
        first: Number of steps that they have done before, where they branch off on the way.
        guided: Whether the network is guided by its earlier self.
        exact_above: Whether the exact posterior mean over the images takes the network's place at large noise.
        carried: What their dynamics carried beside the copies by then.
    """

    denoiser: Denoiser
    dynamics: Dynamics
    y: Tensor
    descent: Descent
    streams: ChainStreams | BlendedStreams
    device: torch.device
    target: GaussianMixture | None
    first: int = 0
    guided: bool = False
    exact_above: bool = False
    carried: tuple[Tensor, ...] = ()


def sampling(
    spec: ExperimentSpec,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    toward: int | None = None,
) -> Sampling:
    """Build the chains of an experiment.

    Args:
        spec: The experiment.
        run_dir: Run folder of the trained denoiser, where `sampling.source` asks for one.
        data_dir: Where image sets are looked for, where the exact posterior mean is asked for.
        device: Name of the device, or ``auto``; exact chains of points are too small for anything but the CPU.
        toward: A second seed: the chains are then a row from `sampling.seed` to it, at least two.

    Returns:
        The chains, before any step.

    Raises:
        UserError: The run, the device, the images or the mixture cannot be used.
    """
    target = mixture(spec) if isinstance(spec.data, MixtureSpec) else None
    exact_above = asks_exact_above(spec) and has_images(spec.data.name, data_dir)
    guided = False
    if spec.sampling.source == "exact" and target is not None:
        chosen = choose_device("cpu" if device == "auto" else device)
        denoiser: Denoiser = ExactDenoiser(target)
        mean, std = target.mean.float(), target.std
    elif spec.sampling.source == "exact" and isinstance(spec.data, ImagesSpec):
        chosen = choose_device(device)
        empirical = loaded_empirical(spec.data, data_dir, chosen)
        denoiser, mean, std = empirical.denoiser, empirical.mean, empirical.std
    else:
        chosen = choose_device(device)
        learned = denoiser_of_run(spec, run_dir, chosen)
        assert run_dir is not None
        denoiser = guided_denoiser(spec, run_dir, learned)
        guided = isinstance(denoiser, GuidedDenoiser)
        if exact_above:
            assert isinstance(spec.data, ImagesSpec)
            above = loaded_empirical(spec.data, data_dir, chosen).denoiser
            denoiser = SwitchedDenoiser(above, denoiser, handover(spec))
        mean, std = learned.data_mean, learned.sigma_data.item()
    asked = spec.sampling
    shape = (spec.training.k, *mean.shape)
    streams: ChainStreams | BlendedStreams
    if toward is None:
        innermost = asked.source == "exact" and target is not None
        streams = ChainStreams(asked.seed, asked.chains, shape, device=chosen, chains_innermost=innermost)
    else:
        streams = BlendedStreams((asked.seed, toward), asked.chains, shape, device=chosen)
    if asked.needs_posterior and not isinstance(denoiser, PosteriorSampler):
        raise UserError(f"The sampler {asked.sampler!r} needs draws from the posterior, which this denoiser has not.")
    way = descent(spec)
    if asked.start == "uniform":
        y = uniform_start(streams, asked.start_width, way.ladder[0])
    else:
        y = gaussian_start(streams, mean.to(chosen), std, way.ladder[0])
    return Sampling(
        denoiser, DYNAMICS[asked.sampler], y, way, streams, chosen, target, guided=guided, exact_above=exact_above
    )

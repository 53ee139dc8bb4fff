"""The one place where specs become objects."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from msd_engine.backend.blended import BlendedStreams
from msd_engine.backend.device import choose_device
from msd_engine.backend.errors import UserError
from msd_engine.backend.streams import ChainStreams
from msd_engine.data.images import load_images
from msd_engine.data.mixture import GaussianMixture
from msd_engine.data.shapes import mixture as named_mixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.posterior import Denoiser, PosteriorSampler
from msd_engine.jobs.loaded import loaded_empirical
from msd_engine.metrics.errors import HeldOut
from msd_engine.nets.mlp import Mlp
from msd_engine.nets.unet import UNet
from msd_engine.noise.ladder import as_trained, geometric, karras, report
from msd_engine.noise.laws import quantiles
from msd_engine.runs.run import Run
from msd_engine.samplers import consistent, corrected, flow, gibbs, langevin, underdamped
from msd_engine.samplers.descent import Descent, Dynamics
from msd_engine.samplers.walk import gaussian_start, uniform_start
from msd_engine.specs import ExperimentSpec, ImagesSpec, MixtureSpec, MlpSpec
from msd_engine.specs.sampling import Sampler
from msd_engine.training.precision import choose_bfloat16
from msd_engine.training.source import ImageSource, PointSource, Source, stream
from msd_engine.training.trainer import Trainer

# Chains that pass through the network together; on a CPU larger tiles gain nothing.
_TILES = {"mlp": 256, "unet": 16}
# Frequencies of the noise features: t has all noises in [0, 1], ln(σ_eff)/4 has them in about [-1, 1] and smoothly.
_FEATURE_SCALES = {"plain": 16.0, "preconditioned": 1.0}
DYNAMICS: dict[Sampler, Dynamics] = {
    "langevin": langevin,
    "consistent": consistent,
    "underdamped": underdamped,
    "predictor-corrector": corrected,
    "ode": flow,
    "gibbs": gibbs,
}
_HELD_OUT_POINTS, _HELD_OUT_IMAGES, _STRIP = 4096, 256, 8
# Streams of a run; the data have number 1, and a comparison of runs number 4.
_WEIGHTS, _NOISE, _HELD_OUT = 0, 2, 3


def mixture(spec: ExperimentSpec) -> GaussianMixture:
    """Build the mixture that an experiment draws from.

    Args:
        spec: An experiment whose data are a mixture.

    Returns:
        The mixture in float64 on the CPU.

    Raises:
        UserError: The data are images, or a custom mixture is not valid.
    """
    if not isinstance(spec.data, MixtureSpec):
        raise UserError(f"The data {spec.data.name!r} are images: there is no exact density; train a denoiser instead.")
    return named_mixture(spec.data)


def exact_denoiser(spec: ExperimentSpec) -> ExactDenoiser:
    """Build the exact denoiser of an experiment whose data are a mixture; errors as for `mixture`."""
    return ExactDenoiser(mixture(spec))


def ladder(spec: ExperimentSpec) -> Tensor:
    """Build the noise levels of one copy.

    Args:
        spec: The experiment; its sampling and the base s of its forward process are read.

    Returns:
        The levels with shape (L,), float64: down the chosen ladder where annealed, σ_L alone where the noise is fixed.
    """
    asked = spec.sampling
    ends = (asked.sigma_1, asked.sigma_L, asked.levels if asked.method == "annealed" else 1)
    match asked.ladder:
        case "geometric":
            return geometric(*ends)
        case "report":
            return report(*ends, spec.noise.s)
        case "karras":
            return karras(*ends, asked.rho)
        case "as-trained":
            return as_trained(*ends, spec.noise, spec.training.k)


def descent(spec: ExperimentSpec) -> Descent:
    """Build the way of the chains down the ladder.

    Args:
        spec: The experiment; its sampling and the base s of its forward process are read.

    Returns:
        The ladder with the steps of the chosen sampler.
    """
    asked = spec.sampling
    levels = tuple(ladder(spec).tolist())
    return Descent(levels, asked.steps_per_level, asked.step_ratio, asked.friction, asked.glides)


def event_shape(spec: ExperimentSpec) -> tuple[int, ...]:
    """Return the shape of one datum.

    Args:
        spec: The experiment.

    Returns:
        (d,) for points, (C, H, W) for images.
    """
    if isinstance(spec.data, ImagesSpec):
        return spec.data.shape
    return (len(spec.data.means[0]) if spec.data.means else 2,)


def network(spec: ExperimentSpec) -> nn.Module:
    """Build the network of an experiment, with weights that follow from the training seed.

    Args:
        spec: The experiment.

    Returns:
        The network, on the CPU.
    """
    kind, k, first = spec.network, spec.training.k, event_shape(spec)[0]
    scale = _FEATURE_SCALES[spec.training.form]
    # Layers draw their first weights from the global generator; it is put back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(spec.training.seed, _WEIGHTS).initial_seed())
        if isinstance(kind, MlpSpec):
            return Mlp(first, k, width=kind.width, depth=kind.depth, embedding=kind.embedding, scale=scale)
        return UNet(
            first,
            k,
            width=kind.width,
            embedding=kind.embedding,
            blocks=kind.blocks,
            residual=kind.residual,
            attention=kind.attention,
            fusion=kind.fusion,
            scale=scale,
        )


def learned_denoiser(run_dir: str | os.PathLike[str], device: torch.device) -> LearnedDenoiser:
    """Load the denoiser of a run, with its averaged weights, ready to sample.

    Args:
        run_dir: The run folder.
        device: Where to compute.

    Returns:
        The denoiser, whose chains pass through the network in fixed tiles.

    Raises:
        BadFile: There is no such run, it has no weights yet, or they are damaged.
    """
    run = Run.open(run_dir)
    denoiser = _denoiser(run.spec, 1.0, torch.zeros(event_shape(run.spec)))
    denoiser.load_state_dict(run.load_weights(denoiser.state_dict()).tensors)
    denoiser.tile = _TILES[run.spec.network.kind]
    if device.type == "mps":
        denoiser.mixed = False
    return denoiser.to(device).eval().requires_grad_(False)


@dataclass(frozen=True, eq=False)
class Training:
    """All that a training job works with.

    Attributes:
        trainer: Does the steps.
        held_out: Fixed data that are not trained on, with fixed noise.
        exact: The exact denoiser, where the data have one.
        strip: A few held-out images with noises spread over the ladder, in the order of σ; None for points.
        spec: The experiment.
        device: Where it is trained.
    """

    trainer: Trainer
    held_out: HeldOut
    exact: ExactDenoiser | None
    strip: HeldOut | None
    spec: ExperimentSpec
    device: torch.device

    def settle(self) -> str:
        """Choose the arithmetic of a training that begins, and say which."""
        denoiser = self.trainer.denoiser
        denoiser.mixed, sentence = choose_bfloat16(self.spec, denoiser, self.device)
        self.trainer.averaged.mixed = denoiser.mixed
        return sentence


def training(spec: ExperimentSpec, *, data_dir: Path | None, device: torch.device) -> Training:
    """Build all that a training job works with.

    Args:
        spec: The experiment.
        data_dir: Where image sets are looked for.
        device: Where to compute.

    Returns:
        The parts, at step 0.

    Raises:
        BadFile: The images are missing or damaged.
        UserError: A custom mixture cannot be used.
    """
    seed, batch = spec.training.seed, spec.training.batch
    # The same data and noise whatever the training's seed and k, so that curves of several runs can be compared.
    draws = stream(0, _HELD_OUT)
    exact: ExactDenoiser | None = None
    strip: HeldOut | None = None
    source: Source
    if isinstance(spec.data, MixtureSpec):
        target = mixture(spec)
        mean, spread = target.mean, target.std
        source = PointSource(target, batch, seed, device)
        exact = ExactDenoiser(target.to(device, torch.float32))
        x = target.sample(_HELD_OUT_POINTS, draws).float()
    else:
        images = load_images(spec.data, data_dir)
        mean, spread = images.statistics()
        source = ImageSource(images.train, batch, seed, device, flips=spec.training.flips)
        x = images.to_data(images.test[:_HELD_OUT_IMAGES])
        noises = geometric(spec.sampling.sigma_1, spec.sampling.sigma_L, _STRIP).float()
        strip = HeldOut(x[:_STRIP].to(device), noises.to(device), spec.training.k, draws)
    sigma = quantiles(spec.noise, spec.training.k, len(x))
    held_out = HeldOut(x.to(device), sigma.to(device), spec.training.k, stream(0, _HELD_OUT, 1))
    denoiser, averaged = (_denoiser(spec, spread, mean).to(device) for _ in range(2))
    trainer = Trainer(spec, denoiser, averaged, source, stream(seed, _NOISE, device=device))
    return Training(trainer, held_out, exact, strip, spec, device)


def _denoiser(spec: ExperimentSpec, sigma_data: float, data_mean: Tensor) -> LearnedDenoiser:
    net, training = network(spec), spec.training
    sees_mean = isinstance(net, UNet) and net.fusion == "mean"
    return LearnedDenoiser(net, training.form, training.k, sigma_data, data_mean, spec.noise.s, sees_mean=sees_mean)


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
    """

    denoiser: Denoiser
    dynamics: Dynamics
    y: Tensor
    descent: Descent
    streams: ChainStreams | BlendedStreams
    device: torch.device
    target: GaussianMixture | None
    first: int = 0


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
        data_dir: Where image sets are looked for, where `sampling.source` is ``exact``.
        device: Name of the device, or ``auto``; exact chains of points are too small for anything but the CPU.
        toward: A second seed: the chains are then a row from `sampling.seed` to it, at least two.

    Returns:
        The chains, before any step.

    Raises:
        UserError: The run, the device, the images or the mixture cannot be used.
    """
    target = mixture(spec) if isinstance(spec.data, MixtureSpec) else None
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
        denoiser = learned = denoiser_of_run(spec, run_dir, chosen)
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
    return Sampling(denoiser, DYNAMICS[asked.sampler], y, way, streams, chosen, target)


def denoiser_of_run(spec: ExperimentSpec, run_dir: Path | None, device: torch.device) -> LearnedDenoiser:
    """Load the trained denoiser that an experiment asks for.

    Args:
        spec: The experiment.
        run_dir: The run folder, None where there is none.
        device: Where to compute.

    Returns:
        The denoiser, ready to sample.

    Raises:
        UserError: There is no run, or it was trained for other copies or other data.
    """
    if run_dir is None:
        raise UserError(
            "There is no trained denoiser to sample from: train one first, or set sampling.source to exact."
        )
    learned = learned_denoiser(run_dir, device)
    if learned.k != spec.training.k:
        raise UserError(
            f"The run {run_dir} was trained with k = {learned.k} copies: "
            f"set training.k to {learned.k}, or train again with k = {spec.training.k}."
        )
    if learned.data_mean.shape != event_shape(spec):
        raise UserError(f"The run {run_dir} was trained on data of another shape than {spec.data.name}.")
    return learned

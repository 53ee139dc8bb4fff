"""Build the parts of an experiment from its spec; `training` and `chains` build the rest."""

from __future__ import annotations

import functools
import math
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from msd_engine.backend.errors import UserError
from msd_engine.backend.recording import CudaGraph
from msd_engine.backend.tensors import weights_digest
from msd_engine.denoisers.guided import GuidedDenoiser
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.posterior import Denoiser
from msd_engine.jobs.factory.forms import OUTPUTS
from msd_engine.jobs.factory.targets import is_of_images
from msd_engine.nets.mlp import Mlp
from msd_engine.nets.unet import UNet
from msd_engine.noise.chosen import process_of
from msd_engine.noise.ladder import as_trained, geometric, karras, report
from msd_engine.noise.laws import quantiles
from msd_engine.noise.space import Isotropic, Space
from msd_engine.noise.spectral import power_of
from msd_engine.runs.layout import EARLIER, MANIFEST, STATE, WEIGHTS
from msd_engine.runs.run import Run
from msd_engine.samplers.descent import Descent
from msd_engine.samplers.registry import DYNAMICS
from msd_engine.specs import DrawnBy, ExperimentSpec, MlpSpec
from msd_engine.specs.experiment import misfits
from msd_engine.training.source import stream

# Chains per call of the network: on a CPU larger tiles gain nothing, on an accelerator all go together.
_TILES = {"mlp": 256, "unet": 16}
_TILES_OF_ACCELERATORS = {"mlp": 2**16, "unet": 2**10}
# Streams of a run: the weights have number 0, the data 1, noise and held-out data 2 and 3, a comparison of runs 4.
_WEIGHTS = 0


def ladder(spec: ExperimentSpec) -> Tensor:
    """Build the noise levels of one copy.

    Args:
        spec: The experiment; its sampling and its noise are read.

    Returns:
        The levels with shape (L,), float64: the ladder if annealed, σ_L alone if the noise is fixed, 0 without noise.
    """
    sampling = spec.sampling
    if sampling.noiseless:
        return torch.zeros(1, dtype=torch.float64)
    ends = (sampling.sigma_1, sampling.sigma_L, sampling.levels if sampling.annealed else 1)
    match sampling.ladder:
        case "geometric":
            return geometric(*ends)
        case "report":
            return report(*ends, process_of(spec.noise))
        case "quadratic":
            return report(*ends, process_of(spec.noise), power=2.0)
        case "karras":
            return karras(*ends, sampling.rho)
        case "as-trained":
            return as_trained(*ends, spec.law, spec.training.k)


def descent(spec: ExperimentSpec) -> Descent:
    """Build the descent of the chains down the ladder.

    Args:
        spec: The experiment; its sampling and its noise are read.

    Returns:
        The ladder with the steps of the chosen sampler.
    """
    sampling = spec.sampling
    levels = tuple(ladder(spec).tolist())
    actual = sampling.conditioning == "actual" and "conditioning" not in sampling.absent
    residuals = DYNAMICS[sampling.sampler].LAW.residuals if actual else None
    own = sampling.chosen()
    return Descent(levels, sampling.steps_per_level, sampling.step_ratio, own, sampling.glides, residuals)


def event_shape(spec: ExperimentSpec) -> tuple[int, ...]:
    """Return the shape of one datum.

    Args:
        spec: The experiment.

    Returns:
        (d,) for points, (C, H, W) for images.
    """
    return spec.data.shape


def network(spec: ExperimentSpec) -> nn.Module:
    """Build the network of an experiment with weights from the training seed.

    Args:
        spec: The experiment.

    Returns:
        The network, on the CPU.
    """
    kind, k, first = spec.network, spec.training.k, event_shape(spec)[0]
    scale = OUTPUTS[spec.training.form].feature_scale
    # Layers draw their first weights from the global generator, whose state is restored.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(spec.training.seed, _WEIGHTS).initial_seed())
        if isinstance(kind, MlpSpec):
            return Mlp(
                first,
                k,
                width=kind.width,
                depth=kind.depth,
                embedding=kind.embedding,
                fusion=kind.fusion,
                scale=scale,
            )
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


def learned_denoiser(
    run_dir: str | os.PathLike[str], device: torch.device, *, earlier: bool = False
) -> LearnedDenoiser:
    """Load the denoiser of a run, with its averaged weights, ready to sample.

    Args:
        run_dir: The run folder.
        device: Where to compute.
        earlier: Load the averaged weights from early in training.

    Returns:
        The denoiser, whose chains pass through the network in fixed tiles.

    Raises:
        BadFile: The run or its weights are missing or damaged.
    """
    run = Run.open(run_dir)
    denoiser = new_denoiser(run.spec, 1.0, torch.zeros(event_shape(run.spec)))
    load = run.load_earlier if earlier else run.load_weights
    loaded = load(denoiser.state_dict())
    denoiser.load_state_dict(loaded.tensors)
    denoiser.weights = DrawnBy(run=run.folder.resolve().name, step=loaded.step, sha256=weights_digest(loaded.tensors))
    return to_sample(denoiser, run.spec.network.kind, device)


def to_sample(denoiser: LearnedDenoiser, kind: str, device: torch.device) -> LearnedDenoiser:
    """Make a denoiser ready to sample on a device; return it.

    Args:
        denoiser: The denoiser.
        kind: Kind of its network.
        device: Where to compute.
    """
    denoiser.tile = _TILES[kind]
    if device.type != "cpu":
        denoiser.tile, denoiser.least_tile = _TILES_OF_ACCELERATORS[kind], _TILES[kind]
    if device.type == "cuda":
        denoiser.new_graph = lambda: CudaGraph(device)
    if device.type not in ("cpu", "cuda"):
        denoiser.mixed = False
    return denoiser.to(device).eval().requires_grad_(False)


def _to_sample(folder: Path, device: torch.device, *, earlier: bool = False) -> LearnedDenoiser:
    """Load the denoiser of a run, or return the one that was loaded from the same files; sampling leaves it as it is.

    A slider that is dragged asks for the same network many times a second.
    """
    if device.type != "cpu":
        # Recorded kernels of a card have buffers of their own: each job needs its own denoiser.
        return learned_denoiser(folder, device, earlier=earlier)
    files = tuple(_identity(folder / name) for name in (MANIFEST, STATE, WEIGHTS, EARLIER))
    return _loaded(folder.resolve(), files, earlier=earlier)


@functools.lru_cache(maxsize=4)
def _loaded(folder: Path, files: tuple[tuple[int, ...], ...], *, earlier: bool) -> LearnedDenoiser:
    """Load a denoiser on the CPU; `files` tells which versions of the files it is of."""
    del files
    return learned_denoiser(folder, torch.device("cpu"), earlier=earlier)


def _identity(path: Path) -> tuple[int, ...]:
    """Return numbers that differ for another version of a file; none for a missing file."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def new_denoiser(
    spec: ExperimentSpec, sigma_data: float, data_mean: Tensor, space: Space | None = None
) -> LearnedDenoiser:
    """Build the denoiser of an experiment with weights from the training seed.

    Args:
        spec: The experiment.
        sigma_data: Standard deviation σ_d of the data about their mean, over all coordinates.
        data_mean: Mean of the data with shape (*event).
        space: Coordinates of pictures in which their noise is white; None where a state with them will be loaded.

    Returns:
        The denoiser, on the CPU.
    """
    training, power = spec.training, None
    if is_of_images(spec) and spec.noise.covariance != "isotropic":
        power = power_of(space or Isotropic(), *spec.data.shape[1:])
    return LearnedDenoiser(
        network(spec),
        OUTPUTS[training.form],
        training.k,
        sigma_data,
        data_mean,
        process_of(spec.noise),
        sees_mean=spec.network.fusion in ("mean", "set"),
        any_k=spec.serves_every_k,
        power=power,
    )


def denoiser_of_run(spec: ExperimentSpec, run_dir: Path | None, device: torch.device) -> LearnedDenoiser:
    """Load the trained denoiser of an experiment.

    Args:
        spec: The experiment.
        run_dir: The run folder, or None.
        device: Where to compute.

    Returns:
        The denoiser, ready to sample.

    Raises:
        UserError: The run is missing, or was trained for another number of copies or other data.
    """
    if run_dir is None:
        raise UserError(
            "There is no trained denoiser to sample from: train one first, or set sampling.source to exact."
        )
    check_fits(run_dir, spec)
    return _to_sample(run_dir, device)


def check_fits(run_dir: Path, spec: ExperimentSpec) -> None:
    """Refuse a network that cannot denoise what an experiment asks for.

    Args:
        run_dir: The run folder of the network.
        spec: The experiment.

    Raises:
        UserError: The network was trained for other data, noise or copies; the sentence says what to do.
    """
    trained = Run.open(run_dir).spec
    match misfits(trained, spec):
        case ["shape", *_]:
            raise UserError(f"The run {run_dir} was trained on data of another shape than {spec.data.name}.")
        case ["noise", *_]:
            theirs = trained.noise
            fields = " and ".join(f"noise.{name} to {getattr(theirs, name)}" for name in theirs.colour_fields)
            raise UserError(f"The run {run_dir} was trained with {theirs.covariance} noise: set {fields}.")
        case ["k", *_]:
            k = trained.training.k
            if k == spec.training.k:
                raise UserError(
                    f"The run {run_dir} takes {k} copies alone, but {spec.sampling.traits.title!r} shows it 1 to {k}: "
                    "choose another sampler, or train a network that serves every k (network.fusion mean)."
                )
            raise UserError(
                f"The run {run_dir} was trained with k = {k} copies and takes no other number: set training.k to {k}, "
                f"train again with k = {spec.training.k}, or train a network that serves every k (network.fusion mean)."
            )


def guided_denoiser(spec: ExperimentSpec, run_dir: Path, learned: LearnedDenoiser) -> Denoiser:
    """Guide a trained denoiser by its earlier weights if the experiment says so.

    Args:
        spec: The experiment.
        run_dir: The run folder.
        learned: The denoiser of that run.

    Returns:
        The guided denoiser; `learned` itself without guidance, or if the run has no earlier weights, as a new run, a
        pretrained model or a run of an older version.
    """
    if not is_guided(spec, run_dir):
        return learned
    early = _to_sample(run_dir, learned.data_mean.device, earlier=True)
    return GuidedDenoiser(learned, early, spec.sampling.guidance, guided_between(spec))


def uses_guidance(spec: ExperimentSpec) -> bool:
    """Return whether an experiment uses guidance, which needs a network."""
    return spec.sampling.source == "trained" and spec.sampling.guidance != 1.0


def is_guided(spec: ExperimentSpec, run_dir: Path | None) -> bool:
    """Return whether chains are guided: the experiment says so and the run has earlier weights.

    Args:
        spec: The experiment.
        run_dir: The run folder; None for a run that is still to be trained, which will save earlier weights.
    """
    return uses_guidance(spec) and (run_dir is None or Run.open(run_dir).has_earlier)


def guided_between(spec: ExperimentSpec) -> tuple[float, float]:
    """Return the noises of one copy between which guidance works.

    That is the middle nine tenths of the noises in training, as far as chains use the network there.
    """
    sigma = quantiles(spec.law, spec.training.k, 10)
    return sigma[0].item(), min(sigma[-1].item(), handover(spec))


def trained_noises(trained: ExperimentSpec) -> tuple[float, float]:
    """Return the least and the largest σ_eff of nineteen in twenty noises of a training."""
    sigma = quantiles(trained.law, trained.training.k, 20) / math.sqrt(trained.training.k)
    return sigma[0].item(), sigma[-1].item()


def handover(spec: ExperimentSpec) -> float:
    """Return the noise σ of one copy above which the exact posterior mean replaces a network."""
    return spec.sampling.exact_above * math.sqrt(spec.training.k)


def evaluations(spec: ExperimentSpec, schedule: Descent, *, guided: bool, exact_above: bool = False) -> int:
    """Return the number of evaluations of x̂ per chain, with those of earlier weights.

    Args:
        spec: The experiment.
        schedule: Its descent.
        guided: Whether earlier weights guide the network, as by `is_guided`.
        exact_above: Leave out evaluations of the exact posterior mean in place of the network.
    """
    sampling = spec.sampling
    if not (guided or exact_above):
        return sampling.evaluations
    noises = list(schedule.noises())
    noises += [stage.next_sigma for stage in schedule.stages()] * (sampling.traits.evaluations - 1)
    count = sum(sigma <= handover(spec) for sigma in noises) if exact_above else sampling.evaluations
    if guided:
        low, high = guided_between(spec)
        count += sum(low < sigma < high for sigma in noises)
    return count

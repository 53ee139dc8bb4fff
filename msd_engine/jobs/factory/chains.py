"""Build all parts of a sampling from its spec."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.backend.blended import BlendedStreams
from msd_engine.backend.device import choose_device, quicker_device, wait_for
from msd_engine.backend.errors import UserError
from msd_engine.backend.streams import ChainStreams
from msd_engine.data.images import has_images
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.guided import GuidedDenoiser
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.posterior import CleanScore, Denoiser, JointDensity, PosteriorSampler
from msd_engine.denoisers.switched import SwitchedDenoiser
from msd_engine.denoisers.target import Target
from msd_engine.events.sampling import LOST
from msd_engine.jobs.factory.loaded import loaded_empirical
from msd_engine.jobs.factory.memory import check_sampling
from msd_engine.jobs.factory.parts import (
    denoiser_of_run,
    descent,
    guided_denoiser,
    handover,
    trained_noises,
)
from msd_engine.jobs.factory.spaces import coordinates
from msd_engine.jobs.factory.targets import images_of, is_of_images, target
from msd_engine.metrics.errors.along import ErrorsAlong
from msd_engine.noise.space import Isotropic, Space
from msd_engine.runs.run import Run
from msd_engine.samplers import langevin, twin
from msd_engine.samplers.descent import Descent, Dynamics
from msd_engine.samplers.registry import DYNAMICS
from msd_engine.samplers.twin import Segment
from msd_engine.samplers.walk import Moment, gaussian_start, uniform_start, walk
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.tables.samplers import Need

_MEASURED_STEPS = 10
_NEEDED: dict[Need, tuple[type, str]] = {
    "draws": (PosteriorSampler, "draws from the posterior"),
    "density": (JointDensity, "the density of the copies"),
    "clean score": (CleanScore, "the score without noise"),
}


@dataclass(frozen=True, eq=False)
class Sampling:
    """All parts of one sampling.

    Attributes:
        denoiser: Gives the posterior of the copies.
        dynamics: The sampler.
        y: First states of the chains, with shape (B, k, *event).
        descent: The ladder and the steps.
        streams: Random numbers of every chain.
        device: Device of the chains.
        target: Distribution of the data, if known.
        first: Steps done before; more than 0 for branches from a kept state.
        guided: Whether the earlier weights guide the network.
        exact_above: Whether the exact posterior mean over the images replaces the network at large noise.
        carried: What their dynamics carried beside the copies by then.
        networks: The networks in use.
        space: The coordinates of the chains, in which the noise is white.
        errors: Errors of a learned score along the chains, where the exact one is known in the plane; None with
            guidance, for samplers whose x̂ sees some of the copies, and for branches, with the levels of two settings.
        before: Chains of other settings, with the same number, that these follow up to step `first`; `y` is then not
            used.
    """

    denoiser: Denoiser
    dynamics: Dynamics
    y: Tensor
    descent: Descent
    streams: ChainStreams | BlendedStreams
    device: torch.device
    target: Target | None
    first: int = 0
    guided: bool = False
    exact_above: bool = False
    carried: tuple[Tensor, ...] = ()
    networks: tuple[LearnedDenoiser, ...] = ()
    space: Space = field(default_factory=Isotropic)
    errors: ErrorsAlong | None = None
    before: Sampling | None = None

    def pop_trouble(self) -> str:
        """Return once why the accelerator cannot record the networks; else an empty string."""
        return next((trouble for network in self.networks if (trouble := network.pop_trouble())), "")


def moments(chains: Sampling, every: int = 1) -> Iterator[Moment | Segment]:
    """Walk chains to their end by the fastest code for them.

    Args:
        chains: The chains, before any step.
        every: Code that makes many steps at once may keep only states whose step is a multiple of this.

    Yields:
        The states in order, up to the last. Those of a `Segment` are clipped at ±1e6 data units.
    """
    if chains.before is not None:
        chains = yield from _followed(chains, chains.before, every)
    exact, streams = chains.denoiser, chains.streams
    if (
        chains.dynamics is langevin
        and isinstance(exact, ExactDenoiser)
        and isinstance(streams, ChainStreams)
        and chains.device.type == "cpu"
    ):
        yield from twin.walk(exact, chains.y, chains.descent, streams, first=chains.first, every=every, bound=LOST)
    else:
        first, carried = chains.first, chains.carried
        yield from walk(chains.dynamics, exact, chains.y, chains.descent, streams, first=first, carried=carried)


def _followed(chains: Sampling, before: Sampling, every: int) -> Generator[Moment | Segment, None, Sampling]:
    """Yield the states of other chains before a branch, and return the chains from there.

    A branch with the settings before it is the same chain to the rounding of float32.
    """
    assert isinstance(chains.streams, ChainStreams)
    seed, end, shape = chains.streams.seed, chains.first, tuple(chains.y.shape[1:])
    y, carried = before.y, before.carried
    _, normals, uniforms = before.streams.positions()[0].tolist()
    # Every kept state and the one at the branch, no matter how they fall.
    for moment in moments(before, math.gcd(every, end) or every):
        if isinstance(moment, Segment):
            early = moment.steps < end
            if early.any():
                yield moment.cut(early)
            if not early.all():
                # These chains draw normal numbers once in a step.
                y, normals = moment.y_at(end), normals + end
                break
        elif moment.step < end:
            yield moment
            _, normals, uniforms = before.streams.positions()[0].tolist()
        else:
            y, carried = moment.y, moment.carried
            break
    streams = ChainStreams(
        seed,
        len(y),
        shape,
        device=chains.device,
        chains_innermost=isinstance(chains.denoiser, ExactDenoiser),
        numbers=before.streams.positions()[:, 0].tolist(),
        drawn=(normals, uniforms),
    )
    return replace(chains, y=y.to(chains.device), carried=carried, streams=streams, before=None)


def sampling(
    spec: ExperimentSpec,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    toward: int | None = None,
    first_chain: int = 0,
) -> Sampling:
    """Build the chains of an experiment.

    Args:
        spec: The experiment.
        run_dir: Run folder of the trained denoiser, where `sampling.source` asks for one.
        data_dir: Where image sets are looked for, where the exact posterior mean is asked for.
        device: Name of the device, or ``auto``; chains of points are then computed where they were measured to be
            faster, often on the CPU.
        toward: A second seed: the chains are then a row from `sampling.seed` to it, at least two.
        first_chain: Number of the first chain, where those before it are not wanted.

    Returns:
        The chains, before any step.

    Raises:
        UserError: The run, the device, the images or the mixture cannot be used.
    """

    def seconds(there: torch.device) -> float:
        return _seconds(_built(spec, run_dir, data_dir, str(there), toward, first_chain))

    if not is_of_images(spec):
        sampling = spec.sampling
        size = (sampling.chains.bit_length(), spec.training.k, spec.data, spec.network)
        device = str(quicker_device(device, (sampling.source, sampling.sampler, *size), seconds))
    chains = _built(spec, run_dir, data_dir, device, toward, first_chain)
    if spec.branch is None:
        return chains
    if spec.branch.step >= spec.sampling.total_steps:
        raise UserError(
            f"The branch begins at step {spec.branch.step}, but these chains end at step {spec.sampling.total_steps}: "
            "raise the steps per level or the number of levels, or branch earlier."
        )
    shared = spec.branch.sampling.model_copy(update={"chains": spec.sampling.chains})
    before = _built(
        spec.replace_all({"sampling": shared, "branch": None}), run_dir, data_dir, device, None, first_chain
    )
    return replace(chains, first=spec.branch.step, before=before, errors=None)


def _seconds(chains: Sampling) -> float:
    """Return the duration of a few steps after warm-up."""
    twin.COMPILED.wait()
    descent = chains.descent
    few = replace(chains, descent=replace(descent, ladder=descent.ladder[:2], steps_per_level=_MEASURED_STEPS))
    for _ in range(2):
        start = time.perf_counter()
        deque(moments(few), maxlen=0)
        wait_for(chains.device)
    return time.perf_counter() - start


def _built(
    spec: ExperimentSpec,
    run_dir: Path | None,
    data_dir: Path | None,
    device: str,
    toward: int | None,
    first_chain: int,
) -> Sampling:
    sampling, known = spec.sampling, target(spec)
    exact_above = spec.begins_at_data and has_images(images_of(spec), data_dir)
    guided = False
    # A network knows its own coordinates, also where those were measured from data that are not here.
    of_network = known is None and spec.sampling.source == "trained"
    space: Space = Isotropic() if of_network else coordinates(spec, data_dir)
    networks: tuple[LearnedDenoiser, ...] = ()
    errors: ErrorsAlong | None = None
    if spec.sampling.source == "exact" and known is not None:
        chosen = choose_device(device)
        denoiser: Denoiser = known.denoiser()
        mean, std = known.mean.float(), known.std
    elif spec.sampling.source == "exact":
        chosen = choose_device(device)
        empirical = loaded_empirical(images_of(spec), data_dir, chosen, space, spec.noise.colour)
        denoiser, mean, std = empirical.denoiser, empirical.mean, empirical.std
    else:
        chosen = choose_device(device)
        learned = denoiser_of_run(spec, run_dir, chosen)
        assert run_dir is not None
        denoiser = guided_denoiser(spec, run_dir, learned)
        guided = isinstance(denoiser, GuidedDenoiser)
        early = denoiser.early if isinstance(denoiser, GuidedDenoiser) else None
        space = learned.space if of_network else space
        networks = (learned, early) if isinstance(early, LearnedDenoiser) else (learned,)
        if exact_above:
            above = loaded_empirical(images_of(spec), data_dir, chosen, space, spec.noise.colour).denoiser
            denoiser = SwitchedDenoiser(above, denoiser, handover(spec))
        mean, std = learned.data_mean, learned.sigma_data.item()
        if known is not None and known.shape == (2,) and not guided and not sampling.traits.in_turn:
            levels = sampling.levels if sampling.annealed else 1
            trained = trained_noises(Run.open(run_dir).spec)
            errors = ErrorsAlong(known, levels, sampling.steps_per_level, spec.training.k, trained)
    check_sampling(spec, chosen)
    shape = (spec.training.k, *mean.shape)
    streams: ChainStreams | BlendedStreams
    if toward is None:
        innermost = sampling.source == "exact" and known is not None
        numbers = range(first_chain, first_chain + sampling.chains)
        streams = ChainStreams(
            sampling.seed, sampling.chains, shape, device=chosen, chains_innermost=innermost, numbers=numbers
        )
    else:
        streams = BlendedStreams((sampling.seed, toward), sampling.chains, shape, device=chosen)
    needed = _NEEDED.get(sampling.traits.needs)
    if needed is not None and not isinstance(denoiser, needed[0]):
        raise UserError(
            f"The sampler {sampling.sampler!r} needs {needed[1]}, which these data do not give: choose another sampler."
        )
    schedule = descent(spec)
    if sampling.start == "uniform":
        y = uniform_start(streams, sampling.start_width, schedule.ladder[0])
    else:
        y = gaussian_start(streams, mean.to(chosen), std, schedule.ladder[0])
    return Sampling(
        denoiser,
        DYNAMICS[sampling.sampler],
        y,
        schedule,
        streams,
        chosen,
        known,
        guided=guided,
        exact_above=exact_above,
        networks=networks,
        space=space,
        errors=errors,
    )

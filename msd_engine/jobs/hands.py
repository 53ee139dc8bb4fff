"""Chains by hand: paint parts of a picture anew, go from one seed to another, branch off from a kept state.

They are the chains of the sampling job with one thing changed each, and tell the same events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from msd_engine.backend.errors import UserError
from msd_engine.backend.streams import ChainStreams
from msd_engine.events import Event
from msd_engine.jobs.background import in_background
from msd_engine.jobs.build import Sampling, event_shape, sampling
from msd_engine.jobs.cadence import NEVER, Cadence
from msd_engine.jobs.denoise import chosen_picture
from msd_engine.jobs.guard import told
from msd_engine.jobs.loaded import loaded_images
from msd_engine.jobs.sample import chain_events
from msd_engine.samplers.inpainting import Inpainting, KnownDenoiser, KnownPixels
from msd_engine.specs import Branch, ExperimentSpec, ImagesSpec, Live


@told
def inpaint(
    spec: ExperimentSpec,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Paint the masked part of a picture anew, once for each chain, and keep the rest.

    Args:
        spec: The experiment; its `denoise` part says which picture and which mask.
        run_dir: Run folder of the trained denoiser, where `sampling.source` asks for one.
        data_dir: Where image sets are looked for.
        device: Name of the device, or ``auto``.
        cadence: Says when pictures and progress are worth telling.
        live: Requests that may come meanwhile: pause.

    Yields:
        The events of `msd_engine.jobs.sample.sample`; the known pixels of every x̂ are those of the picture.
    """

    def build() -> Sampling:
        if not isinstance(spec.data, ImagesSpec):
            raise UserError("Only pictures can be painted: choose a set of images.")
        chains = sampling(spec, run_dir=run_dir, data_dir=data_dir, device=device)
        picture = chosen_picture(spec.denoise, loaded_images(spec.data, data_dir)).to(chains.device)
        pixels = KnownPixels(picture, _known(spec, chains.device))
        return replace(
            chains,
            denoiser=KnownDenoiser(chains.denoiser, pixels),
            dynamics=Inpainting(chains.dynamics, pixels),
            y=pixels.put_into(chains.y, chains.descent.ladder[0], chains.streams.normal()),
        )

    yield from _run(spec, build, cadence, live)


@told
def interpolate(
    spec: ExperimentSpec,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Draw a row of chains whose random numbers lead from `sampling.seed` to `denoise.second_seed`.

    The first chain is chain 0 of the first seed to the bit, the last one chain 0 of the second.

    Args:
        spec: The experiment; `sampling.chains` is the number of chains in the row, at least 2.
        run_dir: Run folder of the trained denoiser, where `sampling.source` asks for one.
        data_dir: Where image sets are looked for.
        device: Name of the device, or ``auto``.
        cadence: Says when pictures and progress are worth telling.
        live: Requests that may come meanwhile: pause.

    Yields:
        The events of `msd_engine.jobs.sample.sample`.
    """

    def build() -> Sampling:
        if spec.sampling.chains < 2:
            raise UserError("A row from one seed to another has at least two chains: raise sampling.chains.")
        return sampling(spec, run_dir=run_dir, data_dir=data_dir, device=device, toward=spec.denoise.second_seed)

    yield from _run(spec, build, cadence, live)


@told
def branch(
    spec: ExperimentSpec,
    *,
    start: Branch,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Let chains go on from a kept state, with the parameters and the seed of a spec.

    Args:
        spec: The experiment; `sampling.chains` branches go on. With the parameters of the chain and its own noise the
            first of them is the chain itself, to the bit, for samplers whose whole state is the copies.
        start: Where they branch off.
        run_dir: Run folder of the trained denoiser, where `sampling.source` asks for one.
        data_dir: Where image sets are looked for.
        device: Name of the device, or ``auto``.
        cadence: Says when pictures and progress are worth telling.
        live: Requests that may come meanwhile: pause.

    Yields:
        The events of `msd_engine.jobs.sample.sample`, from the step of the kept state on.
    """

    def build() -> Sampling:
        wanted = (spec.training.k, *event_shape(spec))
        if start.y.shape != wanted:
            raise UserError(f"The kept state has shape {start.y.shape}, but these settings need {wanted}.")
        if start.step >= spec.sampling.total_steps:
            raise UserError("The kept state is the end of the ladder: branch from an earlier one.")
        chains = sampling(spec, run_dir=run_dir, data_dir=data_dir, device=device)
        count = spec.sampling.chains
        y = torch.from_numpy(start.y).to(chains.device).expand(count, *start.y.shape).clone()
        number, normals, uniforms = start.stream
        fresh = range(_FRESH, _FRESH + count)
        numbers = [number, *fresh[1:]] if start.same_noise else fresh
        streams = ChainStreams(spec.sampling.seed, count, wanted, device=chains.device, numbers=numbers)
        if start.same_noise:
            streams.skip(0, normals, uniforms)
        return replace(chains, y=y, streams=streams, first=start.step)

    yield from _run(spec, build, cadence, live)


# Branches with noise of their own have numbers that no chain of the form has.
_FRESH = 1_000_000


def _known(spec: ExperimentSpec, device: torch.device) -> torch.Tensor:
    _, rows, columns = event_shape(spec)
    mask = spec.denoise.mask
    if len(mask) != rows * columns or not any(mask):
        raise UserError("Nothing is marked to be painted anew: paint a mask over the picture first.")
    if all(mask):
        raise UserError("All of the picture is marked: leave something to be kept, or draw chains on the images page.")
    return torch.frombuffer(bytearray(mask), dtype=torch.uint8).reshape(rows, columns).to(device) == 0


def _run(spec: ExperimentSpec, build: Callable[[], Sampling], cadence: Cadence, live: Live | None) -> Iterator[Event]:
    # Reading tens of thousands of images takes a second.
    chains = yield from in_background(lambda _: build())
    yield from chain_events(spec, chains, cadence, live)

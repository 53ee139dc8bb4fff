"""Tasks with chains: inpaint a picture, interpolate between two seeds, or branch from a kept state.

Each changes one thing of the chains of the sampling job and yields the same events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from msd_engine.backend.errors import UserError
from msd_engine.backend.streams import ChainStreams
from msd_engine.events import Event
from msd_engine.jobs.factory.chains import Sampling, sampling
from msd_engine.jobs.factory.loaded import loaded_images
from msd_engine.jobs.factory.parts import event_shape
from msd_engine.jobs.factory.targets import images_of
from msd_engine.jobs.pictures.pictures import chosen_picture
from msd_engine.jobs.sampling.sample import chain_events
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.samplers.inpainting import Inpainting, KnownDenoiser, KnownPixels
from msd_engine.specs import Branch, ChainTask, ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence

# Numbers of branches with their own noise; no chain of the form has them.
_FRESH = 1_000_000


@reports_user_errors
def chain_task(
    spec: ExperimentSpec,
    task: ChainTask,
    *,
    start: Branch | None = None,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Draw chains for a task.

    * ``draw``: as the sampling job does; for branches.
    * ``inpaint``: redraw the masked part of a picture in each chain and keep the rest; the `denoise` part of the
      spec holds picture and mask, and every x̂ keeps the known pixels of the picture.
    * ``interpolate``: a row of at least 2 chains whose random numbers lead from `sampling.seed` to
      `denoise.second_seed`: the first is chain 0 of the first seed to the bit, the last one chain 0 of the second.

    Args:
        spec: The experiment; `sampling.chains` is the number of chains.
        task: The task.
        start: Kept state from which chains branch, None for the start of the ladder. With the parameters and the
            noise of its chain, the first branch is that chain, to the bit.
        run_dir: Run folder of the trained denoiser if `sampling.source` needs one.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Decides when to report chains and progress.
        live: Requests during the job: pause.

    Yields:
        The events of `msd_engine.jobs.sampling.sample.sample`, from the step of the kept state.
    """
    if task == "interpolate" and spec.sampling.chains < 2:
        raise UserError("A row from one seed to another has at least two chains: raise sampling.chains.")
    if start is not None:
        _check_start(spec, task, start)

    def build() -> Sampling:
        toward = spec.denoise.second_seed if task == "interpolate" else None
        chains = sampling(spec, run_dir=run_dir, data_dir=data_dir, device=device, toward=toward)
        pixels = _known_pixels(spec, data_dir, chains) if task == "inpaint" else None
        if start is not None:
            chains = _branched(spec, chains, start)
        elif pixels is not None:
            y = pixels.put_into(chains.y, chains.descent.ladder[0], chains.streams.normal())
            chains = replace(chains, y=y)
        return chains if pixels is None else _painting(chains, pixels)

    # Reading tens of thousands of images takes a second.
    chains = yield from in_background(lambda _: build())
    yield from chain_events(spec, chains, cadence, live)


def _check_start(spec: ExperimentSpec, task: ChainTask, start: Branch) -> None:
    wanted = (spec.training.k, *event_shape(spec))
    if task == "interpolate":
        raise UserError("A row between two seeds cannot begin on the way: its chains have no noise of their own.")
    if start.y.shape != wanted:
        raise UserError(f"The kept state has shape {start.y.shape}, but these settings need {wanted}.")
    if start.step >= spec.sampling.total_steps:
        raise UserError("The kept state is the end of the ladder: branch from an earlier one.")


def _branched(spec: ExperimentSpec, chains: Sampling, start: Branch) -> Sampling:
    """Start all chains at a kept state."""
    count = spec.sampling.chains
    encode = chains.space.encode
    parts = (encode(torch.from_numpy(part).to(chains.device)) for part in (start.y, *start.carried))
    y, *carried = (part.expand(count, *part.shape).clone() for part in parts)
    number, normals, uniforms = start.stream
    fresh = range(_FRESH, _FRESH + count)
    numbers = [number, *fresh[1:]] if start.same_noise else fresh
    drawn = (normals, uniforms)
    shape = tuple(y.shape[1:])
    streams = ChainStreams(spec.sampling.seed, count, shape, device=chains.device, numbers=numbers, drawn=drawn)
    return replace(chains, y=y, carried=tuple(carried), streams=streams, first=start.step)


def _painting(chains: Sampling, pixels: KnownPixels) -> Sampling:
    """Keep known pixels in all chains."""
    denoiser, dynamics = KnownDenoiser(chains.denoiser, pixels), Inpainting(chains.dynamics, pixels)
    return replace(chains, denoiser=denoiser, dynamics=dynamics)


def _known_pixels(spec: ExperimentSpec, data_dir: Path | None, chains: Sampling) -> KnownPixels:
    data = images_of(spec, "Only pictures can be inpainted: choose a set of images.")
    _, rows, columns = data.shape
    mask = spec.denoise.mask
    if len(mask) != rows * columns or not any(mask):
        raise UserError("Nothing is marked for inpainting: draw a mask over the picture first.")
    if all(mask):
        raise UserError("All of the picture is marked: keep some of it, or draw chains on the images page.")
    picture = chosen_picture(spec.denoise, loaded_images(data, data_dir))
    known = torch.frombuffer(bytearray(mask), dtype=torch.uint8).reshape(rows, columns) == 0
    return KnownPixels(picture.to(chains.device), known.to(chains.device), chains.space)

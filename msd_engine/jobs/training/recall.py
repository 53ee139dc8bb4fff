"""The job that reports the saved measurements of a run: its loss curves and its strip of held-out images."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import BadFile
from msd_engine.events import Event, Finished, LossPoints, Notice, Started, StripFrame
from msd_engine.jobs.factory.loaded import loaded_images
from msd_engine.jobs.factory.parts import learned_denoiser
from msd_engine.jobs.factory.targets import images_of, is_of_images
from msd_engine.jobs.factory.training import STRIP, strip_of
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.errors.errors import HeldOut
from msd_engine.noise.space import Space
from msd_engine.runs.layout import METRICS
from msd_engine.runs.log import Row, held_out_loss
from msd_engine.runs.remote.copies import address_of
from msd_engine.runs.run import Run
from msd_engine.specs import Live
from msd_engine.specs.live import NEVER, Cadence


@reports_user_errors
def recall(
    run_dir: str | os.PathLike[str],
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Report the measurements of a run so far, without training it.

    Args:
        run_dir: The run folder.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Unused: everything is reported once.
        live: Unused: the job takes an instant.

    Yields:
        `Started`, `HeldOutLoss` and `LossPoints`, a `StripFrame` if a run on images has weights and its data
        exist (else a `Notice`), and `Finished`; or `Failed`.
    """
    del cadence, live
    begun_s = time.perf_counter()
    run, chosen = Run.open(run_dir), choose_device(device)
    described, copied = describe_device(chosen), address_of(run.folder)
    yield Started("recall", described, 0, run.manifest.step, run.spec.to_json(), copied)
    yield from measured_again(run)
    if is_of_images(run.spec) and run.has_weights:
        try:
            yield (yield from in_background(lambda _: saved_strip(run, data_dir, chosen)))
        except BadFile as error:
            yield Notice(f"The held-out images of this run cannot be shown. {error}")
    yield Finished(run.manifest.step, time.perf_counter() - begun_s, "", str(run.folder))


@reports_user_errors
def held_out_strip(
    run_dir: str | os.PathLike[str], *, data_dir: Path | None = None, device: str = "auto"
) -> Iterator[Event]:
    """Denoise the strip of held-out images with the network of a run, or of a shipped model, which has no curves.

    Args:
        run_dir: The folder, with weights.
        data_dir: Where image sets are looked for.
        device: Name of the device, or ``auto``.

    Yields:
        `Started`, a `StripFrame` and `Finished`; or `Failed`, also where the images are not on this machine.
    """
    begun_s = time.perf_counter()
    run, chosen = Run.open(run_dir), choose_device(device)
    yield Started("strip", describe_device(chosen), 0, run.manifest.step, run.spec.to_json())
    yield (yield from in_background(lambda _: saved_strip(run, data_dir, chosen)))
    yield Finished(run.manifest.step, time.perf_counter() - begun_s, "", str(run.folder))


def measured_again(run: Run) -> Iterator[Event]:
    """Report the saved measurements of a run.

    Args:
        run: The run.

    Yields:
        `HeldOutLoss` for each, one `LossPoints` with all losses, and a `Notice` on unreadable ones.
    """
    try:
        rows, damaged = run.read_metrics()
    except BadFile as error:
        yield Notice(f"The measurements of this run cannot be shown. {error}")
        return
    yield from measurements(rows)
    if damaged:
        lines = "1 line is" if damaged == 1 else f"{damaged} lines are"
        yield Notice(f"{lines} damaged in {run.folder / METRICS}: the curves have a gap there.")


def measurements(rows: Iterable[Row]) -> Iterator[Event]:
    """Report measurements.

    Args:
        rows: Rows of metrics.

    Yields:
        `HeldOutLoss` for each, and one `LossPoints` with all losses.
    """
    points: list[tuple[int, float, float]] = []
    for row in rows:
        if "held_out" in row:
            yield held_out_loss(row)
        else:
            points.append((row["step"], row["loss"], row["elapsed_s"]))
    if points:
        yield loss_points(points)


def loss_points(points: Sequence[tuple[int, float, float]]) -> LossPoints:
    """Return the event for losses.

    Args:
        points: Step, loss and seconds of training of each; at least one.
    """
    steps, loss, elapsed_s = zip(*points, strict=True)
    return LossPoints(np.array(steps, dtype=np.int64), np.array(loss), np.array(elapsed_s))


def strip_frame(step: int, strip: HeldOut, x_hat: Tensor, space: Space) -> StripFrame:
    """Return the event for held-out images, decoded.

    Args:
        step: Training steps done.
        strip: The encoded images with their copies.
        x_hat: Their estimates with shape (n, C, H, W).
        space: The coordinates of both.
    """
    return StripFrame(
        step=step,
        sigma=strip.sigma.float().cpu().numpy(),
        clean=space.decode(strip.x).cpu().numpy(),
        noisy=space.decode(strip.y).cpu().numpy(),
        x_hat=space.decode(x_hat).cpu().numpy(),
        error=(x_hat - strip.x).square().flatten(1).sum(1).cpu().numpy(),
    )


def saved_strip(run: Run, data_dir: Path | None, device: torch.device) -> StripFrame:
    """Denoise the strip of held-out images with the saved network of a run.

    Args:
        run: The run, with weights.
        data_dir: Where image sets are looked for.
        device: Where to compute.

    Raises:
        BadFile: The images or the weights are missing or damaged.
    """
    images = loaded_images(images_of(run.spec), data_dir)
    denoiser = learned_denoiser(run.folder, device)
    strip = strip_of(run.spec, denoiser.space.encode(images.to_data(images.test[:STRIP])), device)
    return strip_frame(run.manifest.step, strip, strip.estimate(denoiser), denoiser.space)

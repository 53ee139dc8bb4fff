"""The job that measures the quality of generated images from a file or a run."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.events import Event, Failed, Finished, Ladder, Notice, Progress, Quality, Samples, Started, Tick
from msd_engine.events.verdicts import ALIVE
from msd_engine.jobs.factory.memory import check_sampling
from msd_engine.jobs.factory.parts import descent, evaluations, uses_guidance
from msd_engine.jobs.quality.standards import behind, prepared_standard, read_whole
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.quality.judge import LEAST, judge
from msd_engine.metrics.quality.standard import Standard
from msd_engine.runs.notes import add_figures
from msd_engine.runs.samples import load_samples
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.models import CARD


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Samples to be measured.

    Attributes:
        evaluations: Evaluations of the network, or of the exact score, per sample; 0 if unknown.
    """

    x_hat: NDArray[np.float32]
    y: NDArray[np.float32]
    spec: ExperimentSpec
    evaluations: int
    elapsed_s: float


@reports_user_errors
def evaluate(
    spec: ExperimentSpec | None = None,
    *,
    samples: Path | None = None,
    n: int = 0,
    run_dir: Path | None = None,
    curve: Sequence[tuple[int, int]] = (),
    inception: Path | None = None,
    retrain: bool = False,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Measure the quality of samples by the features of their image set.

    Args:
        spec: The experiment that draws one sample per chain; unused with a sample file.
        samples: A sample file to measure instead of drawing.
        n: Take only the first n samples of the file; 0 takes all.
        run_dir: Run folder of the trained denoiser.
        curve: Pairs (levels, steps per level) that replace those of the spec, one after the other.
        inception: The user's weights of the FID's network as safetensors, for colour images; only with them a
            Fréchet distance is called FID.
        retrain: Train the classifier of grey images again and cache it.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Decides when to report progress.
        live: Requests that may come meanwhile: pause.

    Yields:
        `Started`, a `Tick` or `Progress` per step, a `Quality` for each set of samples, and `Finished`, or `Failed`.
    """
    start = time.monotonic()
    chosen = choose_device(device)
    drawn = _from_file(samples, n) if samples is not None else None
    spec = drawn.spec if drawn else spec
    if spec is None:
        raise UserError("There is nothing to measure: give a sample file or a trained run.")
    count = len(drawn.x_hat) if drawn else spec.sampling.chains
    if count < LEAST:
        raise UserError(f"{count} samples are too few to measure: draw at least {LEAST}.")
    if drawn is None:
        # Check before reading the images, which takes minutes.
        check_sampling(spec, chosen)
    images = yield from read_whole(spec, data_dir)
    yield Started("evaluate", describe_device(chosen), 0, 0, spec.to_json())
    against = yield from prepared_standard(images, count, data_dir, chosen, cadence, inception, retrain=retrain)
    if drawn:
        yield from _quality(drawn, against)
    else:
        for point in curve or ((spec.sampling.levels, spec.sampling.steps_per_level),):
            here = spec.replace_all({"sampling.levels": point[0], "sampling.steps_per_level": point[1]})
            drawn = yield from _draw(here, run_dir, data_dir, device, cadence, live)
            if drawn is None:
                return
            for event in _quality(drawn, against):
                yield event
                if isinstance(event, Quality) and run_dir is not None and not curve:
                    yield from _kept(run_dir, event)
    yield Finished(count, time.monotonic() - start, f"Measured {count} samples by {against.network.name}.")


def _from_file(path: Path, n: int) -> _Drawn:
    file = load_samples(path)
    if n > len(file.x_hat):
        raise UserError(f"{path} holds {len(file.x_hat)} samples, fewer than the {n} that were asked for.")
    spec = ExperimentSpec.from_json(file.spec_json)
    # A file does not record whether its network had an earlier self for guidance, or the images for large noise.
    count = 0 if uses_guidance(spec) or spec.begins_at_data else evaluations(spec, descent(spec), guided=False)
    return _Drawn(file.x_hat[: n or None], file.y[: n or None], spec, count, float("nan"))


def _draw(
    spec: ExperimentSpec, run_dir: Path | None, data_dir: Path | None, device: str, cadence: Cadence, live: Live | None
) -> Generator[Event, None, _Drawn | None]:
    """Draw the samples; on failure yield `Failed` and return None."""
    start = time.monotonic()
    found: Samples | None = None
    count = 0
    for event in sample(spec, run_dir=run_dir, data_dir=data_dir, device=device, cadence=cadence, live=live):
        match event:
            case Ladder():
                count = event.network_evaluations
                yield Tick()
            case Samples():
                found = event
            case Failed():
                yield event
                return None
            case Progress() | Tick() | Notice():
                yield event
            case _:
                yield Tick()
    if found is None:
        raise RuntimeError("the sampling job finished without samples")
    return _Drawn(found.x_hat, found.y, spec, count, time.monotonic() - start)


def _quality(drawn: _Drawn, against: Standard) -> Iterator[Event]:
    x = torch.from_numpy(np.ascontiguousarray(drawn.x_hat))
    if x.shape[1:] != against.images.train.shape[1:]:
        raise UserError(f"The samples have another shape than the images of {against.images.name}.")
    y = torch.from_numpy(np.ascontiguousarray(drawn.y))
    found = yield from behind(judge(x, against, np.random.default_rng(0), y, drawn.spec.sampling.ends))
    dead = Counter(verdict for verdict in found.verdicts if verdict != ALIVE)
    yield Quality(
        data=against.images.name,
        features=against.network.name,
        n=len(x),
        real_n=len(against.real.features),
        reference_n=len(against.reference.features),
        figures=found.figures,
        refused=found.refused,
        class_names=against.network.class_names,
        shares=found.shares,
        real_shares=against.class_shares,
        evaluations=drawn.evaluations,
        elapsed_s=drawn.elapsed_s,
        spec_json=drawn.spec.to_json(),
        dead=dict(dead.most_common()),
    )


def _kept(run_dir: Path, quality: Quality) -> Iterator[Event]:
    """Record distance and survival for the list of runs if the run is writable."""
    if (run_dir / CARD).exists() or not os.access(run_dir, os.W_OK):
        return
    found = {figure.name: figure.value for figure in quality.figures}
    figures: dict[str, float | str] = {"yield": quality.lived / quality.n}
    distance = found.get("fid", found.get("frechet"))
    if distance is not None:
        figures |= {"distance": distance, "distance_features": quality.features, "samples": quality.n}
    try:
        add_figures(run_dir, figures)
    except UserError as error:
        yield Notice(f"The figures stand, but could not be kept with the run. {error}")

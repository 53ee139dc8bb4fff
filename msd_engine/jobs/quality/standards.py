"""Prepare the standard for measuring samples within a job: features and their judge, cached after first use."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path

import torch

from msd_engine.backend.errors import UserError
from msd_engine.backend.threads import use_threads
from msd_engine.data.images import ImageSet, load_images
from msd_engine.events import Event, Notice, Progress
from msd_engine.jobs.factory.targets import images_of
from msd_engine.jobs.quality.features import prepared_features
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.metrics.quality.standard import Standard, Steps, T, standard
from msd_engine.metrics.quality.support import keep_judge
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.live import NEVER, Cadence


def prepared_standard(
    images: ImageSet,
    n: int,
    data_dir: Path | None,
    device: torch.device,
    cadence: Cadence = NEVER,
    inception: Path | None = None,
    *,
    retrain: bool = False,
) -> Generator[Event, None, Standard]:
    """Prepare the standard for samples of an image set; later samplings are judged by the same features.

    Args:
        images: The image set, whole.
        n: Number of samples to be measured.
        data_dir: The data folder.
        device: Where to compute.
        cadence: Decides when to report progress.
        inception: The user's weights of the FID's network, for colour images.
        retrain: Train the classifier of grey images again and cache it.

    Yields:
        What is being done.

    Returns:
        The standard.

    Raises:
        UserError: The images or the optional package are missing, or the cache folder cannot be written.
    """
    network = yield from prepared_features(
        images.name, data_dir, device, cadence, inception, retrain=retrain, images=images
    )
    against = yield from behind(standard(images, network, n))
    # Judges are kept by the name of a set, which own pictures have not.
    if not network.fid and not images.digest:
        yield from _keeping(against)
    return against


def read_whole(spec: ExperimentSpec, data_dir: Path | None) -> Generator[Event, None, ImageSet]:
    """Read the whole image set of an experiment, not only the part for training.

    Args:
        spec: The experiment.
        data_dir: The data folder.

    Yields:
        What is being done.

    Returns:
        The images.

    Raises:
        UserError: The data are points.
        BadFile: The images are missing or damaged.
    """
    data = images_of(spec, f"The data {spec.data.name!r} are points: only images can be measured.")

    def steps() -> Steps[ImageSet]:
        yield "Reading the images"
        return load_images(data.model_copy(update={"limit": 0, "split": "train"}), data_dir)

    return (yield from behind(steps()))


def behind(steps: Steps[T]) -> Generator[Event, None, T]:
    """Run work with long steps in the background and report its progress.

    Args:
        steps: The work.

    Yields:
        `Progress` with its messages, and `Tick`.

    Returns:
        The result of the work.
    """
    start = time.monotonic()
    threads = torch.get_num_threads()

    def work(notify: Notify) -> T:
        use_threads(threads)
        nan = float("nan")
        while True:
            try:
                text = next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            notify(Progress(0, 0, nan, nan, time.monotonic() - start, nan, text))

    return (yield from in_background(work))


def _keeping(against: Standard) -> Iterator[Event]:
    """Cache the features, so that later samplings judge their chains by them."""
    channels, rows, columns = against.images.train.shape[1:]
    try:
        keep_judge(against.judge, against.images.name, (channels, rows, columns))
    except UserError as error:
        yield Notice(f"Samplings will not be judged by the features. {error}")

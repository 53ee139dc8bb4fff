"""The job that finds the training images nearest to one image: is a sample new, or a copy?"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.data.folder import data_folder
from msd_engine.data.images import ImageSet, load_images
from msd_engine.data.own import signature
from msd_engine.events import Event, Finished, Neighbours, Started, Tick
from msd_engine.jobs.factory.targets import images_of
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.features.choose import kept_network
from msd_engine.metrics.features.network import FeatureNetwork
from msd_engine.metrics.quality.nearest import nearest_in_pixels
from msd_engine.metrics.quality.support import conformal_bound
from msd_engine.specs import ExperimentSpec, ImagesSpec

COUNT = 6
"""Number of reported training images."""

# Of this many held-out images the third from either end is a bound that one new image in 43 exceeds.
_HELD_OUT = 128
# Share of new images that may be judged nearer, or further, than usual.
_RARE = 0.025
# Distances of the held-out images of the last set.
_KEPT: dict[ImageSet, Tensor] = {}


@reports_user_errors
def nearest(
    spec: ExperimentSpec,
    image: NDArray[np.float32],
    *,
    data_dir: Path | None = None,
    device: str = "auto",
) -> Iterator[Event]:
    """Find the training images nearest to one image.

    The images of the last job stay in memory, so that the next one answers at once.

    Args:
        spec: The experiment; the job searches all of its training images.
        image: The image with shape (C, H, W), in data units.
        data_dir: The data folder.
        device: Device that computes the features, or ``auto``.

    Yields:
        `Started`, a `Tick` per few thousand images, `Neighbours` and `Finished`, or `Failed`.
    """
    start = time.monotonic()
    data = images_of(spec, f"The data {spec.data.name!r} are points: only images have nearest images.")
    chosen = choose_device(device)
    yield Started("nearest", describe_device(chosen), 0, 0, spec.to_json())
    images = _images(data, data_folder(data_dir), signature(data))
    if image.shape != images.train.shape[1:]:
        raise UserError(f"The image has another shape than those of {images.name}.")
    x = torch.from_numpy(np.ascontiguousarray(image, np.float32))[None]
    for distance, index in nearest_in_pixels(x, images.train, COUNT):  # noqa: B007 - the last one is the answer
        yield Tick()
    held_out = yield from _distances(images)
    neighbours = images.train[index[0]]
    # The classifier of a set with a name is that of the whole set.
    network = kept_network(images.name, data_dir, chosen, images if images.digest else None)
    yield Neighbours(
        image=images.to_bytes(x)[0].numpy(),
        neighbours=neighbours.numpy(),
        labels=tuple(images.class_name(label) for label in images.train_labels[index[0]].tolist()),
        pixels=distance[0].double().numpy(),
        features=_apart(network, x, images.to_data(neighbours)),
        feature_name=network.name if network else "",
        typical=float(held_out.median()),
        usual=(-conformal_bound(-held_out, _RARE), conformal_bound(held_out, _RARE)),
    )
    yield Finished(COUNT, time.monotonic() - start, "Found the nearest training images.")


def _distances(images: ImageSet) -> Generator[Event, None, Tensor]:
    """Return the distance of some held-out images to their nearest training image, with shape (n,); cached."""
    if images not in _KEPT:
        held_out = images.to_data(images.held_out(_HELD_OUT))
        for distance, _ in nearest_in_pixels(held_out, images.train, 1):  # noqa: B007 - the last one is the answer
            yield Tick()
        _KEPT.clear()
        _KEPT[images] = distance[:, 0]
    return _KEPT[images]


@lru_cache(maxsize=1)
def _images(data: ImagesSpec, _folder: Path, _signature: str) -> ImageSet:
    return load_images(data, _folder)


def _apart(network: FeatureNetwork | None, x: Tensor, others: Tensor) -> NDArray[np.float64]:
    """Return the distance of an image to others in feature space; NaN without a network."""
    if network is None:
        return np.full(len(others), np.nan)
    distance: NDArray[np.float64] = (network.features(others) - network.features(x)).double().norm(dim=1).numpy()
    return distance

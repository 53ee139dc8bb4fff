"""Jobs that open a picture, or draw the noisy copies of one, without any denoiser."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.backend.streams import ChainStreams
from msd_engine.data.images import ImageSet
from msd_engine.data.picture import read_picture
from msd_engine.events import Event, Finished, NoisyPicture, PictureRead
from msd_engine.jobs.factory.loaded import is_loaded, loaded_images
from msd_engine.jobs.factory.spaces import coordinates
from msd_engine.jobs.factory.targets import images_of
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.frames import shown
from msd_engine.noise.space import Space
from msd_engine.specs import DenoiseSpec, ExperimentSpec


@reports_user_errors
def open_picture(path: Path, shape: tuple[int, int, int]) -> Iterator[Event]:
    """Read a picture from a file and bring it to the size of the data.

    Args:
        path: The file.
        shape: Channels, rows and columns of the data.

    Yields:
        `PictureRead` and `Finished`, or `Failed` with the fault of the file.
    """
    begun_s = time.perf_counter()
    pixels, done = read_picture(path, shape)
    yield PictureRead(pixels, str(path), done)
    yield Finished(0, time.perf_counter() - begun_s, f"Opened {Path(path).name}.")


@reports_user_errors
def show_copies(spec: ExperimentSpec, *, data_dir: Path | None = None) -> Iterator[Event]:
    """Draw the noisy copies of the chosen picture; this needs no denoiser.

    Args:
        spec: The experiment; its data, its number of copies and its `denoise` part are read.
        data_dir: The data folder.

    Yields:
        `NoisyPicture` and `Finished`, or `Failed`.
    """
    begun_s = time.perf_counter()
    data = images_of(spec, "Only sets of images have held-out pictures: choose one of them.")
    if not is_loaded(data, data_dir):
        # Reading tens of thousands of images takes a second.
        yield from in_background(lambda _: loaded_images(data, data_dir))
    images, denoise = loaded_images(data, data_dir), spec.denoise
    x = chosen_picture(denoise, images)
    y = draw_copies(x, denoise.sigma, spec.training.k, denoise.seed, coordinates(spec, data_dir))
    y_mean = shown(y.mean(0, dtype=torch.float64))
    error = distance(y_mean, x.numpy())
    yield NoisyPicture(spec.to_json(), shown(x), denoise.sigma, shown(y), y_mean, error, len(images.test))
    yield Finished(0, time.perf_counter() - begun_s, "")


def draw_copies(x: Tensor, sigma: float, k: int, seed: int, space: Space | None = None) -> Tensor:
    """Draw noisy copies of one picture, each from its own random stream.

    Args:
        x: The picture with shape (C, H, W).
        sigma: Noise of one copy.
        k: Number of copies.
        seed: Seed of the noise.
        space: Coordinates in which the noise is white; None for those of the picture.

    Returns:
        y with shape (k, C, H, W), as pictures.
    """
    noise = ChainStreams(seed, k, tuple(x.shape), block=1).normal()
    return x + sigma * (noise if space is None else space.decode(noise))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the root mean square of a − b over all values of a picture."""
    return float(np.sqrt(np.square(np.subtract(a, b, dtype=np.float64)).mean()))


def chosen_picture(spec: DenoiseSpec, images: ImageSet) -> Tensor:
    """Return the chosen picture: drawn, opened, or a held-out image.

    Args:
        spec: Which one.
        images: The set of images.

    Returns:
        x with shape (C, H, W), float32, in data units.

    Raises:
        UserError: No such image exists, or the picture and the data differ in size.
    """
    shape = images.test.shape[1:]
    if not spec.picture:
        return held_out(images, spec.index)
    data = spec.picture
    if len(data) != math.prod(shape):
        raise UserError(
            f"The picture has {len(data)} values, but the images of {images.name} have {math.prod(shape)}: "
            "draw or open it again."
        )
    return images.to_data(torch.frombuffer(bytearray(data), dtype=torch.uint8).reshape(shape))


def held_out(images: ImageSet, index: int) -> Tensor:
    """Return one held-out image with shape (C, H, W), float32, in data units; a number too large is a `UserError`."""
    if index >= len(images.test):
        raise UserError(
            f"There is no held-out image {index}: the {len(images.test):,} of {images.name} are numbered from 0 to "
            f"{len(images.test) - 1:,}."
        )
    return images.to_data(images.test[index])

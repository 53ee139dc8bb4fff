"""Pictures for work by hand: read from a file, or one of the held-out images; no denoiser is needed to look at them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.data.images import ImageSet
from msd_engine.data.picture import read_picture
from msd_engine.events import Event, Finished, HeldOutPicture, PictureRead
from msd_engine.jobs.factory.loaded import is_loaded, loaded_images
from msd_engine.jobs.factory.targets import images_of
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.frames import shown
from msd_engine.specs import DenoiseSpec, ExperimentSpec


@reports_user_errors
def open_picture(path: Path, shape: tuple[int, int, int]) -> Iterator[Event]:
    """Read a picture from a file and bring it to the size of the data.

    Args:
        path: The file.
        shape: Channels, rows and columns of the data.

    Yields:
        `PictureRead` and `Finished`, or `Failed` with a sentence that says what is wrong with the file.
    """
    begun_s = time.perf_counter()
    pixels, done = read_picture(path, shape)
    yield PictureRead(pixels, str(path), done)
    yield Finished(0, time.perf_counter() - begun_s, f"Opened {Path(path).name}.")


@reports_user_errors
def show_held_out(spec: ExperimentSpec, *, data_dir: Path | None = None) -> Iterator[Event]:
    """Tell the held-out image that an experiment chooses, whether or not anything can denoise it.

    Args:
        spec: The experiment; its data and its `denoise` part are read.
        data_dir: Where image sets are looked for.

    Yields:
        `HeldOutPicture` and `Finished`, or `Failed`.
    """
    begun_s = time.perf_counter()
    data = images_of(spec, "Only sets of images have held-out pictures: choose one of them.")
    if not is_loaded(data, data_dir):
        # Reading tens of thousands of images takes a second.
        yield from in_background(lambda _: loaded_images(data, data_dir))
    images = loaded_images(data, data_dir)
    yield HeldOutPicture(spec.to_json(), shown(held_out(images, spec.denoise.index)), len(images.test))
    yield Finished(0, time.perf_counter() - begun_s, "")


def chosen_picture(spec: DenoiseSpec, images: ImageSet) -> Tensor:
    """Return the picture that is drawn, opened or taken from the held-out images.

    Args:
        spec: Which one.
        images: The set of images.

    Returns:
        x with shape (C, H, W), float32, in data units.

    Raises:
        UserError: There is no such image, or the picture has another size than the data.
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

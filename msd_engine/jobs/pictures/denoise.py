"""The denoising job: one picture, its k noisy copies, x̂, and the effect of a change of the copies.

The copies are y_i = x + σ C^½ n_i, each n_i from its own random stream, so that copy i does not depend on k and is
scaled by σ. Predictions for a change, with all distances as root mean squares over the values of a picture:

* shuffled: ȳ and an exact x̂ do not change (sufficiency, theory §3, fact 1);
* copy i dropped: ȳ moves by (ȳ − y_i)/(k − 1), in expectation σ/√(k (k − 1));
* copy i replaced by a copy x' + σ n_i of another datum: ȳ moves by (x' − x)/k, whatever the noise.

An exact denoiser, and a network that serves every k, take the k − 1 copies that are left as such. A network of one k
sees the mean of the others in the place of the dropped copy, which leaves ȳ the same as for the exact one but tells the
network of more copies than there are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.data.folder import TITLES
from msd_engine.data.images import ImageSet
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.posterior import Denoiser
from msd_engine.events import Copies, Denoised, Event, Finished, Started
from msd_engine.jobs.factory.loaded import is_loaded, loaded_empirical, loaded_images
from msd_engine.jobs.factory.parts import check_fits, learned_denoiser
from msd_engine.jobs.factory.spaces import coordinates
from msd_engine.jobs.factory.targets import images_of
from msd_engine.jobs.pictures.pictures import chosen_picture, distance, draw_copies, held_out
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.frames import shown
from msd_engine.noise.space import Space
from msd_engine.runs.run import Run
from msd_engine.specs import DenoiseSpec, DrawnBy, ExperimentSpec, ImagesSpec, Live, with_weights
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.models import CARD


@reports_user_errors
def denoise(
    spec: ExperimentSpec,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Denoise one picture from k copies.

    The data and the denoiser of the last job stay in memory, so that the next one answers a dragged slider at once.

    Args:
        spec: The experiment; its data, its number of copies and its `denoise` part are read.
        run_dir: Run folder of a trained denoiser.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Unused: there is one frame.
        live: Unused: the job is over in a few milliseconds.

    Yields:
        `Started`, one `Denoised`, `Finished`; or `Failed`.
    """
    del cadence, live
    begun_s = time.perf_counter()
    chosen = choose_device(device)
    data = images_of(spec, "Only pictures can be denoised here: choose a set of images.")
    exact = chosen if spec.sampling.source == "exact" else None
    if not is_loaded(data, data_dir, exact, spec.noise.colour):
        # Reading tens of thousands of images takes a second.
        yield from in_background(lambda _: _parts(spec, data, run_dir, data_dir, chosen))
    images, bench = _parts(spec, data, run_dir, data_dir, chosen)
    denoised = _denoised(spec, images, bench, chosen)
    yield Started("denoise", describe_device(chosen), 0, 0, denoised.spec_json)
    yield denoised
    yield Finished(0, time.perf_counter() - begun_s, "")


class Bench(NamedTuple):
    """A denoiser and its properties.

    Attributes:
        denoiser: Gives x̂ of the copies.
        words: Description for the user.
        exact: Whether it is the exact posterior mean of a known distribution.
        fixed_k: Number of copies it takes; 0 for any.
        space: Coordinates of its copies, in which the noise is white.
        weights: The weights of a network; None for an exact denoiser.
    """

    denoiser: Denoiser
    words: str
    exact: bool
    fixed_k: int
    space: Space
    weights: DrawnBy | None = None


def change_copies(y: Tensor, spec: DenoiseSpec, shift: Tensor, *, any_k: bool) -> tuple[Tensor, tuple[int, ...], float]:
    """Change the copies as the spec says.

    Args:
        y: The copies with shape (k, C, H, W).
        spec: The change.
        shift: x' − x, from the picture to the other image, with shape (C, H, W).
        any_k: Whether the denoiser takes fewer copies than before.

    Returns:
        The new copies, their indices before (−1 for a new one), and the predicted root mean square of the change of
        ȳ.

    Raises:
        UserError: The only copy is to be dropped.
    """
    k = len(y)
    index = min(spec.copy_index, k) - 1
    order = np.arange(k)
    if spec.change == "shuffle":
        order = np.random.Generator(np.random.SFC64(np.random.SeedSequence(spec.seed, spawn_key=(k, 2)))).permutation(k)
        if (order == np.arange(k)).all():
            order = np.roll(order, 1)
        return y[torch.from_numpy(order)], tuple(order.tolist()), 0.0
    if spec.change == "replace":
        order[index] = -1
        changed = y.clone()
        changed[index] += shift
        return changed, tuple(order.tolist()), rms(shift) / k
    if k == 1:
        raise UserError("With k = 1 there is no other copy: drop one of two or more.")
    others = torch.cat((y[:index], y[index + 1 :]))
    expected = spec.sigma / math.sqrt(k * (k - 1))
    if any_k:
        return others, tuple(np.delete(order, index).tolist()), expected
    order[index] = -1
    changed = y.clone()
    changed[index] = others.mean(0)
    return changed, tuple(order.tolist()), expected


def rms(difference: Tensor) -> float:
    """Return the root mean square over all values of a picture."""
    return difference.square().mean(dtype=torch.float64).sqrt().item()


def _denoised(spec: ExperimentSpec, images: ImageSet, bench: Bench, device: torch.device) -> Denoised:
    denoise = spec.denoise
    x = chosen_picture(denoise, images)
    k = spec.training.k
    y = draw_copies(x, denoise.sigma, k, denoise.seed, bench.space)
    before = _estimate(bench, y, denoise.sigma, tuple(range(k)), device)
    after, expected = None, math.nan
    if denoise.change != "none":
        shift = held_out(images, denoise.other) - x if denoise.change == "replace" else torch.zeros_like(x)
        other, origin, expected = change_copies(y, denoise, shift, any_k=not bench.fixed_k)
        after = _estimate(bench, other, denoise.sigma, origin, device)
    return Denoised(
        spec_json=with_weights(spec.to_json(), bench.weights),
        x=shown(x),
        sigma=denoise.sigma,
        copies=before,
        changed=after,
        error=distance(before.x_hat, x.numpy()),
        error_mean=distance(before.y_mean, x.numpy()),
        moved=distance(after.x_hat, before.x_hat) if after else math.nan,
        moved_mean=distance(after.y_mean, before.y_mean) if after else math.nan,
        expected_mean=expected,
        expected_move=0.0 if denoise.change == "shuffle" else math.nan,
        denoiser=bench.words,
        exact=bench.exact,
        fixed_k=bench.fixed_k,
        available=len(images.test),
    )


def _estimate(bench: Bench, y: Tensor, sigma: float, origin: tuple[int, ...], device: torch.device) -> Copies:
    x_hat = bench.space.decode(bench.denoiser(bench.space.encode(y).unsqueeze(0).to(device), sigma).mean[0])
    return Copies(shown(y), shown(y.mean(0, dtype=torch.float64)), shown(x_hat), origin)


def _parts(
    spec: ExperimentSpec, data: ImagesSpec, run_dir: Path | None, data_dir: Path | None, device: torch.device
) -> tuple[ImageSet, Bench]:
    images, space = loaded_images(data, data_dir), coordinates(spec, data_dir)
    if spec.sampling.source == "exact":
        empirical = loaded_empirical(data, data_dir, device, space, spec.noise.colour).denoiser
        split = "training" if data.split == "train" else data.split
        words = f"exact posterior mean over the {len(empirical):,} {split} images of {TITLES.get(data.name, 'digits')}"
        return images, Bench(empirical.in_tiles_of(1), words, exact=True, fixed_k=0, space=space)
    if run_dir is None:
        raise UserError("There is no trained denoiser yet: train one first, or set sampling.source to exact.")
    check_fits(run_dir, spec)
    learned = network_of(run_dir, data, device)
    kind = "pretrained model" if (run_dir / CARD).exists() else "network of"
    fixed_k = 0 if learned.any_k else learned.k
    words = f"{kind} {run_dir.name}"
    return images, Bench(learned, words, exact=False, fixed_k=fixed_k, space=learned.space, weights=learned.weights)


def network_of(run_dir: Path, data: ImagesSpec, device: torch.device) -> LearnedDenoiser:
    """Load the newest network of a run; the last few are kept.

    Raises:
        UserError: Its data have another shape.
    """
    learned = _learned(run_dir, Run.open(run_dir).manifest.step, device)
    if learned.data_mean.shape != data.shape:
        raise UserError(f"The run {run_dir} was trained on data of another shape than {data.name}.")
    return learned


# A picture is denoised by one network, and beside it by networks of a few other k.
@lru_cache(maxsize=4)
def _learned(run_dir: Path, step: int, device: torch.device) -> LearnedDenoiser:
    # The step is part of the key: training gives a run newer weights.
    del step
    return learned_denoiser(run_dir, device)

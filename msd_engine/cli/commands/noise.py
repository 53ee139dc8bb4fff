"""`msd noise`: draws of noise with a covariance, as numbers and as a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msd_engine.cli.fields import whole_number, with_fields
from msd_engine.cli.follow import follow
from msd_engine.cli.inputs import count_of, is_given, npz_to_write
from msd_engine.cli.noise import Noise
from msd_engine.cli.outcome import RefusedError
from msd_engine.events import Event
from msd_engine.events.noise import NoiseDraws
from msd_engine.specs import ExperimentSpec, ImagesSpec, NoiseSpec, UNetSpec
from msd_engine.specs.noise import COLOUR_FIELDS

_SIDE, _N = 32, 64
# Standard deviations from grey to white, and the most draws in a picture.
_RANGE, _MOST_SHOWN = 3.0, 64
_INCHES, _POINT = 5.0, 4.0


def noise(options: Noise) -> dict[str, Any]:
    """Draw noise, write draws and picture, and return their figures.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job was stopped.
        SpecError: A value is out of range, or belongs to another covariance.
        UserError: A file is missing or damaged, or cannot be written.
    """
    out = npz_to_write(options.out)
    n = count_of(options.n, "--n") if is_given(options.n) else _N
    seed = _seed_of(options.seed)
    images = None if options.data is None else ImagesSpec(name=options.data)
    shape = _shape(options, images)
    spec = _spec(options, images)
    account = _Account()
    follow(_job(options, spec, shape, n, seed, images), account)
    return account.figures() | _save(account.draws(), out)


def _spec(options: Noise, images: ImagesSpec | None) -> NoiseSpec:
    flat = options.covariance == "ellipse"
    whole = ExperimentSpec() if flat else ExperimentSpec(data=images or ImagesSpec(), network=UNetSpec())
    texts = {f"noise.{name}": getattr(options, name) for name in COLOUR_FIELDS}
    return with_fields(whole, {path: text for path, text in texts.items() if is_given(text)}).noise


def _shape(options: Noise, images: ImagesSpec | None) -> tuple[int, ...]:
    """Return the shape of a draw, with one channel for grey pictures."""
    sized = is_given(options.size) or is_given(options.channels)
    if options.covariance == "ellipse":
        if sized or images is not None:
            raise RefusedError("Noise in the plane has two coordinates: leave out --size, --channels and --data.")
        return (2,)
    if images is not None and sized:
        raise RefusedError("--data says size and channels: leave out --size and --channels.")
    if options.covariance == "data" and images is None:
        raise RefusedError("Give the set of images whose spectrum the noise has, with --data NAME.")
    if images is not None and images.name == "folder":
        raise RefusedError("--data needs a set with a name, such as digits.")
    if images is not None:
        return images.shape
    text = options.size if is_given(options.size) else str(_SIDE)
    if not re.fullmatch(r"\d+(x\d+)?", text):
        raise RefusedError(
            f"--size must be a number of pixels, such as 32, or rows x columns, such as 32x48, not {text!r}."
        )
    height, _, width = text.partition("x")
    sides = (count_of(height, "--size"), count_of(width or height, "--size"))
    return (count_of(options.channels, "--channels") if is_given(options.channels) else 1, *sides)


def _seed_of(text: str) -> int:
    if not is_given(text):
        return 0
    try:
        seed = whole_number(text)
    except ValueError:
        seed = -1
    if seed < 0:
        raise RefusedError(f"--seed must be a whole number, at least 0, but is {text!r}.")
    return seed


class _Account:
    """Collects the draws."""

    def __init__(self) -> None:
        self._draws: NoiseDraws | None = None

    def take(self, event: Event) -> None:
        """Process one event."""
        if isinstance(event, NoiseDraws):
            self._draws = event

    def figures(self) -> dict[str, Any]:
        """Return the current figures, by name."""
        if self._draws is None:
            return {}
        draws = self._draws
        shape = [int(size) for size in draws.noise.shape]
        variance = float(np.square(draws.noise, dtype=np.float64).mean())
        return {"shape": shape, "seed": draws.seed, "variance": variance, "log_det_per_number": draws.log_det}

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return "Stopped; nothing was written."

    def draws(self) -> NoiseDraws:
        """Return the draws of a finished job."""
        if self._draws is None:
            raise RuntimeError("the job finished without noise")
        return self._draws


def _job(
    options: Noise, spec: NoiseSpec, shape: tuple[int, ...], n: int, seed: int, images: ImagesSpec | None
) -> Iterator[Event]:
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.noise.draws import draw_noise

    return draw_noise(spec, shape, n, seed, data=images, data_dir=options.data_dir, device=options.device)


def _save(draws: NoiseDraws, out: Path) -> dict[str, str]:
    """Write the draws, and a picture of them beside that file; return both paths."""
    from msd_engine.runs.samples import save_arrays

    save_arrays(out, {"noise": draws.noise, "seed": np.asarray(draws.seed, np.int64)}, draws.settings)
    picture = out.with_suffix(".png")
    _save_picture(draws.noise, picture)
    return {"out": str(out), "picture": str(picture)}


def _save_picture(noise: NDArray[np.float32], path: Path) -> None:
    import io

    from PIL import Image

    from msd_engine.backend.files import write_atomically
    from msd_engine.runs.pictures import image_grid, readable_scale

    if noise.ndim == 2:
        write_atomically(path, _cloud(noise))
        return
    images = noise[:_MOST_SHOWN] if noise.ndim == 4 else noise[:_MOST_SHOWN, None]
    # Channels other than three have no colours: the first is shown.
    images = images if images.shape[1] == 3 else images[:, :1]
    pixels, buffer = image_grid(images / _RANGE, scale=readable_scale(images.shape[2])), io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())


def _cloud(points: NDArray[np.float32]) -> bytes:
    """Draw points of the plane."""
    import io

    from matplotlib.figure import Figure

    figure, buffer = Figure(figsize=(_INCHES, _INCHES), layout="constrained"), io.BytesIO()
    axes = figure.add_subplot(aspect="equal", xlabel="x₁", ylabel="x₂")
    axes.scatter(points[:, 0], points[:, 1], s=_POINT, linewidths=0)
    figure.savefig(buffer, format="png")
    return buffer.getvalue()

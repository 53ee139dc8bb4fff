"""`msd denoise`, `msd inpaint`, `msd interpolate`: what the denoise page of the window does, without a screen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from msd_engine.cli.commands.sample import SampleAccount, save
from msd_engine.cli.fields import given_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import (
    chains_given,
    check_one_source,
    check_writable,
    chosen_source,
    compute_with,
    is_given,
    npz_to_write,
)
from msd_engine.cli.options import ChainTasks, Denoise, Inpaint, Interpolate
from msd_engine.cli.outcome import RefusedError
from msd_engine.events import Denoised, Event, Started
from msd_engine.specs import ChainTask, ExperimentSpec, ImagesSpec, for_painting
from msd_engine.specs.denoise import PREFIX, from_word

ROW = "12"
"""Samples in a row from seed to seed where the command does not say how many."""


def chain_task(options: ChainTasks) -> dict[str, Any]:
    """Carry out one of the commands.

    Args:
        options: The command line.

    Returns:
        The figures of the picture or of the samples.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged, or cannot be written.
    """
    check_one_source(options.run, options.preset, options.model)
    out = npz_to_write(options.out)
    if options.grid is not None:
        check_writable(options.grid, ".png")
    given = given_fields(options.fields)
    if not isinstance(options, Denoise):
        row = {"sampling.chains": ROW} if isinstance(options, Interpolate) else {}
        given |= row | chains_given(options.n)
    spec, run = chosen_source(options.run, options.preset, options.model, given)
    spec = _with_pictures(options, spec)
    if isinstance(options, Inpaint):
        spec = for_painting(spec, given)
    compute_with(options.threads)
    if isinstance(options, Denoise):
        denoising = _Denoising()
        follow(_denoise(options, spec, run), denoising)
        return denoising.figures() | denoising.save(out, options.grid)
    account = SampleAccount()
    account.take(follow(_chains(options, spec, run), account))
    figures, samples = account.figures(), account.samples()
    if isinstance(options, Inpaint):
        return figures | save(samples, out, options.grid)
    figures["second_seed"] = spec.denoise.second_seed
    return figures | save(samples, out, options.grid, columns=len(samples.x_hat))


class _Denoising:
    """What one picture, its copies and x̂ are."""

    def __init__(self) -> None:
        self._device = ""
        self._found: Denoised | None = None

    def take(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case Started():
                self._device = event.device
            case Denoised():
                self._found = event
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Return what is known, by name; distances are root mean squares over the values of the picture."""
        found = self._found
        if found is None:
            return {"device": self._device}
        k = len(found.copies.y)
        figures = {
            "device": self._device,
            "text": f"Denoised by the {found.denoiser}.",
            "denoiser": found.denoiser,
            "exact": found.exact,
            "k": k,
            "sigma": found.sigma,
            "sigma_eff": found.sigma_eff,
            "error_mean": found.error_mean,
            "error": found.error,
        }
        if found.changed is not None:
            moved = {"moved_mean": found.moved_mean, "expected_mean": found.expected_mean, "moved": found.moved}
            figures |= moved | {"expected_move": found.expected_move}
        return figures

    def how_to_continue(self) -> str:
        """Say what the user is left with."""
        return "Stopped; nothing was written."

    def save(self, out: Path, grid: Path | None) -> dict[str, str]:
        """Write the numbers and, where it is wanted, a picture: x, ȳ and x̂, then the copies.

        Args:
            out: The file of the numbers.
            grid: The picture; None for none.

        Returns:
            The paths that were written, by option.

        Raises:
            UserError: A file cannot be written.
        """
        from msd_engine.runs.pictures import image_grid, readable_scale, save_png
        from msd_engine.runs.samples import save_arrays

        found = self._found
        if found is None:
            raise RuntimeError("the denoising job finished without a picture")
        first, after = found.copies, found.changed
        arrays = {"x": found.x, "y": first.y, "y_mean": first.y_mean, "x_hat": first.x_hat}
        if after is not None:
            arrays |= {"changed_y": after.y, "changed_y_mean": after.y_mean, "changed_x_hat": after.x_hat}
        save_arrays(out, arrays | {"sigma": np.asarray(found.sigma)}, found.spec_json)
        if grid is None:
            return {"out": str(out)}
        last = after or first
        pictures = np.concatenate([[found.x, last.y_mean, last.x_hat], last.y])
        save_png(grid, image_grid(pictures, scale=readable_scale(found.x.shape[1])), found.spec_json)
        return {"out": str(out), "grid": str(grid)}


def _with_pictures(options: ChainTasks, spec: ExperimentSpec) -> ExperimentSpec:
    """Put the picture and the mask of the command line into the spec."""
    data = spec.data
    if not isinstance(data, ImagesSpec):
        raise RefusedError(f"Work by hand needs images, but {data.name} are points: choose a preset of images.")
    found: dict[str, bytes] = {}
    if not isinstance(options, Interpolate) and is_given(options.picture):
        found["denoise.picture"] = _picture(options.picture, data.shape)
    if isinstance(options, Inpaint) and is_given(options.mask):
        found["denoise.mask"] = _mask(options.mask, data.shape)
    if isinstance(options, Inpaint) and not (spec.denoise.mask or "denoise.mask" in found):
        raise RefusedError("Give a picture of what is to be painted anew with --mask FILE.")
    if "denoise.index" in given_fields(options.fields) and "denoise.picture" not in found:
        # A held-out image that is asked for takes the place of a picture that the preset carries.
        found["denoise.picture"] = b""
    return spec.replace_all(found)


def _picture(word: str, shape: tuple[int, int, int]) -> bytes:
    from msd_engine.data.picture import read_picture

    if word.startswith(PREFIX):
        return _packed(word, math.prod(shape), "--picture")
    return read_picture(Path(word), shape)[0].tobytes()


def _mask(word: str, shape: tuple[int, int, int]) -> bytes:
    from msd_engine.data.picture import read_mask

    if word.startswith(PREFIX):
        return _packed(word, math.prod(shape[1:]), "--mask")
    return read_mask(Path(word), shape).astype(np.uint8).tobytes()


def _packed(word: str, size: int, option: str) -> bytes:
    try:
        return from_word(word, size)
    except ValueError as error:
        raise RefusedError(f"{option}: {error}") from error


def _denoise(options: Denoise, spec: ExperimentSpec, run: Path | None) -> Iterator[Event]:
    # Imported here: the job brings torch, and a refusal should not wait for it.
    from msd_engine.jobs.pictures.denoise import denoise

    return denoise(spec, run_dir=run, data_dir=options.data_dir, device=options.device)


def _chains(options: Inpaint | Interpolate, spec: ExperimentSpec, run: Path | None) -> Iterator[Event]:
    from msd_engine.jobs.sampling.chain_task import chain_task as job
    from msd_engine.specs.live import Every

    task: ChainTask = "inpaint" if isinstance(options, Inpaint) else "interpolate"
    return job(spec, task, run_dir=run, data_dir=options.data_dir, device=options.device, cadence=Every(FRAMES_HZ))

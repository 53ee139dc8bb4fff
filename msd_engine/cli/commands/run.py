"""`msd run`: replay a file, or do the work of the window's denoise page without a screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from msd_engine.cli.commands.sample import SampleAccount, save
from msd_engine.cli.fields import given_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import (
    chains_given,
    check_writable,
    chosen_source,
    compute_with,
    is_given,
    npz_to_write,
    spec_of,
)
from msd_engine.cli.options import Run, Sweep, Train
from msd_engine.cli.outcome import RefusedError, say
from msd_engine.events import Denoised, Event, Started
from msd_engine.specs import ExperimentSpec, ImagesSpec, JobName, for_job, for_painting, preset_names

ROW = "12"
"""Default number of samples in a row from seed to seed."""


def run(options: Run) -> dict[str, Any] | None:
    """Run the job of a file or of the options, and return its figures.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged, or cannot be written.
    """
    from msd_engine.cli.commands.sweep import is_plan, sweep
    from msd_engine.cli.commands.train import train

    shared: dict[str, Any] = {
        name: getattr(options, name) for name in ("out", "data_dir", "device", "threads", "json", "fields")
    }
    if is_given(options.file) and is_plan(Path(options.file)):
        return sweep(Sweep(preset=options.file, **shared))
    job = _job_of(options)
    if job == "train":
        return train(Train(preset=options.file, **shared))
    out = npz_to_write(options.out)
    if options.grid is not None:
        check_writable(options.grid, ".png")
    return _draw(options, job, out)


def _job_of(options: Run) -> JobName:
    """Return the job, and refuse options of other jobs."""
    if is_given(options.model) and options.network is not None:
        raise RefusedError("Give either --network RUN or --model NAME.")
    job: JobName
    if options.job != "as-said":
        job = options.job
    elif not is_given(options.file):
        raise RefusedError("Give a file that carries a spec, or name the job with --job.")
    elif options.file in preset_names():
        from msd_engine.runs.restoring import usual_job

        job = usual_job(spec_of(options.file), drawn=False)
    else:
        from msd_engine.runs.restoring import read_job

        job = read_job(options.file)[1]
    networks = is_given(options.model) or options.network is not None
    if not is_given(options.file) and not networks:
        raise RefusedError("Give a file or a preset, --network RUN or --model NAME.")
    belongs: dict[str, tuple[bool, tuple[JobName, ...]]] = {
        "--picture": (is_given(options.picture), ("denoise", "inpaint")),
        "--mask": (is_given(options.mask), ("inpaint",)),
        "--n": (is_given(options.n), ("sample", "inpaint", "interpolate")),
        "--grid": (options.grid is not None, ("sample", "denoise", "inpaint", "interpolate")),
        "--network and --model": (networks, ("sample", "denoise", "inpaint", "interpolate")),
    }
    for option, (given, jobs) in belongs.items():
        if given and job not in jobs:
            raise RefusedError(f"{option} does not apply to the job {job}.")
    return job


def _draw(options: Run, job: JobName, out: Path) -> dict[str, Any]:
    """Draw samples or denoise a picture, and write the results."""
    given = given_fields(options.fields)
    row = {"sampling.chains": ROW} if job == "interpolate" and not is_given(options.file) else {}
    network = options.network
    if network is None and not is_given(options.model) and Path(options.file).is_dir():
        network = Path(options.file)
    spec, network = chosen_source(network, options.file, options.model, row | given | chains_given(options.n))
    if job == "sample":
        if options.grid is not None and spec.data.kind != "images":
            raise RefusedError("--grid shows images, but the samples of a mixture are points; leave it out.")
    else:
        spec = _with_pictures(options, spec, job)
    if job == "inpaint":
        spec = for_painting(spec, given)
    compute_with(options.threads)
    if job == "denoise":
        denoising = _Denoising()
        follow(_denoise(options, spec, network), denoising)
        return denoising.figures() | denoising.save(out, options.grid)
    account = SampleAccount()
    account.take(follow(_chains(options, spec, network, job), account))
    figures, samples = account.figures(), account.samples()
    if job == "interpolate":
        figures["second_seed"] = spec.denoise.second_seed
    columns = len(samples.x_hat) if job == "interpolate" else None
    return figures | save(samples, out, options.grid, columns=columns, job=job)


class _Denoising:
    """Collects one picture, its copies and x̂."""

    def __init__(self) -> None:
        self._device = ""
        self._found: Denoised | None = None

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case Started():
                self._device = event.device
            case Denoised():
                self._found = event
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Return the current figures, by name; distances are root mean squares over the values of the picture."""
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
        """Return the state after a stop."""
        return "Stopped; nothing was written."

    def save(self, out: Path, grid: Path | None) -> dict[str, str]:
        """Write the numbers and optionally a picture: x, ȳ and x̂, then the copies.

        Args:
            out: The file of the numbers.
            grid: The picture; None for none.

        Returns:
            The written paths, by option.

        Raises:
            UserError: A file cannot be written.
        """
        from msd_engine.runs.pictures import grid_tiles, image_grid, readable_scale, save_png
        from msd_engine.runs.samples import save_arrays

        found = self._found
        if found is None:
            raise RuntimeError("the denoising job finished without a picture")
        first, after = found.copies, found.changed
        arrays = {"x": found.x, "y": first.y, "y_mean": first.y_mean, "x_hat": first.x_hat}
        if after is not None:
            arrays |= {"changed_y": after.y, "changed_y_mean": after.y_mean, "changed_x_hat": after.x_hat}
        spec_json = for_job(found.spec_json, "denoise")
        save_arrays(out, arrays | {"sigma": np.asarray(found.sigma)}, spec_json)
        if grid is None:
            return {"out": str(out)}
        last = after or first
        pictures = np.concatenate([[found.x, last.y_mean, last.x_hat], last.y])
        scale, names = readable_scale(found.x.shape[1]), ("x", "ȳ", "x̂", *(f"y{i + 1}" for i in range(len(last.y))))
        tiles = grid_tiles(pictures.shape, scale=scale, names=names)
        save_png(grid, image_grid(pictures, scale=scale), spec_json, tiles)
        return {"out": str(out), "grid": str(grid)}


def _with_pictures(options: Run, spec: ExperimentSpec, job: JobName) -> ExperimentSpec:
    """Add the picture and the mask of the command line to the spec."""
    from msd_engine.data.picture import read_mask, read_picture

    data = spec.data
    if not isinstance(data, ImagesSpec):
        raise RefusedError(f"The job {job} needs images, but {data.name} are points: choose a preset of images.")
    found: dict[str, bytes] = {}
    if is_given(options.picture):
        pixels, done = read_picture(os.path.expanduser(options.picture), data.shape)
        found["denoise.picture"] = pixels.tobytes()
        _say_of(options.picture, done)
    elif "denoise.index" in given_fields(options.fields):
        # A requested held-out image replaces the picture in the file.
        found["denoise.picture"] = b""
    if is_given(options.mask):
        marked, done = read_mask(os.path.expanduser(options.mask), data.shape)
        found["denoise.mask"] = marked.astype(np.uint8).tobytes()
        _say_of(options.mask, done)
    elif job == "inpaint" and not spec.denoise.mask:
        raise RefusedError("Give a picture of the area to inpaint with --mask FILE.")
    return spec.replace_all(found)


def _say_of(word: str, done: str) -> None:
    """Print a change of the colours of a picture, if there was one."""
    if done:
        say(f"Opened {Path(word).name}, {done}.")


def _denoise(options: Run, spec: ExperimentSpec, network: Path | None) -> Iterator[Event]:
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.pictures.denoise import denoise

    return denoise(spec, run_dir=network, data_dir=options.data_dir, device=options.device)


def _chains(options: Run, spec: ExperimentSpec, network: Path | None, job: JobName) -> Iterator[Event]:
    from msd_engine.jobs.sampling.chain_task import chain_task
    from msd_engine.jobs.sampling.sample import sample
    from msd_engine.specs.live import Every

    places: dict[str, Any] = {"run_dir": network, "data_dir": options.data_dir, "device": options.device}
    places["cadence"] = Every(FRAMES_HZ)
    if job == "inpaint" or job == "interpolate":
        return chain_task(spec, job, **places)
    return sample(spec, **places)

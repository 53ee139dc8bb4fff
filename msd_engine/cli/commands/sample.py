"""`msd sample`: draw a sample file by chained Langevin dynamics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msd_engine.cli.fields import given_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import (
    chains_given,
    check_one_source,
    check_writable,
    chosen_source,
    compute_with,
    npz_to_write,
)
from msd_engine.cli.options import Sample
from msd_engine.cli.outcome import RefusedError
from msd_engine.events import ChainReport, Event, Finished, Progress, Samples, ScoreErrors, Started, Verdicts
from msd_engine.events.scores.fields import REGIONS
from msd_engine.specs import ExperimentSpec, JobName, for_job
from msd_engine.specs.tables.updates import update_of


def sample(options: Sample) -> dict[str, Any]:
    """Draw samples and return their figures.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged, or cannot be written.
    """
    check_one_source(options.run, options.preset, options.model)
    out = npz_to_write(options.out)
    given = given_fields(options.fields) | chains_given(options.n)
    spec, run = chosen_source(options.run, options.preset, options.model, given)
    if options.grid is not None:
        check_writable(options.grid, ".png")
        if spec.data.kind != "images":
            raise RefusedError("--grid shows images, but the samples of a mixture are points; leave it out.")
    account = SampleAccount()
    account.take(follow(_job(options, spec, run), account))
    update = update_of(spec.sampling, spec.sampling.ends[1], options.convention).numbers
    return account.figures() | {"update": update} | save(account.samples(), out, options.grid)


class SampleAccount:
    """The figures of one sampling."""

    def __init__(self) -> None:
        """Start without figures."""
        self._figures: dict[str, Any] = {"device": "", "step": 0, "elapsed_s": 0.0, "steps_per_s": math.nan}
        self._samples: Samples | None = None

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case Started():
                self._figures["device"] = event.device
            case Progress():
                self._figures |= {"step": event.step, "elapsed_s": event.elapsed_s, "steps_per_s": event.rate}
            case ChainReport() if not len(event.true_weights):
                known = {"distance": event.distance, "exact_distance": event.exact_distance, "alive": event.alive}
                self._figures |= known | _proposals(event) | _errors(event.score_errors)
            case ChainReport():
                self._figures |= (
                    {
                        "mode_weights": event.mode_weights.tolist(),
                        "true_weights": event.true_weights.tolist(),
                        "within_std": event.within_std,
                        "predicted_std": event.predicted_std,
                        "exact_weight_error": event.exact_weight_error,
                        "alive": event.alive,
                    }
                    | _proposals(event)
                    | _errors(event.score_errors)
                )
            case Samples():
                self._samples = event
                self._figures |= {"n": len(event.x_hat), "seed": event.seed}
            case Verdicts():
                self._figures |= _ends(event)
            case Finished():
                self._figures |= {"step": event.step, "elapsed_s": event.elapsed_s, "text": event.text}
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Return the current figures of the sampling, by name."""
        return dict(self._figures)

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return f"Stopped at step {self._figures['step']}; no samples were written."

    def samples(self) -> Samples:
        """Return the samples of a finished job."""
        if self._samples is None:
            raise RuntimeError("the sampling job finished without samples")
        return self._samples


def _proposals(event: ChainReport) -> dict[str, float]:
    """Return the share of accepted proposals and the adapted r, by name; nothing for samplers without proposals."""
    return {} if math.isnan(event.acceptance) else {"acceptance": event.acceptance, "adapted_r": event.step_ratio}


def _errors(found: ScoreErrors | None) -> dict[str, Any]:
    """Return the errors of the learned score by level, and the largest, by name; nothing without any."""
    if found is None:
        return {}
    columns = zip(found.sigma_eff.tolist(), found.error.tolist(), found.share, strict=True)
    rows = [
        {"sigma_eff": sigma, "error": error, "where": dict(zip(REGIONS, share.tolist(), strict=True))}
        for sigma, error, share in columns
    ]
    worst = {} if found.worst is None else rows[found.worst]
    largest = {"score_error": worst["error"], "score_error_at_sigma_eff": worst["sigma_eff"]} if worst else {}
    return largest | {"score_errors": rows, "trained_sigma_eff": list(found.trained)}


def _ends(event: Verdicts) -> dict[str, Any]:
    """Return the final figures of image chains, by name; distances of [0, 1] pixels are half of those of [-1, 1]."""
    return {
        "lived": event.lived,
        "dead": dict(Counter(event.dead.values())),
        "verdicts": list(event.verdict),
        "judged_by": event.features,
        "class_shares": dict(zip(event.class_names, event.shares.tolist(), strict=True)),
        "mean_distance": event.mean_distance,
        "data_mean_distance": event.data_mean_distance,
        "mean_distance_unit_pixels": event.mean_distance / 2,
        "data_mean_distance_unit_pixels": event.data_mean_distance / 2,
    }


def _job(options: Sample, spec: ExperimentSpec, run: Path | None) -> Iterator[Event]:
    compute_with(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.sampling.sample import sample as job
    from msd_engine.specs.live import Every

    cadence = Every(FRAMES_HZ)
    return job(spec, run_dir=run, data_dir=options.data_dir, device=options.device, cadence=cadence)


def save(
    samples: Samples, out: Path, grid: Path | None, *, columns: int | None = None, job: JobName = "sample"
) -> dict[str, str]:
    """Write samples as a sample file and optionally as a picture.

    Args:
        samples: The samples.
        out: The sample file.
        grid: The picture of all samples, for images; None for none.
        columns: Samples in a row of the picture; None for a nearly square picture.
        job: The job of `msd run` with these files.

    Returns:
        The written paths, by option.

    Raises:
        UserError: A file cannot be written.
    """
    from msd_engine.runs.pictures import grid_tiles, image_grid, readable_scale, save_png
    from msd_engine.runs.samples import save_samples

    spec_json = for_job(samples.spec_json, job)
    save_samples(out, samples.x_hat, samples.y, samples.seed, spec_json)
    if grid is None:
        return {"out": str(out)}
    scale = readable_scale(samples.x_hat.shape[2])
    pixels = image_grid(samples.x_hat, scale=scale, columns=columns)
    save_png(grid, pixels, spec_json, grid_tiles(samples.x_hat.shape, scale=scale, columns=columns))
    return {"out": str(out), "grid": str(grid)}

"""`msd sample`: chained Langevin dynamics into a sample file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msd_engine.cli.fields import given_fields, with_fields
from msd_engine.cli.following import follow
from msd_engine.cli.inputs import check_writable, is_given, spec_of, spec_of_run
from msd_engine.cli.options import Sample
from msd_engine.cli.outcome import RefusedError, say
from msd_engine.events import ChainReport, Event, Finished, Progress, Samples, Started, Verdicts
from msd_engine.specs import ExperimentSpec, model_folder, pretrained_for

FRAMES_HZ = 2.0
"""How often the job makes something to be shown."""


def sample(options: Sample) -> dict[str, Any]:
    """Carry out the command.

    Args:
        options: The command line.

    Returns:
        The figures of the samples.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged, or cannot be written.
    """
    if is_given(options.preset) + is_given(options.model) + (options.run is not None) != 1:
        raise RefusedError("Give either a trained run folder, --preset NAME or --model NAME.")
    if options.out is None:
        raise RefusedError("Give the sample file with --out FILE.npz.")
    check_writable(options.out, ".npz")
    spec = _spec(options)
    if options.grid is not None:
        check_writable(options.grid, ".png")
        if spec.data.kind != "images":
            raise RefusedError("--grid shows images, but the samples of a mixture are points; leave it out.")
    run = _run(options, spec)
    account = SampleAccount()
    account.take(follow(_job(options, spec, run), account))
    return account.figures() | _save(options, account.samples())


class SampleAccount:
    """The figures of one sampling."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._figures: dict[str, Any] = {"device": "", "step": 0, "elapsed_s": 0.0, "steps_per_s": math.nan}
        self._samples: Samples | None = None

    def take(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case Started():
                self._figures["device"] = event.device
            case Progress():
                self._figures |= {"step": event.step, "elapsed_s": event.elapsed_s, "steps_per_s": event.rate}
            case ChainReport():
                self._figures |= {
                    "mode_weights": event.mode_weights.tolist(),
                    "true_weights": event.true_weights.tolist(),
                    "within_std": event.within_std,
                    "predicted_std": event.predicted_std,
                    "alive": event.alive,
                }
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
        """Return what is known of the sampling, by name."""
        return dict(self._figures)

    def way_on(self) -> str:
        """Say what the user is left with."""
        return f"Stopped at step {self._figures['step']}; no samples were written."

    def samples(self) -> Samples:
        """Return the samples of a job that has finished."""
        if self._samples is None:
            raise RuntimeError("the sampling job finished without samples")
        return self._samples


def _ends(event: Verdicts) -> dict[str, Any]:
    """Return how chains of images have ended, by name; distances of [0, 1] pixels are half of those of [-1, 1]."""
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


def _spec(options: Sample) -> ExperimentSpec:
    given = given_fields(options.fields) | ({"sampling.chains": options.n} if is_given(options.n) else {})
    if is_given(options.model):
        return spec_of_run(model_folder(options.model), given)
    return with_fields(spec_of(options.preset), given) if options.run is None else spec_of_run(options.run, given)


def _run(options: Sample, spec: ExperimentSpec) -> Path | None:
    """Return the run to sample from; where none was named and one is needed, a pretrained model."""
    if is_given(options.model):
        return model_folder(options.model)
    if options.run is not None or spec.sampling.source == "exact":
        return options.run
    card = pretrained_for(spec)
    if card is None:
        raise RefusedError(
            "This preset samples from a trained denoiser, and no pretrained model fits it: train it first and give the "
            "run folder, or ask for the exact score with --sampling.source exact."
        )
    say(f"Samples come from the pretrained model {card.name}.")
    return model_folder(card.name)


def _job(options: Sample, spec: ExperimentSpec, run: Path | None) -> Iterator[Event]:
    # Imported here: the job brings torch, and a refusal should not wait for it.
    from msd_engine.jobs.cadence import Every
    from msd_engine.jobs.sample import sample as job

    cadence = Every(FRAMES_HZ)
    return job(spec, run_dir=run, data_dir=options.data_dir, device=options.device, cadence=cadence)


def _save(options: Sample, samples: Samples) -> dict[str, str]:
    from msd_engine.runs.pictures import image_grid, readable_scale, save_png
    from msd_engine.runs.samples import save_samples

    paths = {"out": str(options.out)}
    save_samples(paths["out"], samples.x_hat, samples.y, samples.seed, samples.spec_json)
    if options.grid is not None:
        pixels = image_grid(samples.x_hat, scale=readable_scale(samples.x_hat.shape[2]))
        save_png(options.grid, pixels, samples.spec_json)
        paths["grid"] = str(options.grid)
    return paths

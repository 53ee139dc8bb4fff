"""`msd likelihood`: log-likelihoods of data by the probability flow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msd_engine.cli.fields import given_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import check_one_source, chosen_source, compute_with, count_of, is_given
from msd_engine.cli.noise import Likelihood
from msd_engine.events import Event, Finished
from msd_engine.events.noise import Likelihood as Found
from msd_engine.specs import ExperimentSpec


def likelihood(options: Likelihood) -> dict[str, Any]:
    """Compute the log-likelihoods, and return their mean by the flow and exactly.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged.
    """
    check_one_source(options.run, options.preset, options.model)
    n = count_of(options.n, "--n") if is_given(options.n) else 0
    spec, run = chosen_source(options.run, options.preset, options.model, given_fields(options.fields))
    account = _Account()
    follow(_job(options, spec, run, n), account)
    return account.figures()


class _Account:
    """Collects the figures."""

    def __init__(self) -> None:
        self._figures: dict[str, Any] = {}

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case Found():
                numbers = {
                    "flow": event.mean,
                    "standard_error": event.standard_error,
                    "exact": event.exact_mean,
                    "largest_error": event.largest_error,
                }
                known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
                n, noise = len(event.flow), event.sigma_eff
                self._figures = {"n": n, "sigma_eff": noise, **known, "evaluations": event.evaluations}
            case Finished():
                self._figures["text"] = event.text
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Return the current figures, by name."""
        return dict(self._figures)

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return "Stopped before the end; nothing was written."


def _job(options: Likelihood, spec: ExperimentSpec, run: Path | None, n: int) -> Iterator[Event]:
    compute_with(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.noise.likelihood import likelihood as job
    from msd_engine.specs.live import Every

    return job(spec, n=n, run_dir=run, data_dir=options.data_dir, device=options.device, cadence=Every(FRAMES_HZ))

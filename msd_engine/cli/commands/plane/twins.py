"""`msd twins`: chains of k copies beside their one-sample twins, and the copies split into ȳ and residuals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msd_engine.cli.fields import NOT_GIVEN, given_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import check_one_source, chosen_source, compute_with
from msd_engine.cli.plane import Twins
from msd_engine.events import Event, Finished, Split, TwinSegment
from msd_engine.specs import ExperimentSpec


def twins(options: Twins) -> dict[str, Any]:
    """Walk the chains and their twins, and return their largest distance and the split.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged.
    """
    check_one_source(options.run, options.preset, NOT_GIVEN)
    spec, run = chosen_source(options.run, options.preset, NOT_GIVEN, given_fields(options.fields))
    account = _Account()
    follow(_job(options, spec, run), account)
    return account.figures()


class _Account:
    """Collects the figures."""

    def __init__(self) -> None:
        self._figures: dict[str, Any] = {"distance": math.nan}

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case TwinSegment() if len(event.distance):
                self._figures["distance"] = float(event.distance[-1])
            case Split():
                self._figures |= {
                    "thermometer": event.thermometer,
                    "predicted_thermometer": event.predicted,
                    "autocorrelation": event.residuals.tolist(),
                    "predicted_autocorrelation": event.expected.tolist(),
                    "autocorrelation_of_means": event.means.tolist(),
                }
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


def _job(options: Twins, spec: ExperimentSpec, run: Path | None) -> Iterator[Event]:
    compute_with(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.sampling.twins import twins as job
    from msd_engine.specs.live import Every

    return job(spec, run_dir=run, cadence=Every(FRAMES_HZ))

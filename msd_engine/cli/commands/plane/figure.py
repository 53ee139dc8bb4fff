"""`msd figure`: a figure of the papers by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import compute_with
from msd_engine.cli.outcome import RefusedError
from msd_engine.cli.plane import Figure
from msd_engine.events import Event, Finished


def figure(options: Figure) -> dict[str, Any]:
    """Compute and write a figure, and return its path with what to look at.

    Raises:
        RefusedError: No file is named.
        CutShortError: The job failed or was stopped.
    """
    if options.out is None:
        raise RefusedError("Name the file with --out FILE.svg, FILE.pdf or FILE.png.")
    account = _Account()
    follow(_job(options, options.out), account)
    return account.figures()


class _Account:
    """Keeps the outcome."""

    def __init__(self) -> None:
        self._figures: dict[str, Any] = {}

    def take(self, event: Event) -> None:
        """Process one event."""
        if isinstance(event, Finished):
            self._figures = {"out": event.path, "elapsed_s": event.elapsed_s, "text": event.text}

    def figures(self) -> dict[str, Any]:
        """Return path, seconds and sentences, by name."""
        return dict(self._figures)

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return "Stopped; nothing was written."


def _job(options: Figure, out: Path) -> Iterator[Event]:
    compute_with(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.figures.paper_figures import paper_figure
    from msd_engine.specs.live import Every

    return paper_figure(options.name, out, run_dir=options.run, cadence=Every(FRAMES_HZ))

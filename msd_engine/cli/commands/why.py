"""`msd why`: the experiment on why chains die."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msd_engine.cli.fields import given_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import check_one_source, chosen_source, compute_with, count_of, is_given
from msd_engine.cli.options import Why
from msd_engine.cli.outcome import say
from msd_engine.events import Event, Explained, Trial
from msd_engine.specs import ExperimentSpec


def why(options: Why) -> dict[str, Any]:
    """Draw the same chains with one change each, and return the counts and the cause.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged.
    """
    check_one_source(options.run, options.preset, options.model)
    count = count_of(options.n, "--n") if is_given(options.n) else 0
    spec, run = chosen_source(options.run, options.preset, options.model, given_fields(options.fields))
    account = _Account()
    follow(_job(options, spec, run, count), account)
    if not options.json:
        return {"text": table(account.explained)}
    say(table(account.explained))
    return account.figures()


class _Account:
    """Collects the counts."""

    def __init__(self) -> None:
        self.explained = Explained("", (), 0)

    def take(self, event: Event) -> None:
        """Process one event."""
        if isinstance(event, Explained):
            self.explained = event

    def figures(self) -> dict[str, Any]:
        """Return the counts so far and, at the end, the cause with its remedy."""
        trials, cause = self.explained.trials, self.explained.cause
        return {
            "trials": [
                {
                    "change": one.title,
                    "values": dict(one.values),
                    "survived": one.survived,
                    "n": one.count,
                    "chance": one.chance,
                }
                for one in trials
            ],
            "cause": cause.cause if cause is not None else None,
            "remedy": dict(cause.values) if cause is not None else None,
            "text": self.explained.text,
        }

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return f"Stopped before the end. {self.explained.text}"


def table(explained: Explained) -> str:
    """Return the counts as a table for people, with the conclusion below."""
    width = max((len(trial.title) for trial in explained.trials), default=0)
    head = [explained.subject] if explained.trials and explained.subject else []
    lines = [
        f"{trial.title:{width}}  {trial.survived:5} of {trial.count}{_chance(trial)}" for trial in explained.trials
    ]
    return "\n".join([*head, *lines, explained.text])


def _chance(trial: Trial) -> str:
    return f"   by chance in {100 * trial.chance:.2g} %" if trial.cause else ""


def _job(options: Why, spec: ExperimentSpec, run: Path | None, count: int) -> Iterator[Event]:
    compute_with(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.sampling.why import why as job
    from msd_engine.specs.live import Every

    return job(
        spec,
        chains=count,
        fault=options.fault,
        run_dir=run,
        data_dir=options.data_dir,
        device=options.device,
        cadence=Every(FRAMES_HZ),
    )

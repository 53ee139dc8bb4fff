"""`msd reproduce`: the experiments of the papers on one page, whole, in part, or within a time limit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from msd_engine.cli.commands.sweep import SweepAccount, given_lists
from msd_engine.cli.fields import NOT_GIVEN, given_fields, no_commas, with_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import is_given, threads_given
from msd_engine.cli.options import Reproduce
from msd_engine.cli.outcome import RefusedError, say
from msd_engine.events import Event
from msd_engine.events.noise import NoiseSamples, NoiseTable
from msd_engine.specs import SpecError
from msd_engine.specs.reproduction import (
    NOISE_SEEDS,
    NoiseReported,
    NoisesSpec,
    Reported,
    Reproduction,
    noise_reproduction,
    reproduction,
)


def reproduce(options: Reproduce) -> dict[str, Any]:
    """Repeat the experiments and return the figures of the comparison, with the path of the page.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged.
    """
    if options.out is None:
        raise RefusedError("Give the folder of the page with --out DIR.")
    if is_given(options.scale) and is_given(options.minutes):
        raise RefusedError("Give either --scale S or --minutes M.")
    what = options.what
    if what == "noise-mnist" or what == "noise-cifar10":
        return _noises(options, what)
    account = SweepAccount(options.out, "repeat the command")
    finished = follow(_job(options, _plan(options, what)), account)
    account.take(finished)
    figures = account.figures() | {"page": finished.path}
    if not options.json:
        print("\n".join(figures["findings"]))
        del figures["rows"], figures["findings"]
    return figures


def _noises(options: Reproduce, what: NoiseReported) -> dict[str, Any]:
    if is_given(options.ks) or is_given(options.modes):
        raise RefusedError("A comparison of noises has one k and no modes: leave out --ks and --modes.")
    seeds: tuple[int, ...] = given_lists(NOT_GIVEN, options.seeds, NOT_GIVEN).get("seeds", NOISE_SEEDS)
    plan, budget = noise_reproduction(what, seeds=seeds, **_budget(options))
    plan = plan.replace("base", with_fields(plan.base, given_fields(options.fields)))
    account = _NoisesAccount()
    finished = follow(_noises_job(options, plan, budget), account)
    figures = account.figures() | {"page": finished.path, "elapsed_s": finished.elapsed_s}
    if not options.json:
        print(figures["finding"], figures["note"], sep="\n")
        del figures["rows"], figures["finding"], figures["note"]
    return figures


class _NoisesAccount:
    """Keeps the newest table."""

    def __init__(self) -> None:
        self._table: NoiseTable | None = None

    def take(self, event: Event) -> None:
        """Process one event."""
        if isinstance(event, NoiseSamples):
            figures = ", ".join(f"{name} {value:.4g}" for name, value in event.figures.items())
            say(f"{event.noise} noise, seed {event.seed}, {event.steps} steps: {figures}.")
        elif isinstance(event, NoiseTable):
            self._table = event

    def figures(self) -> dict[str, Any]:
        """Return the table so far."""
        table = self._table
        if table is None:
            return {}
        rows = [json_values(dataclasses.asdict(row)) for row in table.rows]
        return {"rows": rows, "finding": table.finding, "note": table.note} | {
            "chains": table.chains,
            "features": table.features,
        }

    def how_to_continue(self) -> str:
        """Return how to continue."""
        done = f"{self._table.done} of {self._table.total} sets of samples are measured" if self._table else "Stopped"
        return f"{done}, the rest is saved; repeat the command."


def json_values(value: Any) -> Any:
    """Return plain values for JSON; numbers that are not finite become None."""
    if isinstance(value, dict):
        return {name: json_values(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _noises_job(options: Reproduce, plan: NoisesSpec, budget: str) -> Iterator[Event]:
    threads = threads_given(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.noise.compare import compare_noises
    from msd_engine.specs.live import Every

    assert options.out is not None
    return compare_noises(
        plan,
        options.out,
        budget=budget,
        data_dir=options.data_dir,
        device=options.device,
        cadence=Every(FRAMES_HZ),
        threads=threads,
    )


def _budget(options: Reproduce) -> dict[str, float]:
    return {
        name: _number(name, getattr(options, name)) for name in ("scale", "minutes") if is_given(getattr(options, name))
    }


def _plan(options: Reproduce, what: Reported) -> Reproduction:
    plan = reproduction(what, **_budget(options), **given_lists(options.ks, options.seeds, options.modes))
    given = given_fields(options.fields)
    return replace(plan, spec=plan.spec.replace("base", with_fields(plan.spec.base, given)))


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SpecError(name, f"--{name} must be a number, but is {text!r}{no_commas(text)}.") from None


def _job(options: Reproduce, plan: Reproduction) -> Iterator[Event]:
    threads = threads_given(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.sweep.reproduce import reproduce as job
    from msd_engine.specs.live import Every

    assert options.out is not None
    return job(
        plan,
        options.out,
        data_dir=options.data_dir,
        device=options.device,
        cadence=Every(FRAMES_HZ),
        threads=threads,
    )

"""`msd reproduce`: the report's experiments on one page, complete, in part, or within a time limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from msd_engine.cli.commands.sweep import SweepAccount, given_lists
from msd_engine.cli.fields import given_fields, no_commas, with_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import is_given, threads_given
from msd_engine.cli.options import Reproduce
from msd_engine.cli.outcome import RefusedError
from msd_engine.events import Event
from msd_engine.specs import SpecError
from msd_engine.specs.reproduction import Reproduction, reproduction


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
    account = SweepAccount(options.out, "repeat the command")
    finished = follow(_job(options, _plan(options)), account)
    account.take(finished)
    figures = account.figures() | {"page": finished.path}
    if not options.json:
        print("\n".join(figures["findings"]))
        del figures["rows"], figures["findings"]
    return figures


def _plan(options: Reproduce) -> Reproduction:
    numbers = {
        name: _number(name, getattr(options, name)) for name in ("scale", "minutes") if is_given(getattr(options, name))
    }
    plan = reproduction(options.what, **numbers, **given_lists(options.ks, options.seeds, options.modes))
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

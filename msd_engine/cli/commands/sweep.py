"""`msd sweep`: start, resume or extend a comparison of numbers of copies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msd_engine.cli.fields import NOT_GIVEN, given_fields, with_fields
from msd_engine.cli.follow import follow
from msd_engine.cli.inputs import budget, check_as_begun, folder_of, is_given, is_repeatable, job_options, spec_of
from msd_engine.cli.options import Sweep
from msd_engine.cli.outcome import RefusedError, runs_again
from msd_engine.events import ChildEnded, Event, Finished, Progress, Started, SweepTable
from msd_engine.runs.layout import SWEEP
from msd_engine.specs import ExperimentSpec, SpecError, SweepSpec
from msd_engine.specs.nets import FUSIONS
from msd_engine.specs.sweep import MODES, parse_list
from msd_engine.specs.tables.places import cards_of


def sweep(options: Sweep) -> dict[str, Any]:
    """Run the comparison and return its figures.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged.
    """
    folder = folder_of(options, "DIR")
    repeatable = is_repeatable(options)
    with runs_again(f"{folder} is stopped and saved; run the same command again.", wanted=repeatable):
        spec = _new(options) if options.resume is None or repeatable else _resumed(options, folder)
        account = SweepAccount(folder)
        resume = (folder / SWEEP).exists() or (options.resume is not None and not repeatable)
        account.take(follow(_job(options, spec, folder, resume=resume), account))
    figures = account.figures()
    figures |= _export(folder, anew=not account.was_done)
    if not options.json:
        from msd_engine.runs.report.tables import markdown_text

        print(markdown_text(account.table().rows, account.table().findings))
        del figures["rows"], figures["findings"]
    return figures


class SweepAccount:
    """The figures of one comparison.

    Attributes:
        was_done: Whether all runs had their results before the job began.
    """

    def __init__(self, folder: Path, onwards: str = "") -> None:
        """Store the sweep folder.

        Args:
            folder: The folder.
            onwards: How to continue after a stop; empty for the usual command.
        """
        self._onwards = onwards or f"continue with: msd sweep --resume {folder}"
        self._figures: dict[str, Any] = {"out": str(folder), "device": "", "elapsed_s": 0.0}
        self._table: SweepTable | None = None
        self.was_done = False

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case Started():
                self._figures["device"] = event.device
                self.was_done = event.step == event.total
            case ChildEnded():
                from msd_engine.cli.outcome import say

                say(f"{event.name}: {event.text} Error {event.error:.4g}." if not event.failed else event.text)
            case SweepTable():
                self._table = event
            case Progress():
                self._figures["elapsed_s"] = event.elapsed_s
            case Finished():
                self._figures |= {"elapsed_s": event.elapsed_s, "text": event.text}
            case _:
                pass

    def table(self) -> SweepTable:
        """Return the table of a started job."""
        if self._table is None:
            raise RuntimeError("the comparison reported no table")
        return self._table

    def figures(self) -> dict[str, Any]:
        """Return the current figures of the comparison, by name."""
        found = dict(self._figures)
        if self._table is not None:
            from msd_engine.runs.report.tables import json_rows

            found |= {"done": self._table.done, "total": self._table.total, "findings": list(self._table.findings)}
            found["rows"] = json_rows(self._table.rows)
        return found

    def how_to_continue(self) -> str:
        """Return how to continue."""
        done = f"{self._table.done} of {self._table.total} runs are done" if self._table else "Stopped"
        return f"{done}, the rest is saved; {self._onwards}"


def _job(options: Sweep, spec: SweepSpec, folder: Path, *, resume: bool) -> Iterator[Event]:
    from msd_engine.jobs.sweep.story import is_done, open_sweep

    if resume and is_done(folder, spec):
        return open_sweep(folder)
    # Imported here: the job imports torch, and neither a refusal nor a finished comparison should wait for it.
    from msd_engine.jobs.sweep.sweep import sweep as job

    on = options.on if is_given(options.on) else ""
    gpus = cards_of(options.gpus, on) if is_given(options.gpus) else None
    return job(spec, folder, on=on, gpus=gpus, **job_options(options, resume=resume))


def _new(options: Sweep) -> SweepSpec:
    plan = _plan_of(options.preset)
    given = given_fields(options.fields)
    for path, flag in (("training.k", "--ks"), ("training.seed", "--seeds")):
        if path in given:
            raise RefusedError(f"{path} is what the comparison varies: give {flag} instead.")
    base: ExperimentSpec = with_fields(plan.base, budget(options.steps, options.seconds) | given)
    return plan.replace_all({"base": base, **_lists(options)})


def _plan_of(preset: str) -> SweepSpec:
    """Return the comparison of a file, or one of a preset with itself."""
    path = Path(preset)
    if is_plan(path):
        from msd_engine.runs.sweeps import SweepFolder, read_sweep

        return SweepFolder.open(path).spec if path.is_dir() else read_sweep(path)
    base = spec_of(preset)
    return SweepSpec(title=base.title, base=base)


def is_plan(path: Path) -> bool:
    """Return whether a file or folder holds a comparison."""
    if path.name == "sweep.json" or (path / "sweep.json").exists():
        return True
    if path.suffix != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        return b"msd-sweep-1" in file.read(200)


def _resumed(options: Sweep, folder: Path) -> SweepSpec:
    from msd_engine.runs.sweeps import SweepFolder

    sentence = "A comparison resumes unchanged: only --ks, --seeds, --modes and --fusions may add to it."
    check_as_begun(options, sentence, options.steps, options.seconds)
    return SweepFolder.open(folder).spec.with_more(**_lists(options))


def _lists(options: Sweep) -> dict[str, Any]:
    return given_lists(options.ks, options.seeds, options.modes, options.fusions)


def given_lists(ks: str, seeds: str, modes: str, fusions: str = NOT_GIVEN) -> dict[str, Any]:
    """Read the given lists of a comparison.

    Args:
        ks: The text of ``--ks``, or the mark of an omitted option.
        seeds: The same for ``--seeds``.
        modes: The same for ``--modes``.
        fusions: The same for ``--fusions``.

    Returns:
        The lists by name.

    Raises:
        SpecError: A list is malformed.
    """
    lists: dict[str, Any] = {}
    if is_given(ks):
        lists["ks"] = parse_list("ks", ks)
    if is_given(seeds):
        lists["seeds"] = parse_list("seeds", seeds)
    if is_given(modes):
        lists["modes"] = tuple(modes.replace(",", " ").split())
        if unknown := [mode for mode in lists["modes"] if mode not in MODES]:
            raise SpecError("modes", f"There is no mode {unknown[0]!r}; there are {' and '.join(MODES)}.")
    if is_given(fusions):
        lists["fusions"] = tuple(fusions.replace(",", " ").split())
        if unknown := [fusion for fusion in lists["fusions"] if fusion not in FUSIONS]:
            known = ", ".join(FUSIONS)
            raise SpecError("fusions", f"There is no fusion {unknown[0]!r} to compare; there are {known}.")
    return lists


def _export(folder: Path, *, anew: bool) -> dict[str, str]:
    from msd_engine.backend.files import write_atomically
    from msd_engine.jobs.sweep.export import SUFFIXES, all_exported
    from msd_engine.runs.sweeps import SweepFolder

    paths = {suffix: folder / f"comparison{suffix}" for suffix in SUFFIXES}
    missing = [suffix for suffix, path in paths.items() if anew or not path.exists()]
    if missing:
        for suffix, content in all_exported(SweepFolder.open(folder), missing).items():
            write_atomically(paths[suffix], content)
    return {suffix[1:]: str(path) for suffix, path in paths.items()}

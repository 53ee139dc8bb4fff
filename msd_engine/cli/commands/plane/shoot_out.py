"""`msd shoot-out`: samplers with the same number of evaluations, compared with the data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msd_engine.cli.fields import given_fields, with_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import compute_with, is_given, spec_of
from msd_engine.cli.outcome import RefusedError
from msd_engine.cli.plane import ShootOut
from msd_engine.events import Event, Finished, Progress, Started
from msd_engine.events.shoot_out.table import MEASURES, Quality, ShootOutRow, ShootOutTable
from msd_engine.specs import ExperimentSpec, preset_names
from msd_engine.specs.search.shoot_out import USUAL, ShootOutSpec, chosen, contender_of, usual_base
from msd_engine.specs.sweep import parse_list

_FILES = ("shoot-out.csv", "shoot-out.md", "shoot-out.svg")
_OWN = {
    "sampling.sampler": "give --samplers",
    "sampling.seed": "give --seeds",
    "sampling.source": "give --run RUN for a trained network",
}


def shoot_out(options: ShootOut) -> dict[str, Any]:
    """Compare samplers, print and write the table, and return its figures.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field or a sampler is unknown, or a value out of range.
        UserError: A file is missing or damaged.
    """
    spec, out = _spec(options), options.out
    if out is not None:
        # Imported here: it is not needed to refuse.
        from msd_engine.backend.files import make_folder, write_atomically

        make_folder(out)
    account = _Account(spec)
    account.take(follow(_job(options, spec), account))
    figures = account.figures()
    if out is not None:
        from msd_engine.jobs.shoot_out.export import exported

        for name in _FILES:
            write_atomically(out / name, exported(account.table, spec, Path(name).suffix))
        figures["out"] = str(out)
    if options.json:
        return figures
    from msd_engine.runs.report.shoot_out import table_text

    print(table_text(account.table))
    return {name: value for name, value in figures.items() if name in ("text", "elapsed_s", "out")}


def _spec(options: ShootOut) -> ShootOutSpec:
    base = _base(options)
    names = options.samplers or tuple(name for name in USUAL if _serves(name, base))
    fields: dict[str, Any] = {
        "base": base.model_dump(),
        "contenders": tuple(contender_of(words, base).model_dump() for words in names),
    }
    if options.evaluations:
        fields["evaluations"] = parse_list("--evaluations", " ".join(options.evaluations))
    if is_given(options.seeds):
        listed = parse_list("--seeds", options.seeds)
        if listed == (0,):
            raise RefusedError("--seeds 0 is no seed at all: give their number, such as 5, or a list, such as 0,1.")
        fields["seeds"] = tuple(range(listed[0])) if len(listed) == 1 else listed
    return ShootOutSpec.from_fields(fields)


def _base(options: ShootOut) -> ExperimentSpec:
    base = spec_of(options.spec)
    base = usual_base(base) if options.spec in preset_names() else base.replace("branch", None)
    given = given_fields(options.fields)
    for path, instead in _OWN.items():
        if path in given:
            raise RefusedError(f"{path} does not belong here: {instead}.")
    source = {} if options.run is None else {"sampling.source": "trained"}
    if source and base.sampling.needs_exact:
        source |= {"sampling.sampler": "langevin"}
    return with_fields(base, source | given)


def _serves(name: Any, base: ExperimentSpec) -> bool:
    return base.sampling.source == "exact" or not chosen(name, base).traits.needs_exact


class _Account:
    """Collects the table."""

    def __init__(self, spec: ShootOutSpec) -> None:
        self.table = ShootOutTable()
        self.elapsed_s = 0.0
        self._spec = spec
        self._device = ""

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case Started():
                self._device = event.device
            case ShootOutTable():
                self.table = event
            case Progress() | Finished():
                self.elapsed_s = event.elapsed_s
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Return the table so far as plain values; unknown ones are None."""
        rows, exact = [_plain(row) for row in self.table.rows], self.table.exact
        found = {"text": self.table.text, "device": self._device, "elapsed_s": self.elapsed_s}
        return found | {"seeds": self.table.seeds, "exact": _plain(exact) if exact else None, "rows": rows}

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return f"Stopped after {self.table.seeds} of {len(self._spec.seeds)} seeds. {self.table.text}".strip()


def _plain(row: ShootOutRow) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("title", "budget", "evaluations", "levels", "steps_per_level")}
    quality: dict[str, Any] = {measure: _ends(row.quality[measure]) for measure in MEASURES}
    by_seed = {measure: {str(seed): value for seed, value in row.by_seed[measure].items()} for measure in MEASURES}
    return plain | {"lost": row.lost, **quality, "by_seed": by_seed}


def _ends(quality: Quality) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in vars(quality).items()}


def _job(options: ShootOut, spec: ShootOutSpec) -> Iterator[Event]:
    compute_with(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.shoot_out.shoot_out import shoot_out as job
    from msd_engine.specs.live import Every

    return job(spec, run_dir=options.run, device=options.device, cadence=Every(FRAMES_HZ))

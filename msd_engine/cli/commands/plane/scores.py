"""`msd scores`: objectives side by side, compared by their scores with the exact one."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msd_engine.cli.fields import given_fields, with_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import check_writable, is_given, spec_of, threads_given
from msd_engine.cli.outcome import RefusedError
from msd_engine.cli.plane import Scores
from msd_engine.events import Event, Finished, Progress, ScoreRow, ScoreTable, Started
from msd_engine.events.scores.copies import CHANGES
from msd_engine.events.scores.table import PLACES, Spread
from msd_engine.specs import load_preset, preset_names
from msd_engine.specs.scores.spec import ScoresSpec, usual_base
from msd_engine.specs.sweep import parse_list

_SUFFIXES = (".csv", ".json")
_OWN = {
    "training.seconds": "objectives are compared after the same number of steps, --steps",
    "training.seed": "give --seeds",
    "training.objective": "give --objectives",
}
_HEAD = ("objective", "seeds", "failed", "ms/step", "by density", *PLACES[1:])


def scores(options: Scores) -> dict[str, Any]:
    """Compare objectives, print or write the table, and return its figures.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field or an objective is unknown, or a value out of range.
        UserError: A file is missing or damaged.
    """
    if options.out is not None:
        if options.out.suffix.lower() not in _SUFFIXES:
            raise RefusedError(f"{options.out} must end in .csv or .json.")
        check_writable(options.out, options.out.suffix.lower())
    spec = _spec(options)
    account = _Account(spec)
    account.take(follow(_job(options, spec), account))
    if options.out is not None:
        # Imported here: it is not needed to refuse.
        from msd_engine.backend.files import write_atomically

        whole = {"spec": json.loads(spec.to_json()), **account.figures()}
        is_csv = options.out.suffix.lower() == ".csv"
        text = csv_text(account.rows) if is_csv else json.dumps(whole, ensure_ascii=False)
        write_atomically(options.out, text.encode())
    if options.json:
        return account.figures()
    print(table(account.rows))
    if account.exact:
        print(f"\n{copies_table(account.rows, account.exact)}")
    return {"text": account.text, "elapsed_s": account.elapsed_s} | ({"out": str(options.out)} if options.out else {})


def _spec(options: Scores) -> ScoresSpec:
    name = options.preset if is_given(options.preset) else "two-gaussians"
    base = usual_base(load_preset(name)) if name in preset_names() else spec_of(name)
    given = given_fields(options.fields)
    for path, instead in _OWN.items():
        if path in given:
            raise RefusedError(f"{path} does not belong here: {instead}.")
    fields: dict[str, Any] = {"base": with_fields(base, given).model_dump()}
    if is_given(options.objectives):
        fields["contenders"] = tuple(re.findall(r"[^,\s]+", options.objectives))
    if is_given(options.seeds):
        fields["seeds"] = parse_list("--seeds", options.seeds)
    return ScoresSpec.from_fields(fields)


class _Account:
    """Collects the table."""

    def __init__(self, spec: ScoresSpec) -> None:
        self.rows: tuple[ScoreRow, ...] = ()
        self.text = ""
        self.exact: Mapping[str, float] = {}
        self.elapsed_s = 0.0
        self._spec = spec
        self._seeds = 0
        self._device = ""

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case Started():
                self._device = event.device
            case ScoreTable():
                self.rows, self.text, self._seeds = event.rows, event.text, event.seeds
                self.exact = event.moved
            case Progress() | Finished():
                self.elapsed_s = event.elapsed_s
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Return the table so far as plain values; unknown ones are None."""
        found = {"text": self.text, "device": self._device, "elapsed_s": self.elapsed_s, "seeds": self._seeds}
        exact = {"exact_moved": dict(self.exact)} if self.exact else {}
        return found | {"sigma_eff": self._spec.sigma_eff, "rows": [_plain(row) for row in self.rows]} | exact

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return f"Stopped after {self._seeds} of {len(self._spec.seeds)} seeds. {self.text}".strip()


def table(rows: Sequence[ScoreRow]) -> str:
    """Return the relative errors with the factors to the ends of their intervals, as a table for people."""
    lines: list[tuple[str, ...]] = [_HEAD]
    for row in rows:
        shown = [row.errors[place].times_over for place in PLACES]
        lines.append((row.title, f"{len(row.by_seed['data'])}", f"{row.failed}", f"{row.step_ms:.2f}", *shown))
    return _aligned(lines)


def copies_table(rows: Sequence[ScoreRow], exact: Mapping[str, float]) -> str:
    """Return the change of x̂ over σ_eff for each change of the copies, as a table for people."""
    lines: list[tuple[str, ...]] = [("change of x̂ / σ_eff", *CHANGES)]
    lines += [(row.title, *(row.moved[name].plus_minus for name in CHANGES)) for row in rows]
    return _aligned([*lines, ("exact", *(f"{exact[name]:.3f}" for name in CHANGES))])


def _aligned(lines: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def csv_text(rows: Sequence[ScoreRow]) -> str:
    """Return the table as CSV; unknown figures and ends of intervals are empty cells."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    ends = [f"{place}_{end}" for place in PLACES for end in ("mean", "low", "high")]
    moved = [f"{name}_{end}" for name in CHANGES for end in ("mean", "low", "high")]
    writer.writerow(("objective", "title", "uses_exact", "steps", "seeds", "failed", "step_ms", *ends, *moved))
    for row in rows:
        figures = [value for place in PLACES for value in vars(row.errors[place]).values()]
        figures += [value for name in CHANGES for value in _ends(row.moved.get(name))]
        head = (row.contender, row.title, row.uses_exact, row.steps, len(row.by_seed["data"]), row.failed, row.step_ms)
        writer.writerow(["" if value is None else value for value in map(_known, (*head, *figures))])
    return out.getvalue()


def _plain(row: ScoreRow) -> dict[str, Any]:
    errors = {
        place: {name: _known(value) for name, value in vars(spread).items()} for place, spread in row.errors.items()
    }
    by_seed = {
        place: {str(seed): _known(value) for seed, value in found.items()} for place, found in row.by_seed.items()
    }
    plain = {
        "objective": row.contender,
        "title": row.title,
        "uses_exact": row.uses_exact,
        "steps": row.steps,
        "failed": row.failed,
    }
    moved = {name: {end: _known(value) for end, value in vars(one).items()} for name, one in row.moved.items()}
    found = plain | {"step_ms": _known(row.step_ms), "errors": errors, "by_seed": by_seed}
    return found | ({"moved": moved} if moved else {})


def _ends(moved: Spread | None) -> Iterator[float]:
    return iter((math.nan,) * 3 if moved is None else vars(moved).values())


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _job(options: Scores, spec: ScoresSpec) -> Iterator[Event]:
    threads = threads_given(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.scores.scores import scores as job
    from msd_engine.specs.live import Every

    return job(spec, device=options.device, threads=threads, cadence=Every(FRAMES_HZ))

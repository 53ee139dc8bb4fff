"""`msd errors`: the error of a denoiser by k and σ_eff, beside the least possible one."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from msd_engine.cli.fields import NOT_GIVEN, given_fields
from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import check_one_source, check_writable, chosen_source, compute_with
from msd_engine.cli.outcome import RefusedError
from msd_engine.cli.plane import Errors
from msd_engine.events import Event, Finished
from msd_engine.events.by_k.charts import Quantity, chart
from msd_engine.events.by_k.table import ErrorsByK
from msd_engine.events.figures import SWEEP_SHEET
from msd_engine.specs import ExperimentSpec

_SUFFIXES = (".csv", ".svg", ".png", ".pdf")
_EXACT = "#7f7f7f"


def errors(options: Errors) -> dict[str, Any]:
    """Measure the errors, print or write them, and return them.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged.
    """
    check_one_source(options.run, options.preset, NOT_GIVEN)
    out = options.out
    if out is not None:
        if out.suffix.lower() not in _SUFFIXES:
            raise RefusedError(f"{out} must end in {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}.")
        check_writable(out, out.suffix.lower())
    spec, run = chosen_source(options.run, options.preset, NOT_GIVEN, given_fields(options.fields))
    account = _Account()
    account.take(follow(_job(options, spec, run), account))
    found = account.table
    assert found is not None
    if out is not None:
        # Imported here: it is not needed to refuse.
        from msd_engine.backend.files import write_atomically

        write_atomically(out, _content(found, spec, out.suffix.lower()))
    figures = account.figures() | ({"out": str(out)} if out else {})
    if options.json:
        return figures
    print(_table(found))
    return {name: value for name, value in figures.items() if name in ("text", "out")}


class _Account:
    """Collects the errors."""

    def __init__(self) -> None:
        self.table: ErrorsByK | None = None
        self.elapsed_s = 0.0

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case ErrorsByK():
                self.table = event
            case Finished():
                self.elapsed_s = event.elapsed_s
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Return the errors so far as plain values by name; unknown ones are None."""
        if self.table is None:
            return {}
        columns = {name: [_known(value) for value in column] for name, column in self.table.columns().items()}
        return {"text": self.table.text, "elapsed_s": self.elapsed_s, "ks": list(self.table.ks), "errors": columns}

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        return "Stopped before the end; nothing was written."


def _table(found: ErrorsByK) -> str:
    """Return the errors as a table for people, with the gap over the exact error for each k."""
    lines = [["σ_eff", "exact error", *(f"k = {k}" for k in found.ks)]]
    for at, sigma in enumerate(found.sigma_eff):
        gaps = [f"+{100 * gap:.2g} %" for gap in found.excess[:, at]]
        lines.append([f"{sigma:.3g}", f"{found.exact[at]:.3g} ± {found.exact_error[at]:.1g}", *gaps])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(c.rjust(width) for c, width in zip(line, widths, strict=True)) for line in lines)


def _content(found: ErrorsByK, spec: ExperimentSpec, suffix: str) -> bytes:
    if suffix == ".csv":
        out, columns = io.StringIO(), found.columns()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
        return out.getvalue().encode()
    from msd_engine.runs.pictures import add_text_to_png
    from msd_engine.runs.report.charts import side_by_side

    shown: list[Quantity] = ["error", "excess"] if found.ks else ["error"]
    charts = [chart(found, spec.training.k, one, _EXACT) for one in shown]
    picture = side_by_side(charts, suffix[1:], replace(SWEEP_SHEET, caption=found.text))
    return add_text_to_png(picture, spec.to_json()) if suffix == ".png" else picture


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _job(options: Errors, spec: ExperimentSpec, run: Path | None) -> Iterator[Event]:
    compute_with(options.threads)
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.sampling.errors_by_k import errors_by_k
    from msd_engine.specs.live import Every

    return errors_by_k(spec, run_dir=run, cadence=Every(FRAMES_HZ))

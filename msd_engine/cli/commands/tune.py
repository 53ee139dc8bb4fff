"""`msd tune`: the best chain of one network within a budget of evaluations."""

from __future__ import annotations

import io
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msd_engine.cli.follow import FRAMES_HZ, follow
from msd_engine.cli.inputs import check_writable, compute_with, count_of, is_given, spec_of_run
from msd_engine.cli.options import Tune
from msd_engine.cli.outcome import RefusedError, say
from msd_engine.events import Effect, Event, Figure, Finalist, Finished, Started, TuneReport, TuneRow, TuneTable
from msd_engine.specs import ExperimentSpec, for_job, model_folder, model_names
from msd_engine.specs.search.tune import TuneSpec
from msd_engine.specs.sweep import parse_list

_WIDE, _NARROWEST = 160, 100
_UNCLEAR = "unclear"


def tune(options: Tune) -> dict[str, Any]:
    """Search, print the table, and return the figures.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A value is out of range.
        UserError: A file or folder is missing or damaged, or cannot be written.
    """
    run = _network(options)
    if options.apply is not None:
        check_writable(options.apply, ".json")
    spec = _spec(options, run)
    account = TuneAccount(run)
    account.take(follow(_job(options, spec, run), account))
    report, table = account.report(), account.table()
    figures = account.figures()
    if options.apply is not None:
        # Imported here: a refusal should not wait for torch, imported by the file writers.
        from msd_engine.backend.files import write_atomically

        best = ExperimentSpec.from_json(report.best_json)
        write_atomically(options.apply, for_job(best.to_json(), "sample").encode())
        figures["out"] = str(options.apply)
        how = f"--preset {options.apply}" if run.name in model_names() else f"{options.apply} --network {run}"
        command = "sample" if run.name in model_names() else "run"
        say(f"Sample by it with: msd {command} {how} --out SAMPLES.npz")
    text = in_words(table, report)
    if options.json:
        say(text)
        return figures
    print(text)
    return {name: value for name, value in figures.items() if name in ("text", "out", "journal", "elapsed_s")}


class TuneAccount:
    """The figures of one search."""

    def __init__(self, run: Path) -> None:
        """Start without figures, for the network of a run."""
        self._run = run
        self._figures: dict[str, Any] = {"run": str(run), "device": "", "elapsed_s": 0.0}
        self._table: TuneTable | None = None
        self._report: TuneReport | None = None

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case Started():
                self._figures["device"] = event.device
            case TuneTable():
                self._table = event
            case TuneReport():
                self._report = event
            case Finished():
                self._figures |= {"elapsed_s": event.elapsed_s, "text": event.text, "journal": event.path}
            case _:
                pass

    def table(self) -> TuneTable:
        """Return the table of a finished job."""
        if self._table is None:
            raise RuntimeError("the search ended without a table")
        return self._table

    def report(self) -> TuneReport:
        """Return the report of a finished job."""
        if self._report is None:
            raise RuntimeError("the search ended without a report")
        return self._report

    def figures(self) -> dict[str, Any]:
        """Return the current figures of the search, by name."""
        found = dict(self._figures)
        if self._table is not None:
            found["candidates"] = [_row(row) for row in self._table.rows]
            found["rungs"] = list(self._table.rungs)
        if self._report is not None:
            report = self._report
            found["best"] = _row(report.finalists[0].row)
            found["finalists"] = [_finalist(finalist) for finalist in report.finalists]
            found["effects"] = [_effect(effect) for effect in report.effects]
            found |= {"features": report.features, "tuned_by": report.tuned_n, "reported_by": report.reported_n}
        return found

    def how_to_continue(self) -> str:
        """Return the state after a stop."""
        judged = sum(row.chains > 0 for row in self._table.rows) if self._table else 0
        return f"Stopped; {judged} chains are judged. The same command continues."


def in_words(table: TuneTable, report: TuneReport) -> str:
    """Return a search as tables for people: candidates by rung, the report of the other half, and what mattered."""
    # Imported here: commands without tables start faster.
    from rich.console import Console
    from rich.table import Table

    candidates = Table(title=f"Candidates: distance from {report.tuned_n} held-out images ({report.features})")
    candidates.add_column("chain")
    candidates.add_column("evaluations", justify="right")
    for number, chains in enumerate(table.rungs):
        last = number == len(table.rungs) - 1
        measure = "Fréchet" if last and table.rows[0].measure == "frechet" else "kernel"
        candidates.add_column(f"{measure}, {chains} chains", justify="right")
    candidates.add_column("95 % interval of the last", justify="right")
    for row in table.rows:
        found = [_short(value) for value in row.by_rung] + [""] * (len(table.rungs) - len(row.by_rung))
        candidates.add_row(row.words, str(row.evaluations), *found, _interval(row.low, row.high))
    n = report.finalists[0].n
    final = Table(title=f"The best: {n} chains by the other {report.reported_n} held-out images, which chose nothing")
    final.add_column("figure")
    for place, finalist in enumerate(report.finalists, start=1):
        name = "preset, network alone" if finalist.row.number < 0 else f"{place}. {finalist.row.words}"
        final.add_column(f"{name} ({finalist.row.evaluations} evaluations)", justify="right")
    final.add_column(f"{report.real_n} real images", justify="right")
    for figure in report.finalists[0].figures:
        others = [_named(finalist, figure.name) for finalist in report.finalists]
        cells = ["" if other is None else _with_interval(other) for other in others]
        spread = f" ± {figure.real_spread:.2g}" if math.isfinite(figure.real_spread) else ""
        final.add_row(figure.title, *cells, f"{_short(figure.real)}{spread}")
    effects = Table(title=f"What mattered, over {table.rungs[0]} chains of each candidate")
    effects.add_column("setting")
    effects.add_column("share of the variance of the log distance, alone", justify="right")
    effects.add_column("95 % interval", justify="right")
    order = sorted(report.effects, key=lambda one: (not one.clear, -one.share if one.share == one.share else 0.0))
    for effect in order:
        effects.add_row(
            effect.title,
            f"{effect.share:.2f}" if effect.clear else _UNCLEAR,
            _interval(effect.low, effect.high),
        )
    console = Console(file=io.StringIO(), width=max(_NARROWEST, shutil.get_terminal_size((_WIDE, 0)).columns))
    for part in (candidates, final, effects):
        console.print(part)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text.rstrip()


def _network(options: Tune) -> Path:
    """Return the folder of the network."""
    if is_given(options.run) == is_given(options.model):
        raise RefusedError("Give either a trained run folder or --model NAME.")
    if is_given(options.model):
        return model_folder(options.model)
    folder = Path(options.run).expanduser()
    return model_folder(options.run) if options.run in model_names() and not folder.exists() else folder


def _spec(options: Tune, run: Path) -> TuneSpec:
    values: dict[str, Any] = {"base": spec_of_run(run, {}).model_dump()}
    for name, text in (
        ("evaluations", options.evaluations),
        ("candidates", options.candidates),
        ("final", options.final),
    ):
        if is_given(text):
            values[name] = count_of(text, f"--{name}")
    if is_given(options.chains):
        values["rungs"] = parse_list("--chains", options.chains)
    if is_given(options.seed):
        (values["seed"],) = parse_list("--seed", options.seed)[:1]
    return TuneSpec.from_fields(values)


def _job(options: Tune, spec: TuneSpec, run: Path) -> Iterator[Event]:
    compute_with(options.threads)
    from msd_engine.jobs.tune.tune import tune as job
    from msd_engine.specs.live import Every

    return job(spec, run, data_dir=options.data_dir, device=options.device, cadence=Every(FRAMES_HZ))


def _row(row: TuneRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "origin": row.origin,
        "words": row.words,
        "values": dict(row.values),
        "evaluations": row.evaluations,
        "chains": row.chains,
        "measure": row.measure,
        "value": row.value,
        "interval": [row.low, row.high],
        "by_rung": list(row.by_rung),
    }


def _finalist(finalist: Finalist) -> dict[str, Any]:
    figures = {
        figure.name: {
            "value": figure.value,
            "interval": [figure.low, figure.high],
            "real": figure.real,
            "real_spread": figure.real_spread,
        }
        for figure in finalist.figures
    }
    return {"number": finalist.row.number, "words": finalist.row.words, "n": finalist.n, "figures": figures}


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "setting": effect.path,
        "share": effect.share,
        "interval": [effect.low, effect.high],
        "candidates": effect.count,
        "clear": effect.clear,
    }


def _named(finalist: Finalist, name: str) -> Figure | None:
    return next((figure for figure in finalist.figures if figure.name == name), None)


def _with_interval(figure: Figure) -> str:
    interval = _interval(figure.low, figure.high)
    return f"{_short(figure.value)} ({interval})" if interval else _short(figure.value)


def _interval(low: float, high: float) -> str:
    return f"{_short(low)} to {_short(high)}" if math.isfinite(low) and math.isfinite(high) else ""


def _short(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else ""

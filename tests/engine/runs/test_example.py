"""The example comparison that ships with the program: whole, small, and read by the ordinary readers."""

from __future__ import annotations

import math

from msd_engine.events import ChildEnded, ChildHeldOut, Finished, SweepTable
from msd_engine.jobs.sweep.export import exported
from msd_engine.jobs.sweep.story import open_sweep
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import example_folder

MOST_BYTES = 300_000


def test_every_run_is_finished_measured_and_in_the_table():
    events = list(open_sweep(example_folder()))
    assert isinstance(events[-1], Finished)
    spec = SweepFolder.open(example_folder()).spec
    assert spec.title.startswith("Example")
    assert len(spec.seeds) == 3
    assert len(spec.ks) > 2
    ended = [event for event in events if isinstance(event, ChildEnded)]
    assert {event.name for event in ended} == {child.name for child in spec.children()}
    assert not any(event.failed for event in ended)
    measured = [event.name for event in events if isinstance(event, ChildHeldOut)]
    assert all(measured.count(child.name) > 5 for child in spec.children())
    table = next(event for event in events if isinstance(event, SweepTable))
    assert table.done == table.total == len(spec.children())
    assert len(table.rows) == len(spec.ks) * len(spec.modes)
    assert all(math.isfinite(row.spread) and row.judged for row in table.rows)
    assert table.findings


def test_it_is_small_text_and_can_be_exported():
    files = [path for path in example_folder().rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".jsonl"}
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    plan = SweepFolder.open(example_folder())
    assert all(exported(plan, suffix) for suffix in (".csv", ".md"))

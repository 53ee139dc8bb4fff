"""Comparisons of runs that took different numbers of steps: one common step for all errors, or no judgement."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest

from msd_engine.events import HeldOutLoss, SweepTable
from msd_engine.events.sweep import TableRow, moment
from msd_engine.jobs.sweep.story import open_sweep
from msd_engine.metrics.errors.comparison import table
from msd_engine.metrics.errors.findings import findings
from msd_engine.runs.report.page import PageContent, page
from msd_engine.runs.report.tables import csv_text, markdown_text
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import load_preset
from msd_engine.specs.sweep import SweepResult, SweepSpec

SEEDS = (0, 1, 2)
EVERY = 20
JUDGING = ("Confirmed", "Refuted", "Cannot be told", "learning harder", "did for learning", "one of learning", "alone")


def plan(schedule: str = "cosine") -> SweepSpec:
    base = load_preset("digits-30s").replace_all({"training.schedule": schedule, "training.seconds": 12.0})
    return SweepSpec(base=base, ks=(1, 8), seeds=SEEDS)


def error(step: int, *, k: int, mode: str, seed: int) -> float:
    """Return an error that falls with the steps, and with k at the same σ alone: copies change no learning."""
    share = 0.4 if (k, mode) == (8, "same-sigma") else 1.0
    return 100.0 * share * step**-0.5 * (1.0 + 0.001 * seed)


def point(step: int, value: float) -> HeldOutLoss:
    bands = np.array([0.5, 2.0])
    return HeldOutLoss(
        step, value, 0.1 * step, bands, value * np.array([0.5, 1.5]), np.full(2, math.nan), math.nan, 0.1
    )


def made(steps: dict[int, int], schedule: str = "cosine") -> tuple[SweepSpec, list[SweepResult], dict[str, list]]:
    """Return a comparison whose runs of k took ``steps[k]`` steps, measured every 20 steps and at the end."""
    spec, results, curves = plan(schedule), [], {}
    for child in spec.children():
        kind = {"k": child.k, "mode": child.modes[0], "seed": child.seed}
        last = steps[child.k]
        final = error(last, **kind)
        measured = sorted({*range(EVERY, last + 1, EVERY), last})
        curves[child.name] = [point(step, error(step, **kind)) for step in measured]
        results.append(
            SweepResult(
                name=child.name, k=child.k, seed=child.seed, modes=child.modes, status="finished", step=last,
                elapsed_s=12.0, error=final, floor=1.0, band_sigma_eff=(0.5, 2.0), band_error=(final, final),
                band_floor=(0.1, 0.2),
            )
        )  # fmt: skip
    return spec, results, curves


def by_key(rows: tuple[TableRow, ...]) -> dict[tuple[str, int], TableRow]:
    return {(row.mode, row.k): row for row in rows}


@pytest.mark.parametrize("curves_known", [True, False])
def test_24_steps_against_269_are_never_judged(curves_known: bool) -> None:
    spec, results, curves = made({1: 269, 8: 24})
    rows = table(spec, results, curves if curves_known else {})
    (sentence,) = findings(rows)
    assert "24 to 269 steps" in sentence
    assert "budget in steps" in sentence
    assert not any(words in sentence for words in JUDGING)
    assert {row.steps_in_words for row in rows} == {"24", "269"}
    last = by_key(rows)["same-sigma-eff", 8]
    if curves_known:
        # The ratio at the end would be √(269/24): the copies did no harm.
        assert last.ratio == pytest.approx(1.0)
        assert (last.compared_at, moment(rows)) == (20.0, "Error at step 20")
    else:
        assert math.isnan(last.ratio)
        assert moment(rows) == "Final error"


def test_a_constant_rate_is_judged_at_the_common_step() -> None:
    spec, results, curves = made({1: 269, 8: 24}, "constant")
    rows = table(spec, results, curves)
    steps, fall, same, share = findings(rows)
    assert "24 to 269 steps" in steps
    assert "step 20" in steps
    assert fall.startswith("Confirmed: ")
    assert "ratio 0.400" in fall
    assert same.startswith("Confirmed to within 5 %")
    assert "100 % is σ/√k alone" in share
    # With the errors of the ends it would have been said of this comparison.
    ends = findings(table(spec, [result.replace("step", 24) for result in results]))
    assert "learning makes this difference" in ends[-1]
    for row in rows:
        kind = {"k": row.k, "mode": row.mode}
        assert row.by_seed == {seed: pytest.approx(error(20, seed=seed, **kind)) for seed in SEEDS}
        assert row.band_error == pytest.approx(row.error * np.array([0.5, 1.5]))
        # The bands of the floor belong to other draws.
        assert np.isnan(row.band_floor).all()
        assert row.floor == 1.0


@pytest.mark.parametrize("longer", [110, 119])
def test_runs_of_about_the_same_length_are_judged(longer: int) -> None:
    judged = longer <= 110
    spec, results, curves = made({1: longer, 8: 100})
    rows = table(spec, results, curves)
    assert {row.compared_at for row in rows} == {100.0}
    assert {row.judged for row in rows} == {judged}
    assert len(findings(rows)) == (4 if judged else 1)


def test_equal_steps_are_compared_at_the_end() -> None:
    spec, results, curves = made({1: 50, 8: 50})
    rows = table(spec, results, curves)
    assert rows[0].error == pytest.approx(np.mean([error(50, k=1, mode="same-sigma", seed=seed) for seed in SEEDS]))
    assert len(findings(rows)) == 3
    assert moment(rows) == "Final error"
    assert {row.steps_in_words for row in rows} == {"50"}


def test_a_run_that_ended_before_the_first_common_measurement_leaves_no_ratio() -> None:
    spec, results, curves = made({1: 269, 8: 12})
    rows = table(spec, results, curves)
    (sentence,) = findings(rows)
    assert "at no step that all of them reached" in sentence
    assert all(math.isnan(row.ratio) for row in rows)


def test_random_lengths_never_blame_or_praise_the_copies() -> None:
    draws = np.random.default_rng(0)
    judged = 0
    for _ in range(100):
        lengths = {k: int(steps) for k, steps in zip((1, 8), draws.integers(12, 300, 2), strict=True)}
        schedule = str(draws.choice(["cosine", "cooldown", "constant"]))
        rows = table(*made(lengths, schedule))
        text = " ".join(findings(rows))
        judged += "Confirmed" in text
        assert not any(words in text for words in ("Refuted", "harder", "did for learning", "one of learning"))
        for row in rows:
            expected = 0.4 if (row.k, row.mode) == (8, "same-sigma") else 1.0
            assert math.isnan(row.ratio) or row.ratio == pytest.approx(expected)
    assert judged > 20


def test_every_report_says_the_steps() -> None:
    spec, results, curves = made({1: 269, 8: 24})
    rows = table(spec, results, curves)
    said = findings(rows)
    text = markdown_text(rows, said)
    assert "| steps" in text
    assert "nothing is judged" in text
    (line, *_) = csv.DictReader(io.StringIO(csv_text(rows)))
    assert (line["fewest_steps"], line["most_steps"], line["compared_at"]) == ("269.0", "269.0", "20.0")
    event = SweepTable(rows, len(results), len(results), said)
    html = page(PageContent(spec, spec, "", event, results, [], [], []))
    for words in ("<h2>Error at step 20</h2>", "nothing is judged", "<td>24</td>", "both modes are the same run"):
        assert words in html


def test_a_folder_is_compared_by_the_curves_of_its_runs(tmp_path: Path) -> None:
    spec, results, curves = made({1: 269, 8: 24})
    folder = SweepFolder.create(tmp_path / "sweep", spec)
    for child, result in zip(spec.children(), results, strict=True):
        run = Run.create(folder.run_folder(child.name), child.spec, device="cpu")
        rows = [vars(measured) | {"held_out": measured.loss} for measured in curves[child.name]]
        run.append_metrics([{name: row[name] for name in row if name != "loss"} for row in rows])
        folder.save_result(result)
    shown = [event for event in open_sweep(folder.folder) if isinstance(event, SweepTable)][-1]
    assert shown.findings == findings(table(spec, results, curves))
    assert {row.compared_at for row in shown.rows} == {20.0}


def test_the_number_of_runs_is_that_of_the_plan() -> None:
    for ks in ((1,), (2,), (1, 2, 8)):
        for modes in (("same-sigma",), ("same-sigma", "same-sigma-eff")):
            spec = SweepSpec(base=load_preset("ncsn-toy"), ks=ks, seeds=SEEDS, modes=modes)
            children = spec.children()
            assert spec.runs == len(children)
            assert spec.shared_runs == sum(len(child.modes) > 1 for child in children)

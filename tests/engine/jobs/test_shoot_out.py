"""The shoot-out: budgets that are kept, figures that agree with other formulas, one sentence, and its files."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from msd_engine.data.points import points
from msd_engine.events import Failed, Finished, Samples, Started
from msd_engine.events.shoot_out.charts import charts
from msd_engine.events.shoot_out.table import Quality, ShootOutRow, ShootOutTable
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.shoot_out.export import SUFFIXES, export_shoot_out
from msd_engine.jobs.shoot_out.shoot_out import shoot_out
from msd_engine.metrics.errors.best import verdict
from msd_engine.metrics.errors.student import interval
from msd_engine.runs.report.shoot_out import csv_text, markdown_text
from msd_engine.specs import SpecError, load_preset
from msd_engine.specs.search.shoot_out import ShootOutSpec, contender_of, usual_base
from msd_engine.specs.tables.samplers import TRAITS

BASE = usual_base(load_preset("two-gaussians")).replace_all({"sampling.chains": 40, "training.k": 2})


def planned(*contenders: str, base=BASE, **fields) -> ShootOutSpec:
    chosen = tuple(contender_of(words, base) for words in contenders)
    return ShootOutSpec(base=base, contenders=chosen, **({"evaluations": (10, 40), "seeds": (0, 1)} | fields))


@pytest.mark.parametrize("sampler", TRAITS)
@pytest.mark.parametrize("method", ["annealed", "fixed"])
def test_no_sampler_exceeds_its_budget_or_wastes_a_third_of_it(sampler: str, method: str) -> None:
    base = BASE.replace("sampling.method", method)
    plan = planned(sampler, base=base)
    for budget in (3, 4, 7, 19, 20, 21, 39, 100, 1000, 54_321):
        child = plan.child(plan.contenders[0], budget, 0).sampling
        assert child.evaluations <= budget
        assert child.evaluations >= budget * (2 / 3 if budget > 4 else 0)
        if budget > 500 and child.annealed:
            # Larger budgets make longer levels, not longer ladders.
            assert base.sampling.levels <= child.levels <= base.sampling.levels * 1.1


def test_the_table_has_every_cell_and_ends_in_one_sentence() -> None:
    plan = planned("langevin", "langevin:r=0.4", "ode", "plain")
    events = list(shoot_out(plan, device="cpu"))
    assert isinstance(events[0], Started)
    assert ShootOutSpec.from_json(events[0].spec_json) == plan
    tables = [event for event in events if isinstance(event, ShootOutTable)]
    assert len(tables) == 4 * 2 * 2 + 1
    last, end = tables[-1], events[-1]
    assert isinstance(end, Finished)
    assert end.text == last.text
    assert end.step == plan.total_evaluations
    assert last.text.startswith("With 40 evaluations ")
    assert [(row.title, row.budget) for row in last.rows] == [
        (title, budget) for budget in (10, 40) for title in plan.titles
    ]
    assert plan.titles == ("Langevin, r = 0.2", "Langevin, r = 0.4", "Probability flow", "Plain, no noise")
    assert all(set(row.by_seed["distance"]) == {0, 1} for row in last.rows)
    # Rows come one by one, and the sentence with the first seed.
    assert [len(table.rows) for table in tables[:8]] == list(range(1, 9))
    assert not tables[7].text
    assert tables[8].text


def test_the_figures_are_those_of_the_samples_of_the_same_chains() -> None:
    plan = planned("ode", evaluations=(21,), seeds=(3, 5))
    (row,) = [event for event in shoot_out(plan, device="cpu") if isinstance(event, ShootOutTable)][-1].rows
    known = target(plan.base)
    found = {"distance": [], "weight_error": []}
    for seed in plan.seeds:
        child = plan.child(plan.contenders[0], 21, seed)
        (samples,) = [event for event in sample(child, device="cpu") if isinstance(event, Samples)]
        data = known.sample(10_000, torch.Generator().manual_seed(seed)).numpy()
        angles = torch.randn(2, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
        angles /= np.hypot(*angles)
        distances = [wasserstein_distance(samples.x_hat @ one, data @ one) for one in angles.T]
        found["distance"].append(float(np.mean(distances)))
        tau2 = child.sampling.sigma_L**2 / child.training.k
        ends = torch.from_numpy(samples.y).double().mean(1)
        logs = [
            math.log(weight)
            + torch.distributions.MultivariateNormal(mean, covariance + tau2 * torch.eye(2)).log_prob(ends)
            for weight, mean, covariance in zip(
                known.modes.weights.tolist(), known.modes.means, known.modes.covariances, strict=True
            )
        ]
        shares = torch.stack(logs).softmax(0).mean(1)
        found["weight_error"].append((shares - known.modes.weights).abs().max().item())
    for measure, values in found.items():
        np.testing.assert_allclose(list(row.by_seed[measure].values()), values, rtol=1e-4)
        wanted = interval(values)
        assert row.quality[measure].mean == pytest.approx(wanted.mean, rel=1e-4)
        assert row.quality[measure].high == pytest.approx(wanted.high, rel=1e-3)


def test_chains_without_a_law_of_their_own_are_no_nearer_than_exact_draws_and_lost_ones_far_away() -> None:
    plan = planned(
        "gibbs", "langevin:r=3", base=BASE.replace("sampling.chains", 300), evaluations=(120,), seeds=(0, 1, 2)
    )
    last = [event for event in shoot_out(plan, device="cpu") if isinstance(event, ShootOutTable)][-1]
    exact = last.exact.quality["distance"]
    gibbs, lost = (row.quality["distance"] for row in last.rows)
    assert abs(gibbs.mean - exact.mean) < 0.25
    assert lost.mean > 1e3
    assert last.rows[1].lost > 0.9
    assert last.rows[0].lost == 0
    assert "its lead over all others is beyond" in last.text or "do not tell" not in last.text
    assert last.text.startswith("With 120 evaluations Gibbs")


def row(title: str, values: list[float], budget: int = 100) -> ShootOutRow:
    found = interval(values)
    return ShootOutRow(
        0,
        title,
        budget,
        budget,
        1,
        1,
        {"distance": Quality(found.mean, found.low, found.high), "weight_error": Quality()},
        {"distance": dict(enumerate(values)), "weight_error": {}},
    )


def test_the_verdict_weighs_differences_seed_by_seed() -> None:
    exact = row("Exact draws", [0.9, 1.0, 1.1], 0)
    # The seeds differ much, the samplers little, and always in the same direction.
    a, b = row("A", [1.0, 2.0, 3.0]), row("B", [1.1, 2.11, 3.1])
    assert "beyond the 95 % intervals of 3 seeds" in verdict([b, a], exact)
    c = row("C", [1.2, 1.9, 3.2])
    assert verdict([a, b, c], exact).endswith("3 seeds do not tell C from it.")
    # Smaller budgets do not count.
    assert verdict([row("D", [0.1, 0.1, 0.1], 10), a, b], exact).startswith("With 100 evaluations A is nearest")
    assert "add seeds" in verdict([row("A", [1.0]), row("B", [2.0])], row("Exact draws", [1.0], 0))
    assert not verdict([], exact)


def test_points_have_no_weights_and_one_chart() -> None:
    base = usual_base(load_preset("two-gaussians")).replace_all(
        {"data.name": "two-moons", "sampling.chains": 20, "training.k": 1}
    )
    assert len(points(base.data)) > 2
    plan = planned("consistent", base=base, evaluations=(12,))
    last = [event for event in shoot_out(plan, device="cpu") if isinstance(event, ShootOutTable)][-1]
    assert not last.has_modes
    assert last.rows[0].quality["weight_error"].words == "–"
    assert [chart.name for chart in charts(last, ("#000000",), "#777777")] == [
        "Sliced Wasserstein distance to fresh data"
    ]


def test_files_hold_every_row(tmp_path) -> None:
    plan = planned("langevin", "gibbs", evaluations=(6, 12))
    last = [event for event in shoot_out(plan, device="cpu") if isinstance(event, ShootOutTable)][-1]
    rows = list(csv.DictReader(io.StringIO(csv_text(last))))
    assert [(row["title"], row["budget"]) for row in rows] == [
        ("Langevin", "6"), ("Gibbs (exact)", "6"), ("Langevin", "12"), ("Gibbs (exact)", "12"), ("Exact draws", "0"),
    ]  # fmt: skip
    for read, made in zip(rows, (*last.rows, last.exact), strict=True):
        assert float(read["distance_mean"]) == made.quality["distance"].mean
        assert float(read["weight_error_seed_1"]) == made.by_seed["weight_error"][1]
    text = markdown_text(last, plan)
    assert text.count("\n|") == len(rows) + 2
    assert last.text in text
    for suffix in SUFFIXES:
        end = list(export_shoot_out(last, plan, tmp_path / f"table{suffix}"))[-1]
        assert isinstance(end, Finished)
        assert (tmp_path / f"table{suffix}").stat().st_size > 200
    end = list(export_shoot_out(last, plan, tmp_path / "table.txt"))[-1]
    assert isinstance(end, Failed)
    assert "not as .txt" in end.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"seeds": (1, 1)}, "twice"),
        ({"evaluations": (100, 30)}, "rise"),
        ({"evaluations": (2,)}, "greater than or equal to 3"),
        ({"base": load_preset("digits-30s")}, "in the plane"),
        ({"base": BASE.replace_all({"noise.covariance": "ellipse"})}, "isotropic"),
        ({"base": BASE.replace_all({"sampling.source": "trained"}), "contenders": ({"sampler": "gibbs"},)}, "'exact'"),
    ],
)
def test_comparisons_that_make_no_sense_are_refused(fields, words: str) -> None:
    given = {"base": BASE} | fields
    given["base"] = given["base"].model_dump()
    with pytest.raises(SpecError, match=words):
        ShootOutSpec.from_fields(given)

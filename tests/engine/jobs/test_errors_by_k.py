"""The error of a denoiser by k and σ_eff: the least possible one, and the gap of a network."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
import torch

from msd_engine.cli.main import main
from msd_engine.events import Failed, Finished
from msd_engine.events.by_k.charts import chart
from msd_engine.events.by_k.table import ErrorsByK
from msd_engine.jobs.factory.parts import learned_denoiser
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.sampling.errors_by_k import errors_by_k
from msd_engine.jobs.training.train import train
from msd_engine.noise.copies import matched_copies
from msd_engine.specs import load_preset
from msd_engine.specs.live import Every


def last_table(events):
    *_, table, end = events
    assert isinstance(end, Finished), end
    assert isinstance(table, ErrorsByK)
    return table


def test_the_exact_error_is_the_least_possible_one():
    """MMSE of the toy mixture, theory §3: 1.001 at σ_eff = 1, 2.995 at 3, 24.37 at 10, with standard errors ≤ .042."""
    table = last_table(errors_by_k(load_preset("ncsn-toy")))
    assert table.ks == ()
    assert table.text == ""
    for sigma_eff, expected in ((1.0, 1.001), (3.0, 2.995), (10.0, 24.37)):
        found, error = (
            math.exp(np.interp(math.log(sigma_eff), np.log(table.sigma_eff), np.log(values)))
            for values in (table.exact, table.exact_error)
        )
        # Half a part in ten for the interpolation between noises.
        assert found == pytest.approx(expected, abs=3 * error + 0.05 * expected)
    # At small noise ȳ itself is nearly the best estimate, at large noise the mean of the data.
    assert table.exact[0] == pytest.approx(2 * table.sigma_eff[0] ** 2, rel=0.1)
    assert table.exact[-1] < 2 * target(load_preset("ncsn-toy")).std ** 2 * 1.1


def test_the_least_possible_error_does_not_depend_on_k():
    tables = [last_table(errors_by_k(load_preset("ring-8").replace("training.k", k))) for k in (1, 9)]
    np.testing.assert_array_equal(tables[0].exact, tables[1].exact)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    made = {}
    for fusion in ("mean", "set", "concat"):
        folder = tmp_path_factory.mktemp(fusion) / "run"
        values = {"training.steps": 60, "network.fusion": fusion, "network.width": 16, "training.k": 3}
        spec = load_preset("two-gaussians").replace_all(values | {"training.seconds": 0.0})
        assert isinstance(list(train(spec, folder, device="cpu"))[-1], Finished)
        made[fusion] = spec, folder
    return made


def test_a_network_of_the_mean_has_the_same_gap_for_every_k(runs):
    spec, folder = runs["mean"]
    table = last_table(errors_by_k(spec, run_dir=folder))
    assert table.ks == (1, 2, 3, 4, 8, 16)
    assert (table.gap > 0).all()
    np.testing.assert_allclose(table.gap, np.broadcast_to(table.gap[:1], table.gap.shape), rtol=1e-2)


def test_a_set_differs_by_k_and_a_concatenation_has_its_own_alone(runs):
    spec, folder = runs["set"]
    table = last_table(errors_by_k(spec, run_dir=folder))
    assert np.abs(np.diff(np.log(table.gap), axis=0)).max() > 0.01
    spec, folder = runs["concat"]
    assert last_table(errors_by_k(spec, run_dir=folder)).ks == (3,)


def test_the_gap_is_the_difference_of_the_errors(runs):
    """E‖x̂ − x‖² of other draws, without the exact x̂."""
    spec, folder = runs["set"]
    table = last_table(errors_by_k(spec, run_dir=folder))
    denoiser, known = learned_denoiser(folder, torch.device("cpu")), target(spec)
    generator, k, count = torch.Generator().manual_seed(7), 4, 20_000
    for at in (3, 9, 14):
        x, sigma = known.sample(count, generator), table.sigma_eff[at] * math.sqrt(k)
        with torch.no_grad():
            errors = (denoiser(matched_copies(x, sigma, k, generator), sigma).mean - x).square().sum(1)
        row = table.ks.index(k)
        spread = errors.std() / math.sqrt(count) + table.exact_error[at] + table.gap_error[row, at]
        assert table.learned[row, at] == pytest.approx(float(errors.mean()), abs=4 * float(spread))


def test_rows_come_one_by_one_from_large_noise_to_small(runs):
    spec, folder = runs["concat"]
    tables = [e for e in errors_by_k(spec, run_dir=folder, cadence=Every(1e9)) if isinstance(e, ErrorsByK)]
    counts = [int(np.isfinite(table.exact).sum() + np.isfinite(table.gap).sum()) for table in tables]
    assert counts[:4] == [1, 2, 3, 4]
    assert np.isfinite(tables[0].exact[-1])


def test_the_chart_shades_the_gap_of_the_present_k(runs):
    spec, folder = runs["set"]
    table = last_table(errors_by_k(spec, run_dir=folder))
    errors, gaps = chart(table, 3), chart(table, 3, "excess")
    (band,) = (curve for curve in errors.curves if curve.spread == "band")
    np.testing.assert_array_equal(band.low, table.exact)
    np.testing.assert_array_equal(band.high, table.learned[table.ks.index(3)])
    (band,) = (curve for curve in gaps.curves if curve.spread == "band")
    np.testing.assert_array_equal(band.high, 100 * table.excess[table.ks.index(3)])
    assert [key.words for key in gaps.entries()][-1] == "gap of k = 3"
    assert not any(curve.spread == "band" for curve in chart(table, 5).curves)


def test_pictures_and_other_networks_are_refused_in_one_sentence(runs):
    spec, folder = runs["concat"]
    refused = {
        "choose a mixture or points": errors_by_k(load_preset("digits-exact")),
        "takes no other number": errors_by_k(spec.replace("training.k", 5), run_dir=folder),
    }
    for words, events in refused.items():
        *_, last = events
        assert isinstance(last, Failed)
        assert words in last.text


def test_the_command_prints_and_writes_the_errors(runs, tmp_path, capsys):
    _, folder = runs["set"]
    assert main(["errors", str(folder), "--json", "--out", str(tmp_path / "e.csv")]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["ks"] == [1, 2, 3, 4, 8, 16]
    assert reported["text"].startswith("The network's error is at most ")
    with (tmp_path / "e.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["k = 3"]) for row in rows] == reported["errors"]["k = 3"]
    assert main(["errors", "--preset", "ring-8", "--out", str(tmp_path / "e.svg")]) == 0
    assert "exact" in (tmp_path / "e.svg").read_text(encoding="utf-8")
    assert main(["errors", "--preset", "ring-8", "--out", str(tmp_path / "e.gif")]) == 2
    assert "must end in .csv, .svg, .png or .pdf" in capsys.readouterr().err

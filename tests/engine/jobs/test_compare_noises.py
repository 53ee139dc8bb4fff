"""The comparison of white and coloured noise: equal seeds and steps, its table, its sentence, its folder and page."""

from __future__ import annotations

import html
import json
import math

import numpy as np
import pytest
import torch

from msd_engine.cli.main import main
from msd_engine.events import Failed, Finished, Samples
from msd_engine.events.noise import NoiseCurve, NoiseSamples, NoiseTable
from msd_engine.jobs.noise.compare import compare_noises
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.quality.noises import noise_table
from msd_engine.runs.run import Run
from msd_engine.specs import SpecError, load_preset
from msd_engine.specs.reproduction import PUBLISHED, NoiseCell, NoisesSpec, noise_reproduction

BASE = load_preset("noise-digits").replace_all(
    {"network.width": 8, "network.blocks": 0, "training.steps": 4, "training.seconds": 0.0, "training.batch": 8}
    | {"training.precision": "float32", "training.evaluate_every": 2}
)
PLAN = NoisesSpec(base=BASE, seeds=(0, 1), steps=(6, 3), chains=12)


def told(plan, folder, **options):
    events = list(compare_noises(plan, folder, device="cpu", threads=1, **options))
    assert isinstance(events[-1], Finished), events[-1]
    return events


@pytest.mark.long
def test_a_comparison_is_fair_resumes_and_writes_its_page(tmp_path):
    events = told(PLAN, tmp_path / "out", budget="A test.")
    table = [event for event in events if isinstance(event, NoiseTable)][-1]
    assert (table.done, table.total, table.chains) == (8, 8, 12)
    runs = {name: Run.open(tmp_path / "out" / name) for name in ("white-seed1", "coloured-seed1")}
    assert {run.manifest.step for run in runs.values()} == {4}
    specs = [run.spec.replace("noise.covariance", "isotropic") for run in runs.values()]
    assert specs[0] == specs[1]
    curves = [event for event in events if isinstance(event, NoiseCurve)]
    assert {(one.noise, one.seed, one.step) for one in curves} == {
        (noise, seed, step) for noise in ("white", "coloured") for seed in (0, 1) for step in (2, 4)
    }
    assert all(0 < one.loss < 2 for one in curves)
    # The samples of a cell are those of `msd sample` with its settings.
    spec = PLAN.experiment("coloured", 1, 3)
    again = sample(spec, run_dir=tmp_path / "out" / "coloured-seed1", device="cpu")
    drawn = next(event for event in again if isinstance(event, Samples))
    kept = np.load(tmp_path / "out" / "coloured-seed1-3.npz")
    np.testing.assert_array_equal(kept["x_hat"], drawn.x_hat)
    page = (tmp_path / "out" / "index.html").read_text()
    assert table.finding in html.unescape(page)
    assert page.count("data:image/png") == 4
    assert "noise.gamma" in page
    # The published figures belong to other numbers of steps.
    assert "44.95" not in page
    # Repeated, it reads everything from the folder.
    second = told(PLAN, tmp_path / "out", budget="A test.")
    repeated = [event for event in second if isinstance(event, NoiseTable)][-1]
    assert repeated.rows == table.rows or str(repeated.rows) == str(table.rows)
    assert len([event for event in second if isinstance(event, NoiseSamples)]) == 8
    (*_, last) = compare_noises(PLAN.replace("chains", 16), tmp_path / "out", device="cpu")
    assert isinstance(last, Failed)
    assert "choose another folder" in last.text


@pytest.mark.long
def test_a_budget_in_seconds_is_the_same_number_of_steps_and_chains_for_all(tmp_path):
    plan = NoisesSpec(base=BASE, seeds=(0,), steps=(3, 2), training_s=0.5, sampling_s=0.5)
    events = told(plan, tmp_path / "out")
    steps = [Run.open(tmp_path / "out" / f"{noise}-seed0").manifest.step for noise in ("white", "coloured")]
    assert steps[0] == steps[1] >= 2
    table = [event for event in events if isinstance(event, NoiseTable)][-1]
    stored = json.loads((tmp_path / "out" / "noises.json").read_text())
    assert stored["asked"]["chains"] == 0
    assert stored["settled"]["chains"] == table.chains >= 7
    assert not (tmp_path / "out" / "index.html").exists()


def cells(plan, gaps, name="frechet", level=10.0):
    """Return cells whose gap at each number of steps is given by seed."""
    found = []
    for steps, by_seed in gaps.items():
        for seed, gap in zip(plan.seeds, by_seed, strict=True):
            for noise, value in (("white", level), ("coloured", level + gap)):
                found.append(NoiseCell(noise=noise, seed=seed, steps=steps, features="test",
                                       figures={name: value}, titles={name: "Distance"}))  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("many", "few", "words"),
    [
        ((0.1, -0.1, 0.05), (5.0, 5.2, 4.9), "many steps and a growing gap at few, holds here"),
        ((0.1, -0.1, 0.05), (0.2, -0.2, 0.1), "is not decided here"),
        ((0.1, -0.1, 0.05), (-5.0, -5.2, -4.9), "does not hold here"),
        ((3.0, 3.1, 2.9), (5.0, 5.2, 4.9), "does not hold here"),
    ],
)
def test_the_sentence_follows_from_gaps_of_equal_seeds(many, few, words):
    plan = PLAN.replace_all({"seeds": (0, 1, 2), "steps": (1000, 10)})
    table = noise_table(plan, cells(plan, {1000: many, 10: few}))
    assert words in table.finding
    at_many, at_few = table.rows
    assert at_few.gap.mean == pytest.approx(np.mean(few))
    assert (at_few.published, at_many.published) == (PUBLISHED[10], PUBLISHED[1000])
    # Student's t with 2 degrees of freedom.
    assert at_few.gap.high - at_few.gap.mean == pytest.approx(4.302653 * np.std(few, ddof=1) / math.sqrt(3), rel=1e-5)


def test_the_sentence_takes_the_most_steps_that_all_seeds_have():
    plan = PLAN.replace_all({"seeds": (0, 1, 2), "steps": (1000, 100, 10)})
    found = cells(plan, {1000: (9.0, 9.0, 9.0), 100: (0.1, -0.1, 0.05), 10: (5.0, 5.2, 4.9)})
    whole = noise_table(plan, found).finding
    assert "at 1000 steps" in whole
    assert "does not hold" in whole
    late = noise_table(plan, [cell for cell in found if cell.steps < 1000 or cell.seed == 0]).finding
    assert "at 100 steps" in late
    assert "(3 seeds, 95 % intervals)" in late
    assert late.endswith("holds here.")
    lone = noise_table(plan, [cell for cell in found if cell.seed == 0]).finding
    assert "(1 seed, so without intervals)" in lone
    assert lone.endswith("is not decided here.")
    assert noise_table(plan, [cell for cell in found if cell.steps == 10]).finding == ""


def test_only_a_frechet_distance_stands_beside_the_published_ones():
    plan = PLAN.replace_all({"seeds": (0,), "steps": (1000, 10)})
    rows = noise_table(plan, cells(plan, {1000: (0.0,), 10: (1.0,)}, "kernel")).rows
    assert all(math.isnan(value) for row in rows for value in row.published)
    assert all(math.isinf(row.gap.high) for row in rows)


def test_both_noises_differ_in_the_covariance_alone():
    white, coloured = (PLAN.experiment(noise, 1, 3) for noise in ("white", "coloured"))
    assert white == coloured.replace("noise.covariance", "isotropic")
    assert (coloured.training.seed, coloured.sampling.seed, coloured.sampling.levels) == (1, 1, 3)
    assert coloured.sampling.evaluations == 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"base": BASE.replace("noise.covariance", "isotropic")}, "other than isotropic"),
        ({"base": BASE.replace("sampling.source", "exact")}, "sampling.source trained"),
        ({"steps": (5, 5)}, "must not repeat"),
        ({"chains": 0}, "chains must be positive"),
    ],
)
def test_a_comparison_that_compares_nothing_is_refused(fields, words):
    with pytest.raises(SpecError, match=words):
        PLAN.replace_all(fields)


def test_a_share_of_the_paper_has_its_network_and_a_time_the_small_one():
    share, words = noise_reproduction("noise-cifar10", scale=0.01)
    assert (share.base.training.steps, share.chains, share.base.network.width) == (3000, 500, 128)
    assert "3,000" in words
    short, _ = noise_reproduction("noise-mnist", minutes=15, seeds=(0, 1, 2))
    assert short.base == load_preset("noise-mnist")
    assert 0.8 * 900 < 6 * (short.training_s + short.sampling_s) < 900


@pytest.mark.parametrize("name", ["noise-digits", "noise-mnist", "noise-cifar10", "paper-noise"])
def test_presets_train_and_draw_as_the_paper_does(name):
    spec = load_preset(name)
    assert (spec.noise.covariance, spec.noise.gamma, spec.noise.process) == ("power-law", 1.0, "ddpm")
    assert (spec.training.form, spec.noise.law, spec.sampling.sampler) == ("predict-n", "uniform-t", "ddim")
    NoisesSpec(base=spec, chains=10)


@pytest.mark.long
def test_the_command_prints_the_sentence_and_refuses_copies(tmp_path, capsys):
    words = ["reproduce", "noise-mnist", "--out", str(tmp_path / "out"), "--device", "cpu", "--threads", "1"]
    assert main([*words, "--ks", "1,2"]) != 0
    assert "leave out --ks" in capsys.readouterr().err
    small = ["--data.name", "digits", "--network.width", "8", "--network.blocks", "0", "--network.residual", "0"]
    small += ["--network.attention", "false", "--training.batch", "8"]
    assert main([*words, "--scale", "1e-5", "--seeds", "0", *small]) == 0
    out = capsys.readouterr().out
    assert "the paper's finding" in out
    assert (tmp_path / "out" / "index.html").exists()
    assert torch.get_num_threads() >= 1

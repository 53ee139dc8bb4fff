"""The budget of a comparison of noises: what fits in its seconds at given paces, and what is said of the rest."""

from __future__ import annotations

import html
import json
import math

import pytest

from msd_engine.events import Finished
from msd_engine.events.noise import NoiseTable
from msd_engine.jobs.noise.budget import LEAST_CHAINS, Budget, note
from msd_engine.jobs.noise.compare import _Job, compare_noises
from msd_engine.specs import load_preset
from msd_engine.specs.reproduction import NoisesSpec, noise_reproduction

BASE = load_preset("noise-digits").replace_all(
    {"network.width": 8, "network.blocks": 0, "training.steps": 4, "training.seconds": 0.0, "training.batch": 8}
    | {"training.precision": "float32", "training.evaluate_every": 2}
)
MINUTES, _ = noise_reproduction("noise-mnist", minutes=15)
STEPS = MINUTES.steps


def paced(training=10.0, chains=3000.0, spent_s=0.0, plan=MINUTES):
    budget = Budget(plan, spent_s)
    budget.training_pace = training
    budget.time_chains(round(chains * 10), 10.0)
    return budget


def test_the_seconds_of_a_plan_are_its_minutes():
    assert MINUTES.seconds == pytest.approx(900)
    assert MINUTES.replace("chains", 100).seconds == 0


def test_trainings_get_their_share_where_samples_are_quick_and_less_where_they_are_slow():
    quick, slow = paced(chains=1e6), paced(chains=2000.0)
    assert quick.training_steps(STEPS, 6) == round(10 * MINUTES.training_s)
    # 144 chains of all lengths, trainings and seeds; a tenth is for the rest.
    samples_s = 6 * LEAST_CHAINS * sum(STEPS) / 2000
    assert slow.training_steps(STEPS, 6) == round(10 * (810 - samples_s) / 6)
    assert slow.training_steps(STEPS, 6) < quick.training_steps(STEPS, 6)
    assert LEAST_CHAINS > 128


def test_the_longest_chains_shorten_no_training_below_its_least_share():
    # 1000 steps have no time beside a quarter for trainings; without them a training has its whole share.
    assert paced(chains=1000.0).training_steps(STEPS, 6) == round(10 * MINUTES.training_s)
    # Nothing but the shortest chains has time, and their time is over.
    assert paced(chains=1.0).training_steps(STEPS, 6) == round(10 * 900 * 0.25 / 6)
    few = paced(chains=1000.0, spent_s=480.0)
    # 10 to 100 steps for all, in what is left; then 1000 steps where they fit.
    assert few.chains(STEPS) == LEAST_CHAINS
    assert few.fits(few.chains_s(1000, LEAST_CHAINS))


def test_later_trainings_are_shorter_on_a_machine_that_has_become_slower():
    first = paced().training_steps(STEPS, 6)
    assert paced(training=9.5, spent_s=140.0).training_steps(STEPS, 4, first) == first
    later = paced(training=3.0, spent_s=300.0).training_steps(STEPS, 4, first)
    assert 2 <= later < 0.85 * first


def test_samples_fill_what_is_left_in_whole_tiles_by_the_slowest_pace():
    budget = paced(spent_s=400.0, chains=5000.0)
    count = budget.chains(STEPS)
    assert count % 16 == 0
    assert 0.8 * 410 < 6 * count * sum(STEPS) / 5000 < 410
    assert budget.chains(STEPS, trainings_s=100.0) < count
    budget.time_chains(100, 0.04)
    assert budget.chains(STEPS) < count
    assert paced(spent_s=890.0).chains(STEPS) == LEAST_CHAINS
    assert paced(chains=1e9).chains(STEPS) == 4096


def test_chains_fit_until_the_time_is_over():
    budget = paced(chains=2880.0, spent_s=800.0)
    assert budget.chains_s(1000, 144) == pytest.approx(100.0)
    assert budget.fits(100.0)
    assert not budget.fits(130.0)
    budget.judging_s, budget.spent_s = 5.0, 830.0
    assert budget.chains_s(1000, 144) == pytest.approx(110.0)
    assert not budget.fits(110.0)
    assert budget.fits(budget.chains_s(100, 144))
    # Nothing has been timed, or there is no time limit.
    assert Budget(MINUTES, 0.0).fits(math.nan)
    assert paced(plan=MINUTES.replace("chains", 64), spent_s=1e9).fits(1e9)


def test_a_plan_without_a_total_takes_each_limit_alone():
    only_trainings = NoisesSpec(base=BASE, seeds=(0,), chains=10, training_s=30.0)
    assert paced(plan=only_trainings, spent_s=1e6).training_steps(only_trainings.steps, 2) == 300
    only_samples = NoisesSpec(base=BASE, seeds=(0,), steps=(100,), sampling_s=100.0)
    assert paced(plan=only_samples, chains=160.0).chains((100,)) == 160


@pytest.mark.parametrize(
    ("trained", "left_out", "words"),
    [
        ([450, 450], [], "Trained 450 steps."),
        ([1450, 1200], [], "Trained 1,200 to 1,450 steps, the same for both noises of a seed."),
        ([], [(1000, 0), (1000, 1), (1000, 2)], "Left out for want of time: chains of 1,000 steps."),
        (
            [],
            [(100, 2), (50, 0), (50, 1), (50, 2)],
            "Left out for want of time: chains of 100 steps with seed 2, of 50 steps.",
        ),
        ([], [(1000, 1), (1000, 2)], "Left out for want of time: chains of 1,000 steps with seed 1 and 2."),
        ([], [], ""),
    ],
)
def test_the_note_says_what_was_trained_and_left_out(trained, left_out, words):
    assert note(MINUTES, trained, left_out) == words


@pytest.mark.long
def test_a_comparison_without_time_leaves_out_its_longest_chains_and_says_so(tmp_path, monkeypatch):
    plan = NoisesSpec(base=BASE, seeds=(0, 1), steps=(5, 2), training_s=0.5, sampling_s=0.5)
    monkeypatch.setattr(Budget, "chains", lambda *_: 12)
    monkeypatch.setattr(Budget, "chains_s", lambda _self, steps, _chains: steps)
    monkeypatch.setattr(Budget, "fits", lambda _self, seconds: not seconds > 4)
    monkeypatch.setattr(_Job, "_trainings_s", 0.0)
    events = list(compare_noises(plan, tmp_path / "out", budget="A test.", device="cpu", threads=1))
    assert isinstance(events[-1], Finished), events[-1]
    table = [event for event in events if isinstance(event, NoiseTable)][-1]
    assert "Left out for want of time: chains of 5 steps." in table.note
    assert (table.done, table.total) == (4, 8)
    by_steps = {row.steps: row for row in table.rows if row.name == "kernel"}
    assert (by_steps[2].white.seeds, by_steps[5].white.seeds) == (2, 0)
    assert table.note in html.unescape((tmp_path / "out" / "index.html").read_text())
    kept = json.loads((tmp_path / "out" / "noises.json").read_text())
    assert 0 < kept["spent_s"] < math.inf
    # With time, the missing chains are drawn, and nothing else.
    monkeypatch.setattr(Budget, "fits", lambda *_: True)
    again = list(compare_noises(plan, tmp_path / "out", device="cpu", threads=1))
    table = [event for event in again if isinstance(event, NoiseTable)][-1]
    assert (table.done, "Left out" in table.note) == (8, False)


def test_bare_steps_are_quicker_than_a_whole_training():
    budget = paced()
    budget.time_steps(100, 10.0)
    assert 5.0 < budget.training_pace < 10.0

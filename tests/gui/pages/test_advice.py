"""Advice: it appears for a bad setting, its remedy makes it go, and good settings are left alone."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from msd_engine.events import ChainReport, Ladder, Quality, Verdicts
from msd_engine.events.causes import furthest, tail
from msd_engine.jobs.sampling.ladder import ladder
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import ExperimentSpec, load_preset
from msd_gui.pages.advice.adviser import Adviser
from msd_gui.pages.advice.findings import Advice, Facts
from msd_gui.pages.advice.rules import advise
from msd_gui.pages.quality.survival import SurvivalPanel
from msd_gui.session.experiment import Experiment
from msd_gui.session.made import Made
from msd_gui.session.networks import Network
from msd_gui.session.rules import method_rule

# An 8×8 image set whose pixels have a standard deviation of about a half.
FACTS = Facts(dim=64, data_std=0.54, largest_distance=9.6)
GOOD = load_preset("digits-exact")
STUCK = "Chains keep the mode they started in"
# Noise of a copy at which σ_1/√k is 1.2 times as far as the data lie from their mean.
TOO_LITTLE_FOR_A_FLOW = 1.2 * FACTS.data_std * math.sqrt(FACTS.dim * GOOD.training.k)


def walked(spec: ExperimentSpec, facts: Facts = FACTS) -> Facts:
    """The facts after the event of the ladder."""
    (received,) = [event for event in ladder(spec) if isinstance(event, Ladder)]
    return replace(facts, ladder=received)


def changed(**fields: float | str) -> ExperimentSpec:
    return GOOD.replace_all({f"sampling.{name}": value for name, value in fields.items()})


def drifted(spec: ExperimentSpec) -> Facts:
    return replace(FACTS, sampled=spec.sampling, shares=(0.2, 0.8), true_shares=(0.5, 0.5))


def died(spec: ExperimentSpec) -> Facts:
    return replace(FACTS, sampled=spec.sampling, verdicts=("alive",) * 27 + ("monochrome",) * 3)


LONG = changed(steps_per_level=200).replace("sampling.source", "trained")
BAD = [
    ("Past the wall", changed(step_ratio=2.5), FACTS),
    ("Near the wall", changed(step_ratio=1.2), FACTS),
    ("Starts inside the data", changed(sigma_1=2.0), FACTS),
    ("Starts inside the data", changed(sigma_1=2.0), replace(FACTS, largest_distance=math.nan)),
    ("Starts inside the data", changed(sampler="ode", sigma_1=TOO_LITTLE_FOR_A_FLOW), FACTS),
    ("Ladder too coarse", changed(levels=3, step_ratio=0.025), FACTS),
    ("Too few steps per level", changed(levels=40, steps_per_level=1, step_ratio=0.01), FACTS),
    ("Last level too noisy", changed(sigma_L=1.5), FACTS),
    ("Too many steps per level", LONG, drifted(LONG)),
    ("Near the wall", changed(sampler="underdamped", friction=100.0, step_ratio=1.9), FACTS),
    ("Ladder too coarse", changed(sampler="underdamped", levels=3, steps_per_level=1), FACTS),
    ("Ladder too coarse", changed(ladder="karras", levels=3, step_ratio=0.025), FACTS),
    ("Too few steps per level", changed(ladder="karras", levels=60, steps_per_level=1, step_ratio=0.01), Facts()),
]


@pytest.mark.parametrize(("title", "spec", "facts"), BAD, ids=[f"{n}-{row[0]}" for n, row in enumerate(BAD)])
def test_it_appears_and_its_remedy_makes_it_go(title: str, spec: ExperimentSpec, facts: Facts) -> None:
    (found,) = [advice for advice in advise(spec, walked(spec, facts)) if advice.title == title]
    assert found.action
    assert any(letter.isdigit() for letter in found.evidence)
    fixed = spec.replace_all(dict(found.remedy))
    assert fixed != spec
    assert title not in [advice.title for advice in advise(fixed, walked(fixed, facts))]


def test_langevin_chains_may_start_nearer_than_a_flow() -> None:
    spec = changed(sigma_1=TOO_LITTLE_FOR_A_FLOW)
    assert "Starts inside the data" not in [advice.title for advice in advise(spec, walked(spec))]


def test_underdamped_chains_swell_by_nothing_and_so_may_go_faster() -> None:
    spec = changed(sampler="underdamped", friction=100.0, step_ratio=1.2)
    facts = walked(spec)
    assert facts.ladder is not None
    np.testing.assert_allclose(facts.ladder.swelling, 1.0, atol=0.01)
    assert advise(spec, facts) == []


@pytest.mark.parametrize("name", ["digits-exact", "digits-30s"])
def test_good_settings_are_left_alone(name: str) -> None:
    spec = load_preset(name)
    assert advise(spec, walked(spec)) == []


@pytest.mark.parametrize("name", ["ncsn-toy", "two-gaussians", "ring-8", "grid-25"])
def test_without_facts_about_the_data_a_good_ladder_is_left_alone(name: str) -> None:
    spec = load_preset(name)
    assert advise(spec, walked(spec, Facts())) == []


def test_ncsnv2s_two_settings_are_told_apart() -> None:
    # CIFAR-10 in [-1, 1]: half a unit of standard deviation in 3 072 pixels.
    cifar = Facts(dim=3072, data_std=0.5, largest_distance=96.6)
    wide, narrow = (load_preset(f"ncsnv2-cifar10-sigma{first}") for first in (50, 1))
    assert [a.title for a in advise(wide, walked(wide, cifar))] == []
    assert "Starts inside the data" in [a.title for a in advise(narrow, walked(narrow, cifar))]


def test_applying_every_remedy_in_turn_ends_with_nothing_to_say() -> None:
    spec = changed(sigma_1=2.0, sigma_L=1.9, levels=2, steps_per_level=1, step_ratio=2.5)
    for _ in range(10):
        found = advise(spec, walked(spec))
        if not found:
            return
        spec = spec.replace_all(dict(found[0].remedy))
    raise AssertionError(advise(spec, FACTS))


def test_what_was_measured_counts_only_for_its_own_sampling() -> None:
    assert advise(GOOD, died(changed(step_ratio=0.25))) == []


def received(shares: tuple[float, ...], **fields: object) -> Verdicts:
    none = np.zeros(0)
    known = {
        "verdict": ("alive",) * 64,
        "spatial_variance": none,
        "least_variance": 0.0,
        "saturated_share": none,
        "most_saturation": 1.0,
        "mean_distance": 6.0,
        "data_mean_distance": 6.0,
        "data_largest_distance": 9.6,
        "data_std": 0.54,
        "k": 8,
        "step_ratio": 0.25,
        "levels": 50,
        "dim": 64,
        "spec_json": LONG.to_json(),
        "features": "Digits classifier",
        "class_names": ("three", "seven"),
        "shares": np.array(shares),
        "real_shares": np.array((0.5, 0.5)),
    }
    return Verdicts(**(known | fields))


def test_drifted_shares_of_the_classes_are_told_with_figures_and_mended(qtbot) -> None:
    experiment = Experiment(LONG)
    adviser = Adviser(experiment)
    qtbot.addWidget(adviser.cards)
    adviser.set_ladder(walked(LONG).ladder)
    adviser.set_verdicts(received((0.55, 0.45)), None)
    assert "Too many steps per level" not in [advice.title for advice in adviser.cards.advice]
    adviser.set_verdicts(received((0.8, 0.2)), None)
    (found,) = [advice for advice in adviser.cards.advice if advice.title == "Too many steps per level"]
    # Of 64 samples a class of share 1/2 has 32 ± √(64/4).
    for figure in ("51 of 64 samples", "0.5", "32 ± 4", "samplings"):
        assert figure in found.evidence
    adviser.cards.remedy.emit(dict(found.remedy))
    assert experiment.spec.sampling.steps_per_level < LONG.sampling.steps_per_level
    assert "Too many steps per level" not in [advice.title for advice in adviser.cards.advice]


def test_what_was_measured_of_one_network_is_no_evidence_against_another(qtbot) -> None:
    adviser = Adviser(Experiment(LONG))
    qtbot.addWidget(adviser.cards)
    adviser.set_ladder(walked(LONG).ladder)
    mine, newer = (Made(LONG, Network(Path("mine"), LONG, step)) for step in (10, 20))
    adviser.set_beside(mine)
    adviser.set_verdicts(received((0.8, 0.2)), mine)
    titles = [advice.title for advice in adviser.cards.advice]
    assert "Too many steps per level" in titles
    adviser.set_beside(newer)
    assert "Too many steps per level" not in [advice.title for advice in adviser.cards.advice]
    adviser.set_beside(mine)
    assert [advice.title for advice in adviser.cards.advice] == titles


def test_living_chains_add_up_by_all_that_made_them(qtbot) -> None:
    panel = SurvivalPanel()
    qtbot.addWidget(panel)
    networks = [Network(Path(name), LONG, 10) for name in ("mine", "other")]
    halves = {"verdict": ("alive",) * 32 + ("monochrome",) * 32}
    for network, seed, fields in ((networks[0], 0, halves), (networks[1], 0, {}), (networks[1], 1, {})):
        panel.add(received((0.5, 0.5), **fields), Made(LONG.replace("sampling.seed", seed), network))
    assert [row[1:] for row in panel.table.texts()] == [("128 (100 %)", "128"), ("32 (50 %)", "64")]
    assert [row[0] for row in panel.table.texts()] == [f"by {name}, step 10, k = 8" for name in ("other", "mine")]


@pytest.mark.parametrize(("n", "share"), [(1, 0.3), (20, 0.1), (64, 0.5)])
def test_the_chance_of_a_count_is_the_exact_one_of_the_binomial_law(n: int, share: float) -> None:
    law = [math.comb(n, j) * share**j * (1 - share) ** (n - j) for j in range(n + 1)]
    for count in range(n + 1):
        expected = min(1.0, 2 * min(sum(law[: count + 1]), sum(law[count:])))
        assert tail(count, n, share) == pytest.approx(expected, rel=1e-9)


def test_exact_draws_of_few_chains_are_hardly_ever_called_a_drift() -> None:
    true = (0.02, 0.05, 0.08, *(0.85 / 7,) * 7)
    drawn = np.random.default_rng(0).multinomial(64, true, size=3000) / 64
    chances = np.array([furthest(tuple(shares), true, 64).chance for shares in drawn])
    # The bound of Bonferroni: a chance below c is found in at most a share c of exact samplings, but for the error of
    # counting them.
    for level in (0.2, 0.05, 0.01):
        assert (chances < level).mean() <= level + 3 * math.sqrt(level / len(drawn))


def stuck_after(spec: ExperimentSpec) -> list[Advice]:
    (report,) = [event for event in sample(spec) if isinstance(event, ChainReport)]
    facts = Facts(
        sampled=spec.sampling,
        shares=tuple(report.mode_weights.tolist()),
        true_shares=tuple(report.true_weights.tolist()),
        counted=round(report.alive * spec.sampling.chains),
        stayed=report.stayed,
    )
    return [advice for advice in advise(spec, facts) if advice.title == STUCK]


def plain(preset: str, **fields: object) -> ExperimentSpec:
    spec = load_preset(preset).replace("sampling.chains", 200)
    spec = spec.replace_all({"sampling.method": "fixed"} | method_rule(spec, "fixed"))
    return spec.replace_all({f"sampling.{name}": value for name, value in fields.items()})


@pytest.mark.parametrize("seed", range(3))
def test_wrong_weights_at_fixed_noise_are_blamed_on_modes_that_chains_keep_and_annealing_mends_them(seed: int) -> None:
    spec = plain("ncsn-toy", seed=seed)
    (found,) = stuck_after(spec)
    assert "of 200 samples" in found.evidence
    annealed = spec.replace_all(dict(found.remedy))
    assert annealed.sampling.total_steps == spec.sampling.total_steps
    assert annealed.sampling.start == "uniform"
    assert stuck_after(annealed) == []
    (report,) = [event for event in sample(annealed) if isinstance(event, ChainReport)]
    n = spec.sampling.chains
    assert furthest(tuple(report.mode_weights), tuple(report.true_weights), n).chance > 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_chains_that_cross_between_modes_or_start_rightly_are_not_blamed(seed: int) -> None:
    assert stuck_after(plain("ncsn-toy", seed=seed, sigma_L=20.0)) == []
    even = {"data.weights": (0.5, 0.5), "data.means": ((5.0, 5.0), (-5.0, -5.0)), "data.name": "custom"}
    covariances = ((1.0, 0.0), (0.0, 1.0))
    spec = plain("ncsn-toy", seed=seed).replace_all(even | {"data.covariances": (covariances,) * 2})
    assert stuck_after(spec) == []


def test_weights_of_exact_draws_are_hardly_ever_blamed_on_modes_that_chains_keep() -> None:
    spec = plain("ring-8")
    true = (1 / 8,) * 8
    drawn = np.random.default_rng(0).multinomial(200, true, size=2000) / 200
    facts = Facts(sampled=spec.sampling, true_shares=true, counted=200, stayed=1.0)
    blamed = [advise(spec, replace(facts, shares=tuple(shares))) for shares in drawn]
    assert sum(map(bool, blamed)) <= 0.001 * len(drawn) + 3 * math.sqrt(0.001 * len(drawn))


def test_without_evidence_that_chains_stay_wrong_weights_are_not_explained() -> None:
    spec = plain("ncsn-toy")
    facts = Facts(sampled=spec.sampling, shares=(0.5, 0.5), true_shares=(0.8, 0.2), counted=200)
    for stayed, titles in ((math.nan, []), (0.6, []), (0.95, [STUCK])):
        assert [advice.title for advice in advise(spec, replace(facts, stayed=stayed))] == titles


def test_copies_in_turn_are_not_blamed_for_the_mode_that_they_keep() -> None:
    spec = plain("ncsn-toy")
    for sampler, titles in (("langevin", [STUCK]), ("accumulated", [])):
        turned = spec.replace("sampling.sampler", sampler)
        facts = Facts(sampled=turned.sampling, shares=(0.5, 0.5), true_shares=(0.8, 0.2), counted=200, stayed=0.95)
        assert [advice.title for advice in advise(turned, facts)] == titles


def test_a_small_drift_is_left_alone_however_sure_it_is() -> None:
    sure = replace(FACTS, sampled=LONG.sampling, true_shares=(0.5, 0.5), counted=100_000)
    for share, titles in ((0.55, []), (0.65, ["Too many steps per level"])):
        assert [
            advice.title for advice in advise(LONG, walked(LONG, replace(sure, shares=(share, 1 - share))))
        ] == titles


def test_dead_chains_say_nothing_of_the_classes(qtbot) -> None:
    adviser = Adviser(Experiment(LONG))
    qtbot.addWidget(adviser.cards)
    adviser.set_ladder(walked(LONG).ladder)
    adviser.set_verdicts(received((0.0, 0.0), verdict=("monochrome",) * 64), None)
    assert "Too many steps per level" not in [advice.title for advice in adviser.cards.advice]


def test_measured_samples_say_more_than_a_few_chains(qtbot) -> None:
    adviser = Adviser(Experiment(LONG))
    qtbot.addWidget(adviser.cards)
    adviser.set_ladder(walked(LONG).ladder)
    shares = np.array((0.65, 0.35)), np.array((0.5, 0.5))
    spec = LONG.replace("sampling.chains", 1000)
    both = ("three", "seven")
    found = Quality(
        "digits", "ours", 1000, 1000, 297, (), "", both, *shares, 4, 1.0, spec.to_json(), {"off the data": 100}
    )
    adviser.set_quality(found)
    titles = [advice.title for advice in adviser.cards.advice]
    # The shares of chains that died mean nothing.
    assert "Too many steps per level" not in titles
    assert "Chains end off the data" in titles
    adviser.set_quality(replace(found, dead={}))
    titles = [advice.title for advice in adviser.cards.advice]
    assert "Too many steps per level" in titles
    assert "Chains end off the data" not in titles
    # Samples of other settings say nothing.
    other = Adviser(Experiment(LONG.replace("sampling.levels", 7)))
    qtbot.addWidget(other.cards)
    other.set_quality(found)
    assert other.facts.shares == ()

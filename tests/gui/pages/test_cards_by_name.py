"""Presets that show one card and no other, and remedies after which real chains show none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from msd_engine.events import ChainReport, Finished, Ladder, ScoreErrors
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.sampling.ladder import ladder
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.specs import ExperimentSpec, load_preset
from msd_gui.pages.advice.adviser import Adviser
from msd_gui.pages.advice.findings import Facts
from msd_gui.pages.advice.rules import advise
from msd_gui.pages.mixture.page import LEARNED_CARDS, MixturePage
from msd_gui.session.experiment import Experiment
from msd_gui.session.made import Made
from msd_gui.session.networks import Network

CARDS = {
    "card-lost-mode": "Mode 3 is never visited",
    "card-low-acceptance": "Acceptance is too low",
    "card-high-acceptance": "Acceptance is too high",
    "card-drift": "Too many steps per level",
    "card-wrong-score": "The learned score is wrong where the chains are",
}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Return the network for a spec, trained once for each; None for the exact score."""
    known: dict[str, Network] = {}

    def trained(spec: ExperimentSpec) -> Network | None:
        if spec.sampling.source == "exact":
            return None
        name = spec.title.partition(": ")[2]
        if name not in known:
            folder = tmp_path_factory.mktemp("runs") / "run"
            *_, end = train(spec, folder, device="cpu", threads=1)
            assert isinstance(end, Finished), end
            known[name] = Network(folder, spec, spec.training.steps)
        return known[name]

    return trained


def draw(adviser: Adviser, spec: ExperimentSpec, network: Network | None) -> None:
    """Tell the adviser what the page tells it about the chains of a spec."""
    x = target(spec).sample(2000, torch.Generator().manual_seed(1)).float().numpy()
    adviser.set_data(spec.data.model_dump_json(), x)
    (levels,) = (event for event in ladder(spec) if isinstance(event, Ladder))
    adviser.set_ladder(levels)
    made = Made(spec, network)
    *_, report = (event for event in sample(spec, run_dir=made.run, device="cpu") if isinstance(event, ChainReport))
    adviser.set_report(made, report)


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        pytest.param(name, seed, marks=[pytest.mark.long] * (seed and name in LEARNED_CARDS))
        for name in CARDS
        for seed in (0, 1)
    ],
)
def test_a_preset_shows_its_card_alone_and_the_remedy_ends_it(qtbot, network, name, seed):
    assert name in MixturePage.presets
    experiment = Experiment(load_preset(name).replace("sampling.seed", seed))
    adviser = Adviser(experiment)
    qtbot.addWidget(adviser.cards)
    draw(adviser, experiment.spec, network(experiment.spec))
    (card,) = adviser.cards.advice
    assert card.title == CARDS[name]
    assert any(letter.isdigit() for letter in card.evidence)
    adviser.cards.remedy.emit(dict(card.remedy))
    # What was measured belongs to other settings by now; chains with these show whether it helped.
    assert not adviser.cards.advice
    draw(adviser, experiment.spec, network(experiment.spec))
    assert not adviser.cards.advice


METROPOLIS = load_preset("card-low-acceptance")


def accepted(share: float, **fields: object) -> list[str]:
    spec = METROPOLIS.replace_all({f"sampling.{name}": value for name, value in fields.items()})
    return [card.title for card in advise(spec, Facts(sampled=spec.sampling, acceptance=share))]


@pytest.mark.parametrize(
    ("share", "titles"),
    [
        (0.0, ["Acceptance is too low"]), (0.19, ["Acceptance is too low"]), (0.21, []), (0.574, []), (0.94, []),
        (0.96, ["Acceptance is too high"]), (1.0, ["Acceptance is too high"]), (math.nan, []),
    ],
)  # fmt: skip
def test_only_an_extreme_acceptance_is_reported(share, titles):
    assert accepted(share) == titles


def test_a_step_that_adapted_from_too_far_begins_anew():
    spec = METROPOLIS.replace_all(
        {"sampling.warm_up": 0.2, "sampling.steps_per_level": 500, "sampling.step_ratio": 1e6}
    )
    (card,) = advise(spec, Facts(sampled=spec.sampling, acceptance=0.0))
    assert dict(card.remedy) == {"sampling.step_ratio": 0.2}


@pytest.mark.parametrize(("levels", "steps"), [(1, 1), (3, 7), (20, 10), (200, 1)])
def test_the_warm_up_of_the_remedy_has_time_to_adapt(levels, steps):
    spec = METROPOLIS.replace_all({"sampling.levels": levels, "sampling.steps_per_level": steps})
    (card,) = advise(spec, Facts(sampled=spec.sampling, acceptance=0.0))
    chains = spec.replace_all(dict(card.remedy)).sampling
    within = int(chains.warm_up * chains.steps_per_level)
    assert levels * (within - within // 2) >= 100


LOST = load_preset("card-lost-mode")
SEEN = Facts(
    dim=2,
    data_std=4.0,
    largest_distance=33.0,
    sampled=LOST.sampling,
    shares=(0.5, 0.5, 0.0),
    true_shares=(0.485, 0.485, 0.03),
    counted=400,
)


@pytest.mark.parametrize(
    ("facts", "titles"),
    [
        ({}, ["Mode 3 is never visited"]),
        # So few chains leave a rare mode out by chance.
        ({"counted": 100}, []),
        ({"shares": (0.485, 0.485, 0.03)}, []),
        ({"largest_distance": math.nan}, ["Shares of the modes are wrong"]),
        # The first noise reaches as far as the data: it is not the reason.
        ({"largest_distance": 3.0}, ["Shares of the modes are wrong"]),
        ({"class_names": ("a", "b", "c")}, ["Class c is never visited"]),
        ({"data_std": 20.0}, ["Starts inside the data", "Shares of the modes are wrong"]),
        ({"counted": 0, "shares": (math.nan,) * 3}, []),
    ],
)
def test_an_empty_mode_is_blamed_on_a_narrow_start_only_beyond_chance(facts, titles):
    assert [card.title for card in advise(LOST, replace(SEEN, **facts))] == titles


WRONG = load_preset("card-wrong-score")
SHORTER = {"sampling.sigma_L": 0.5, "sampling.levels": 12}


def errors(values: dict[float, float], trained: tuple[float, float] = (0.5, 8.0)) -> ScoreErrors:
    """Errors by σ_eff, with a third of the states in each region."""
    count = len(values)
    thirds, found = np.full((count, 3), 1 / 3), np.array(list(values.values()))
    return ScoreErrors(np.array(list(values)), np.arange(count), found, thirds, found[:, None] + 0 * thirds, trained)


@pytest.mark.parametrize(
    ("found", "remedy"),
    [
        (errors({8.0: 0.1, 0.6: 0.7, 0.1: 0.7}), None),
        (errors({8.0: 0.1, 0.1: math.nan}), None),
        (errors({8.0: 0.1, 0.6: 0.4, 0.1: 0.9}), SHORTER),
        (errors({8.0: 0.1, 0.6: 0.8, 0.1: 0.9}), {"sampling.source": "exact"}),
        (errors({8.0: 0.9, 0.6: 0.4}, (0.01, 7.0)), {"sampling.sigma_1": 7.0}),
        (errors({8.0: 0.9, 1.0: 0.1, 0.1: 0.9}, (0.5, 7.0)), SHORTER | {"sampling.sigma_1": 7.0}),
        # A ladder that lies outside the training as a whole has no part inside.
        (errors({8.0: 0.9, 0.1: 0.9}, (9.0, 20.0)), {"sampling.source": "exact"}),
    ],
)  # fmt: skip
def test_a_wrong_score_is_left_out_where_training_never_was_and_else_replaced(found, remedy):
    facts = Facts(sampled=WRONG.sampling, true_shares=(0.5, 0.5), shares=(0.5, 0.5), counted=200, score_errors=found)
    cards = advise(WRONG, facts)
    assert [dict(card.remedy) for card in cards] == ([remedy] if remedy else [])
    assert advise(WRONG, replace(facts, true_shares=(), shares=())) == []
    assert advise(WRONG, replace(facts, sampled=None)) == []


def test_the_card_of_a_wrong_score_says_where_and_at_which_noise():
    found = errors({8.0: 0.1, 0.1: 0.9})
    facts = Facts(sampled=WRONG.sampling, true_shares=(0.5, 0.5), shares=(0.5, 0.5), counted=200, score_errors=found)
    (card,) = advise(WRONG, facts)
    for words in (
        "level 2",
        "σ/√k = 0.1",
        "90 %",
        "33 % are inside the data",
        "between its parts",
        "outside",
        "0.5 and 8",
    ):
        assert words in card.evidence
    # Chains whose score is known to be wrong need no other reason for their ends.
    ends = {"verdicts": ("alive",) * 150 + ("off the data",) * 50, "shares": (0.9, 0.1)}
    assert [card.title for card in advise(WRONG, replace(facts, **ends))] == [CARDS["card-wrong-score"]]


@pytest.mark.long
def test_a_preset_of_a_learned_score_trains_its_network_and_then_shows_its_card(qtbot, window):
    page = window.pages["mixture"]
    qtbot.waitUntil(lambda: page.engine.ready, timeout=60_000)
    spec = WRONG.replace("training.steps", 40)
    page.load(spec)
    # Other settings are those of a file, whose opening trains nothing.
    assert not page.trainer.running
    assert page.experiment.spec.sampling.source == "exact"
    reported = []
    page.noticed.connect(reported.append)
    page.load(WRONG)
    assert page.trainer.running
    assert [text for text in reported if "trained first" in text]
    assert page.experiment.spec == WRONG
    title = CARDS["card-wrong-score"]
    qtbot.waitUntil(lambda: not page.trainer.running, timeout=120_000)
    qtbot.waitUntil(lambda: [card.title for card in page.adviser.cards.advice] == [title], timeout=120_000)
    (card,) = page.adviser.cards.advice
    page.adviser.cards.remedy.emit(dict(card.remedy))
    ended = page.chains.report
    qtbot.waitUntil(lambda: page.chains.report is not ended, timeout=120_000)
    assert page.experiment.spec.sampling.sigma_L == pytest.approx(0.5)
    assert page.adviser.cards.advice == []

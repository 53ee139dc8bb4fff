"""Presets that show one card and no other, and remedies after which real chains show none."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from msd_engine.events import ChainReport, Ladder
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.sampling.ladder import ladder
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import ExperimentSpec, load_preset
from msd_gui.pages.advice.adviser import Adviser
from msd_gui.pages.advice.findings import Facts
from msd_gui.pages.advice.rules import advise
from msd_gui.pages.mixture.page import MixturePage
from msd_gui.session.experiment import Experiment
from msd_gui.session.made import Made

CARDS = {
    "card-lost-mode": "Mode 3 is never visited",
    "card-low-acceptance": "Acceptance is too low",
    "card-high-acceptance": "Acceptance is too high",
}


def draw(adviser: Adviser, spec: ExperimentSpec) -> None:
    """Tell the adviser what the page tells it about the chains of a spec."""
    x = target(spec).sample(2000, torch.Generator().manual_seed(1)).float().numpy()
    adviser.set_data(spec.data.model_dump_json(), x)
    (levels,) = (event for event in ladder(spec) if isinstance(event, Ladder))
    adviser.set_ladder(levels)
    *_, report = (event for event in sample(spec, device="cpu") if isinstance(event, ChainReport))
    adviser.set_report(Made(spec, None), report)


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_preset_shows_its_card_alone_and_the_remedy_ends_it(qtbot, name, seed):
    assert name in MixturePage.presets
    experiment = Experiment(load_preset(name).replace("sampling.seed", seed))
    adviser = Adviser(experiment)
    qtbot.addWidget(adviser.cards)
    draw(adviser, experiment.spec)
    (card,) = adviser.cards.advice
    assert card.title == CARDS[name]
    assert any(letter.isdigit() for letter in card.evidence)
    adviser.cards.remedy.emit(dict(card.remedy))
    # What was measured belongs to other settings by now; chains with these show whether it helped.
    assert not adviser.cards.advice
    draw(adviser, experiment.spec)
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

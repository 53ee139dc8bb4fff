"""Why? on the pages: no card names a cause of dead chains before the experiment, and its remedy sets what helped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_engine import FakeEngine
from PySide6.QtGui import QAction

from msd_engine.events import ChainReport, Explained, Failed, Finished, Progress, Started, Trial, Verdicts
from msd_engine.specs import ExperimentSpec, load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.advice.adviser import Adviser
from msd_gui.pages.images.page import ImagesPage
from msd_gui.pages.mixture.page import MixturePage
from msd_gui.session.experiment import Experiment
from msd_gui.session.made import Made
from msd_gui.session.networks import Network, NetworkStore, shipped

BASE = Trial("", "as is", {}, 6, 16)


def explained(spec: ExperimentSpec, *trials: Trial, planned: int = 0) -> Explained:
    return Explained(spec.to_json(), (BASE, *trials), planned or 1 + len(trials))


def helped(cause: str, values: dict[str, object], survived: int = 15) -> Trial:
    return Trial(cause, cause, values, survived, 16, 0.01)


def verdicts(spec: ExperimentSpec, lived: int, count: int, reason: str = "off the data") -> Verdicts:
    n = np.zeros(count)
    judged = ("alive",) * lived + (reason,) * (count - lived)
    sampling = spec.sampling
    return Verdicts(
        judged,
        n,
        0.1,
        n,
        0.9,
        1.0,
        1.0,
        9.6,
        0.54,
        spec.training.k,
        sampling.step_ratio,
        sampling.levels,
        64,
        spec.to_json(),
    )


@pytest.fixture
def clock() -> ScreenClock:
    """A clock that ticks when the test says so."""
    return ScreenClock()


@pytest.fixture
def make(qtbot, monkeypatch, clock):
    """Make an images page on which 40 of 64 chains of the shipped network have survived."""
    monkeypatch.setenv(SYNCHRONOUS, "1")

    def show(why=(), **sampling):
        network = next(one for one in shipped() if one.spec.data.name == "digits" and one.k == 8)
        values = {"sampling.source": "trained"} | {f"sampling.{name}": value for name, value in sampling.items()}
        spec = network.spec.replace_all(values)
        engine = FakeEngine(why=why)
        page = ImagesPage(Experiment(spec), engine, clock, NetworkStore())
        qtbot.addWidget(page)
        page.show()
        page.use(network)
        page.begin()
        made = page.resolved.made
        page.adviser.set_verdicts(verdicts(page.experiment.spec, 40, 64), made)
        return page, engine

    return show


def card(page):
    (found,) = page.adviser.cards.advice
    return found


def press(page, clock):
    page.adviser.cards.cards[0].action.emit()
    for _ in range(3):
        clock.tick.emit()


@pytest.mark.parametrize("sampler", ["ode", "langevin", "consistent"])
def test_every_sampler_gets_a_card_that_names_no_cause(make, sampler):
    page, _ = make(sampler=sampler)
    assert card(page).title == "Chains end off the data"
    assert "24 of 64 chains: off the data" in card(page).evidence
    assert (card(page).action, card(page).request, dict(card(page).remedy)) == ("Why?", "why", {})


def test_the_card_shows_the_counts_and_its_button_sets_what_helped(make, clock):
    def why(spec, run, chains, fault):
        assert run is not None
        assert (chains, fault) == (0, "deaths")
        yield Started("why", "nowhere", 0, 0, spec.to_json())
        yield Progress(1, 2, 1.0, 1.0, 1.0, 1.0, "")
        yield explained(
            spec, Trial("network", "exact score", {}, 16, 16, 0.001), helped("guidance", {"sampling.guidance": 1.0})
        )
        yield Finished(2, 1.0, "")

    page, engine = make(why, sampler="langevin", guidance=2.4)
    engine.jobs()
    press(page, clock)
    assert engine.jobs().count("why") == 1
    assert card(page).title == "Guidance w = 2.4 kills chains"
    assert "As is: 6 of 16; exact score: 16 of 16; guidance: 15 of 16. It is the guidance." in card(page).evidence
    assert card(page).action == "Set w = 1"
    press(page, clock)
    assert page.experiment.spec.sampling.guidance == 1.0
    assert page.adviser.cards.advice == []
    page.experiment.undo()
    assert page.experiment.spec.sampling.guidance == 2.4
    assert card(page).title == "Guidance w = 2.4 kills chains"


def test_steps_the_network_a_seed_and_nothing_have_their_own_words(make):
    page, _ = make(sampler="langevin")
    spec = page.experiment.spec
    for trial, title, action in (
        (helped("steps", {"sampling.steps_per_level": 4}), "Too few steps", "Set T = 4"),
        (
            helped("conditioning", {"sampling.conditioning": "actual"}),
            "The denoiser gets too small a noise",
            "Give the actual noise",
        ),
        (helped("jump", {"sampling.jump": True}), "The samples keep the last noise", "Use the last jump"),
        (helped("end", {"sampling.sigma_L": 0.1}), "Last level too noisy", "Set the last σ = 0.1"),
        (helped("seed", {"sampling.seed": 1}), "This seed is an exception", "Use another seed"),
        (helped("network", {"sampling.source": "exact"}), "The network errs", "Train longer"),
        (replace(helped("steps", {}), chance=0.2), "Chains end off the data", "Why? with 64 chains"),
    ):
        page.adviser.set_explained(explained(spec, trial))
        assert (card(page).title, card(page).action) == (title, action)


def test_a_second_try_has_more_chains(make, clock):
    requests = []

    def why(spec, run, chains, fault):
        requests.append(chains)
        yield explained(spec, replace(helped("steps", {}), chance=0.2))

    page, _ = make(why)
    press(page, clock)
    press(page, clock)
    assert requests == [0, 64]


def test_other_settings_take_counts_and_card_away(make, clock):
    page, _ = make(lambda spec, run, chains, fault: [explained(spec, helped("steps", {"sampling.steps_per_level": 4}))])
    press(page, clock)
    assert card(page).title == "Too few steps"
    page.experiment.set(page.experiment.spec.replace("sampling.levels", 9))
    assert page.adviser.cards.advice == []
    page.adviser.set_verdicts(verdicts(page.experiment.spec, 40, 64), page.resolved.made)
    assert card(page).request == "why"


def test_an_experiment_that_fails_leaves_the_question(make, clock, qtbot):
    page, _ = make(lambda spec, run, chains, fault: [explained(spec, planned=4), Failed("The disk is full.")])
    with qtbot.waitSignal(page.failed) as failed:
        press(page, clock)
    assert failed.args[0] == "The disk is full."
    assert card(page).request == "why"


def test_while_it_runs_the_card_counts_and_can_stop_it(qtbot):
    spec = load_preset("digits-exact")
    adviser = Adviser(Experiment(spec))
    qtbot.addWidget(adviser.cards)
    made = Made(spec, None)
    adviser.set_beside(made)
    adviser.set_verdicts(verdicts(spec, 40, 64), made)
    adviser.set_explained(explained(spec, planned=4))
    (found,) = adviser.cards.advice
    assert (found.action, found.request) == ("Stop", "stop")
    assert "As is: 6 of 16 …" in found.evidence
    with qtbot.waitSignal(adviser.requested) as requests:
        adviser.cards.cards[0].action.emit()
    assert requests.args == ["stop"]


def test_a_longer_training_is_resumed_where_it_can_be(make, monkeypatch):
    page, _ = make()
    done = []
    monkeypatch.setattr(page, "act", done.append)
    page.adviser.requested.emit("train")
    monkeypatch.setattr(page, "can", lambda action: action == "resume")
    page.adviser.requested.emit("train")
    assert done == ["train", "resume"]


@pytest.mark.parametrize("trained", [True, False])
def test_in_the_plane_it_is_offered_for_a_network_alone(qtbot, monkeypatch, clock, tmp_path, trained):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    spec = load_preset("two-gaussians").replace("sampling.source", "trained" if trained else "exact")
    actions = {name: QAction(name) for name in ("play", "step", "restart")}
    page = MixturePage(Experiment(spec), FakeEngine(), clock, NetworkStore(), actions)
    qtbot.addWidget(page)
    page.begin()
    made = Made(spec, Network(tmp_path, spec) if trained else None)
    page.adviser.set_beside(made)
    even = np.array([0.8, 0.2])
    report = ChainReport(1, even, even, 1.0, 1.0, 1.0, 1.0, even, even, alive=0.9, off=0.2)
    page.adviser.set_report(made, report)
    titles = [advice.title for advice in page.adviser.cards.advice if advice.request == "why"]
    assert titles == (["Chains end off the data"] if trained else [])
    if trained:
        n = spec.sampling.chains
        assert f"{round(0.3 * n)} of {n} chains: {round(0.2 * n)} off the data, {round(0.1 * n)} blew up." in str(
            page.adviser.cards.advice[-1].evidence
        )


# -- shares ------------------------------------------------------------------------------------------------------------


def in_the_plane(qtbot, clock, why=()):
    """Return a mixture page whose last chains, all alive, have 650 of 1000 in a mode of weight 0.8."""
    spec = load_preset("ncsn-toy").replace("sampling.chains", 1000)
    actions = {name: QAction(name) for name in ("play", "step", "restart")}
    engine = FakeEngine(why=why)
    page = MixturePage(Experiment(spec), engine, clock, NetworkStore(), actions)
    qtbot.addWidget(page)
    page.begin()
    made = Made(page.experiment.spec, None)
    page.adviser.set_beside(made)
    shares = np.array([0.65, 0.35]), np.array([0.8, 0.2])
    page.adviser.set_report(made, ChainReport(1, *shares, 1.0, 1.0, 1.0, 1.0, *shares, alive=1.0, off=0.0))
    return page, engine


def of_shares(spec, *trials):
    base = Trial("", "as is", {}, 650, 1000)
    subject = "Chains outside mode 2, of which the data have 800.0 in 1000:"
    return Explained(spec.to_json(), (base, *trials), 1 + len(trials), fault="shares", subject=subject)


def test_wrong_shares_of_living_chains_are_explained_by_their_own_experiment(qtbot, monkeypatch, clock):
    monkeypatch.setenv(SYNCHRONOUS, "1")

    def why(spec, run, chains, fault):
        assert fault == "shares"
        values = {"sampling.sigma_1": 80.0, "sampling.levels": 24}
        yield of_shares(spec, Trial("start", "σ₁ × 2", values, 790, 1000, 1e-6))

    page, engine = in_the_plane(qtbot, clock, why)
    engine.jobs()
    assert (card(page).title, card(page).request) == ("Shares of the modes are wrong", "why shares")
    assert "Mode 2 has 350 of 1000 samples" in card(page).evidence
    press(page, clock)
    assert engine.jobs().count("why") == 1
    assert card(page).title == "Starts inside the data"
    assert "As is: 650 of 1000; σ₁ × 2: 790 of 1000. It is the first noise" in card(page).evidence
    press(page, clock)
    assert page.experiment.spec.sampling.sigma_1 == 80.0
    assert page.experiment.spec.sampling.levels == 24


def test_an_experiment_that_finds_no_wrong_share_says_so_and_offers_more_chains(qtbot, monkeypatch, clock):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    requests = []

    def why(spec, run, chains, fault):
        requests.append(chains)
        yield Explained(spec.to_json(), (), 0, fault=fault, subject="No share differs.", drawn=256)

    page, _ = in_the_plane(qtbot, clock, why)
    press(page, clock)
    assert "No share differs." in card(page).evidence
    assert card(page).action == "Why? with 1024 chains"
    press(page, clock)
    assert requests == [0, 1024]

"""What a page can do and show, resolved from settings, networks and jobs alone: no window, no page, no engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from msd_engine.specs import load_card, load_preset, preset_names
from msd_engine.specs.experiment import same_data
from msd_engine.specs.tables.samplers import TRAITS
from msd_gui.session.made import Made
from msd_gui.session.networks import Network, Networks, network_in, shipped, usual_guidance
from msd_gui.session.resolve import EngineState, resolve
from msd_gui.session.rules import method_rule, sampler_rule

DIGITS = load_preset("digits-30s")
# No network ships for these pictures.
SHAPES = DIGITS.replace("data.name", "shapes")
PLANE = load_preset("ncsn-toy")
READY = EngineState(ready=True)


def trained(spec, k, folder="mine", step=10):
    return Network(Path(folder), spec.replace_all({"training.k": k, "sampling.source": "trained"}), step)


def labels(resolved):
    return [remedy.label for remedy in resolved.problem.remedies]


@pytest.mark.parametrize("network", shipped(), ids=lambda network: network.folder.name)
def test_a_shipped_network_serves_its_data_and_k(network):
    now = resolve(network.spec.replace("sampling.source", "trained"), Networks(), READY)
    assert now.in_use == network
    assert now.problem is None
    assert "sample" not in now.actions
    assert network_in(network.folder, DIGITS) == network


def test_a_network_of_this_session_comes_before_one_that_ships():
    mine = trained(DIGITS, 8)
    assert resolve(DIGITS, Networks((mine,)), READY).in_use == mine


@pytest.mark.parametrize("spec", [SHAPES, PLANE], ids=["images", "mixture"])
def test_k_dragged_away_from_the_network_is_said_with_every_way_on(spec):
    mine = trained(spec, 4)
    wanted = mine.spec.replace("training.k", 3)
    now = resolve(wanted, Networks((mine,), chosen=mine), READY)
    assert now.in_use is None
    assert now.problem.title == "This network has k = 4"
    assert labels(now) == ["Back to 4", "Use the exact score", "Train for k = 3", "Train for every k"]
    assert not now.serves
    assert "k = 4" in now.actions["sample"]
    assert "train" not in now.actions
    for remedy in now.problem.remedies[:2]:
        assert resolve(wanted.replace_all(remedy.values), Networks((mine,), chosen=mine), READY).serves


def test_another_network_of_that_k_is_offered_and_does_not_take_the_place_by_itself():
    mine = trained(DIGITS, 4)
    wanted = mine.spec.replace("training.k", 1)
    now = resolve(wanted, Networks((mine,), chosen=mine), READY)
    assert now.network == mine
    (offered,) = [remedy.network for remedy in now.problem.remedies if remedy.network is not None]
    assert resolve(wanted, Networks((mine,), chosen=offered), READY).in_use == offered
    assert offered.fits(wanted)


def test_without_any_network_the_nearest_k_is_offered_or_none():
    now = resolve(SHAPES.replace("training.k", 6), Networks((trained(SHAPES, 8),)), READY)
    assert labels(now) == ["Use k = 8", "Use the exact score", "Train for k = 6", "Train for every k"]
    now = resolve(SHAPES, Networks(), READY)
    assert labels(now) == ["Use the exact score", f"Train for k = {SHAPES.training.k}", "Train for every k"]
    assert "exact score" in now.problem.text


def test_other_data_leave_the_network_that_was_chosen():
    mine = trained(DIGITS, 8)
    other = DIGITS.replace("data.name", "mnist")
    now = resolve(other, Networks((mine,), chosen=mine), READY)
    assert now.network.card is not None
    assert mine not in now.candidates
    # A mixture is the same data only where all of it is.
    plane = trained(PLANE, 4)
    ring = plane.spec.replace("data.name", "ring-8")
    assert resolve(ring, Networks((plane,), chosen=plane), READY).network is None


def test_the_exact_score_needs_no_network_and_knows_the_one_that_fits():
    mine = trained(PLANE, PLANE.training.k)
    now = resolve(PLANE.replace("sampling.source", "exact"), Networks((mine,)), READY)
    assert now.serves
    assert now.in_use is None
    assert now.network == mine
    assert now.actions["denoise"]


def test_chains_wait_for_a_network_in_training_and_training_is_not_offered_then():
    spec = SHAPES
    now = resolve(spec, Networks(), replace(READY, training=spec))
    assert now.learning
    assert now.problem is None
    assert "sample" not in now.actions
    assert now.actions["train"]
    away = resolve(spec.replace("training.k", spec.training.k + 1), Networks(), replace(READY, training=spec))
    assert not any(remedy.action == "train" for remedy in away.problem.remedies)


def test_a_change_of_the_training_is_noted_while_its_network_goes_on():
    mine = trained(DIGITS, 8)
    state = replace(READY, stopped=mine.spec)
    wider = mine.spec.replace("network.width", mine.spec.network.width * 2)
    now = resolve(wider, Networks((mine,)), state)
    assert now.in_use == mine
    assert [remedy.action for remedy in now.card.remedies] == ["train"]
    assert now.actions["resume"]
    same = resolve(mine.spec, Networks((mine,)), state)
    assert same.card is None
    assert "resume" not in same.actions


@pytest.mark.parametrize("sampler", TRAITS)
def test_fields_that_settings_do_not_use_are_refused_with_a_reason(sampler):
    spec = PLANE.replace_all({"sampling.sampler": sampler} | sampler_rule(PLANE, sampler))
    now = resolve(spec, Networks(), READY)
    assert ("sampling.method" in now.fields) == (now.spec.sampling.needs_ladder or sampler == "plain")
    assert ("training.k" in now.fields) == (sampler == "plain")
    assert ("sampling.rho" in now.fields) == (now.spec.sampling.ladder != "karras")
    assert all(reason.endswith(".") for reason in now.fields.values())


@pytest.mark.parametrize("name", ["ncsn-toy", "two-gaussians", "ring-8", "grid-25"])
def test_fixed_noise_starts_as_the_papers_do_and_annealing_divides_its_steps_again(name):
    spec = load_preset(name)

    def chosen(spec, method):
        return spec.replace_all({"sampling.method": method} | method_rule(spec, method))

    fixed = chosen(spec, "fixed")
    assert (fixed.sampling.start, fixed.sampling.total_steps) == ("uniform", 1000)
    assert chosen(fixed, "annealed") == spec
    assert method_rule(fixed, "fixed") == {}
    few = chosen(spec.replace("sampling.steps_per_level", 2), "fixed")
    assert few.sampling.total_steps == 1000
    many = chosen(spec.replace("sampling.steps_per_level", 1_000_000), "fixed")
    assert many.sampling.total_steps == 1_000_000
    noisy = chosen(fixed.replace("sampling.sigma_L", 100.0), "annealed")
    assert noisy.sampling.sigma_1 == 100.0
    flow = fixed.replace_all({"sampling.sampler": "ode"} | sampler_rule(fixed, "ode"))
    assert flow.sampling.steps_per_level == spec.sampling.steps_per_level


def test_fixed_noise_leaves_the_start_of_images_alone():
    assert method_rule(DIGITS, "fixed") == {}


def test_nothing_begins_before_the_engine_is_there():
    now = resolve(DIGITS, Networks(), EngineState())
    assert {"train", "sample"} <= now.actions.keys()


def test_equal_inputs_resolve_to_equal_answers():
    mine = trained(DIGITS, 8)
    assert resolve(DIGITS, Networks((mine,)), READY) == resolve(DIGITS, Networks((mine,)), READY)


@pytest.mark.parametrize(
    ("path", "value", "others"),
    [
        ("sampling.seed", 5, True),
        ("training.k", 3, True),
        ("training.learning_rate", 0.5, False),
        ("noise.log_mean", 0.1, False),
        ("data.limit", 9, False),
    ],
)
def test_other_chains_come_of_a_change_or_not(path, value, others):
    spec = DIGITS.replace_all({"sampling.source": "trained", "sampling.guidance": 1.0, "sampling.exact_above": 1e4})
    network = trained(spec, 8)
    before, after = Made(spec, network), Made(spec.replace(path, value), network)
    assert (before.chains != after.chains) == others
    assert Made(spec, replace(network, step=11)).chains == before.chains
    assert Made(spec, replace(network, folder=Path("other"))).chains != before.chains


def test_exact_chains_follow_the_data_and_guided_ones_the_noise_of_training():
    exact = Made(DIGITS.replace("sampling.source", "exact"), None)
    assert Made(exact.spec.replace("data.limit", 9), None).chains != exact.chains
    guided = Made(DIGITS.replace_all({"sampling.source": "trained", "sampling.guidance": 2.0}), trained(DIGITS, 8))
    other = Made(guided.spec.replace("noise.log_mean", 0.1), guided.network)
    assert other.chains != guided.chains


def test_a_page_that_used_the_last_network_goes_on_with_a_newer_one_that_fits():
    old, new, weights = trained(DIGITS, 8), trained(DIGITS, 8, "new"), trained(DIGITS, 8, step=20)
    used = Networks((old,), chosen=old)
    assert used.after((weights,)).chosen == weights
    assert used.after((new, old)).chosen == new
    assert used.after((trained(DIGITS, 3, "new"), old)).chosen == old
    own = Networks((new, old), chosen=old)
    assert own.after((trained(DIGITS, 8, "newest"), new, old)).chosen == old


def test_what_made_chains_is_said_as_far_as_something_else_is_set_now():
    network = trained(DIGITS, 8)
    spec = DIGITS.replace_all({"sampling.source": "trained", "training.k": 8})
    made = Made(spec, network)
    assert made.differences(made) == ""
    assert made.differences(Made(spec.replace("training.learning_rate", 0.5), network)) == ""
    assert made.differences(Made(spec.replace("training.k", 3), network)) == "with k = 8"
    exact = Made(spec.replace("sampling.source", "exact"), None)
    assert "all images, " in exact.differences(made)
    assert "use at most 9, " in Made(exact.spec.replace("data.limit", 9), None).differences(made)
    newer = replace(network, step=20)
    assert made.differences(Made(spec, newer)) == "by mine, step 10"
    other = Made(spec.replace_all({"sampling.levels": 7, "sampling.source": "exact"}), None)
    assert made.differences(other) == f"with L = {spec.sampling.levels} by mine, step 10"


def test_a_sampler_without_a_step_has_no_step_size_among_what_made_it():
    flow = Made(DIGITS.replace_all({"sampling.sampler": "ode", "sampling.levels": 5}), None)
    assert "sampling.step_ratio" not in flow.settings()
    assert "sampling.step_ratio" in Made(DIGITS, None).settings()
    assert flow.settings()["training.k"] == f"k = {DIGITS.training.k}"


@pytest.mark.parametrize(
    ("path", "value", "same"),
    [("sampling.seed", 4, True), ("sampling.chains", 7, True), ("sampling.steps_per_level", 9, False)],
)
def test_chains_of_one_kind_differ_by_seed_and_number_alone(path, value, same):
    made = Made(DIGITS, trained(DIGITS, 8))
    assert (Made(DIGITS.replace(path, value), made.network).key == made.key) == same
    assert Made(DIGITS, replace(made.network, step=11)).key != made.key


def test_chains_of_another_folder_of_pictures_are_other_chains():
    mine = DIGITS.replace_all({"data.name": "folder", "data.path": "/mine", "data.size": 8, "data.channels": "grey"})
    theirs = mine.replace("data.path", "/theirs")
    network = trained(mine, 8)
    assert Made(mine, network).chains == Made(mine.replace("data.held_out", 0.2), network).chains
    assert Made(mine, network).chains != Made(theirs, network).chains
    assert "/mine" in Made(mine, network).differences(Made(theirs, network))
    exact = Made(mine.replace("sampling.source", "exact"), None)
    assert "/mine" in exact.differences(Made(theirs.replace("sampling.source", "exact"), None))
    assert not same_data(mine, theirs)
    assert not same_data(mine, mine.replace("data.size", 16))
    assert same_data(mine, mine.replace_all({"data.limit": 5, "data.held_out": 0.3}))


def test_own_pictures_are_opened_first():
    mine = DIGITS.replace_all({"data.name": "folder", "data.path": "/mine"})
    choice = ("data.name", "folder")
    assert resolve(DIGITS, Networks(), READY).choices[choice] == "Open or drop a folder of pictures."
    assert choice not in resolve(mine, Networks(), READY).choices


@pytest.mark.parametrize("spec", [DIGITS, PLANE], ids=["images", "mixture"])
@pytest.mark.parametrize("fusion", ["mean", "set"])
def test_a_network_that_serves_every_k_stays_in_use_whatever_k_is(spec, fusion):
    mine = trained(spec.replace("network.fusion", fusion), 4)
    stopped = replace(READY, stopped=mine.spec)
    assert mine.copies == "serves every k"
    for k in (1, 3, 16, 64):
        now = resolve(mine.spec.replace("training.k", k), Networks((mine,), chosen=mine), stopped)
        assert now.in_use == mine
        assert now.card is None
        assert not {"sample", "resume"} & now.actions.keys()
        training = resolve(now.spec, Networks(), replace(READY, training=mine.spec))
        assert training.learning


def test_the_card_of_a_network_of_one_k_takes_one_that_serves_or_trains_one():
    one, every = trained(DIGITS, 4), trained(DIGITS.replace("network.fusion", "mean"), 2, "every")
    assert one.copies == "sees k = 4"
    wanted = one.spec.replace("training.k", 3)
    now = resolve(wanted, Networks((every, one), chosen=one), READY)
    (taken,) = [remedy.network for remedy in now.problem.remedies if remedy.network is not None]
    assert taken == every
    train = now.problem.remedies[-1]
    assert train.action == "train"
    assert wanted.replace_all(train.values).serves_every_k


@pytest.mark.parametrize("spec", [DIGITS, PLANE], ids=["images", "mixture"])
def test_a_network_of_other_noise_does_not_serve_and_every_way_on_is_said(spec):
    mine = trained(spec, 8)
    covariance = "power-law" if spec.data.kind == "images" else "ellipse"
    wanted = mine.spec.replace("noise.covariance", covariance)
    now = resolve(wanted, Networks((mine,), chosen=mine), READY)
    assert now.in_use is None
    assert now.problem.title == f"No network for {spec.data.title} under this noise"
    assert "Use isotropic noise" in labels(now)
    (back,) = [remedy for remedy in now.problem.remedies if remedy.label == "Use isotropic noise"]
    assert resolve(wanted.replace_all(back.values), Networks((mine,), chosen=mine), READY).in_use == mine
    assert any(remedy.action == "train" for remedy in now.problem.remedies)
    assert resolve(wanted.replace("sampling.source", "exact"), Networks((mine,)), READY).serves
    refused = {word for path, word in now.choices if path == "noise.covariance"}
    assert refused == ({"ellipse"} if spec is DIGITS else {"power-law", "blur", "data"})


def test_the_process_is_shown_where_a_ladder_depends_on_it():
    assert "noise.process" in resolve(PLANE, Networks(), READY).fields
    for ladder in ("report", "quadratic"):
        assert "noise.process" not in resolve(PLANE.replace("sampling.ladder", ladder), Networks(), READY).fields


# -- guidance of another sampler -----------------------------------------------------------------------------------


def guided(sampler: str, guidance: float):
    """Return what is resolved for a network guided with w = 2.4 for the flow, after a change of the sampler."""
    mine = trained(load_preset("mnist-2min").replace_all({"sampling.sampler": "ode", "sampling.guidance": 2.4}), 8)
    spec = mine.spec.replace_all({"sampling.sampler": sampler, "sampling.guidance": guidance})
    return resolve(spec, Networks((mine,), chosen=mine), READY)


@pytest.mark.parametrize("sampler", ["langevin", "predictor-corrector", "consistent", "underdamped"])
def test_another_sampler_is_offered_the_guidance_that_is_shipped_for_it(sampler):
    usual = usual_guidance("mnist", sampler)
    now = guided(sampler, 2.4)
    assert now.problem is None
    assert now.serves
    assert now.card.title == "Guidance of another sampler"
    assert "w = 2.4 was chosen for Probability flow" in now.card.text
    (remedy,) = now.card.remedies
    assert remedy.values == {"sampling.guidance": usual}
    assert guided(sampler, usual).card is None


def test_guidance_of_the_same_sampler_and_one_that_the_user_chose_are_left_alone():
    assert guided("ode", 2.4).card is None
    assert guided("langevin", 1.7).card is None


@pytest.mark.parametrize("name", [name for name in preset_names() if load_preset(name).sampling.source == "trained"])
def test_a_preset_is_never_offered_another_guidance(name):
    spec = load_preset(name)
    for network in (Network(Path("mine"), spec), *(one for one in shipped() if one.fits(spec))):
        card = resolve(spec, Networks((network,), chosen=network), READY).card
        assert card is None or card.title != "Guidance of another sampler"


def test_shipped_guidance_is_that_of_presets_and_models_and_else_none():
    spec = load_card("mnist").spec
    assert usual_guidance("mnist", spec.sampling.sampler) == spec.sampling.guidance
    assert usual_guidance("no such data", "langevin") == 1.0


@pytest.mark.parametrize("fusion", ["concat", "mean"])
def test_copies_in_turn_need_a_network_that_serves_every_k(fusion):
    spec = load_preset("ncsn-toy").replace_all({"sampling.source": "trained", "network.fusion": fusion})
    mine = Network(Path("mine"), spec)
    asked = spec.replace("sampling.sampler", "accumulated")
    now = resolve(asked, Networks((mine,), chosen=mine), READY)
    if fusion == "mean":
        assert now.in_use is mine
        return
    assert now.in_use is None
    assert "1 to 8" in now.problem.text
    labels = {remedy.label: remedy for remedy in now.problem.remedies}
    assert set(labels) == {"Use Langevin", "Use the exact score", "Train for every k"}
    for label, remedy in labels.items():
        fixed = resolve(asked.replace_all(dict(remedy.values)), Networks((mine,), chosen=mine), READY)
        assert fixed.serves or remedy.action == "train", label
    # With one copy there is none before it.
    one = spec.replace("training.k", 1)
    network = Network(Path("one"), one)
    alone = resolve(one.replace("sampling.sampler", "accumulated"), Networks((network,)), READY)
    assert alone.in_use is network

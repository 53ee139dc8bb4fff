"""Chains in the plane that go on from a moment of chains of other settings, and the moves of one chain."""

from __future__ import annotations

import math

import numpy as np
import pytest

from msd_engine.cli.main import main
from msd_engine.events import ChainMoves, ChainReport, ChainSegment, Failed, Finished, Samples
from msd_engine.jobs.sampling.moves import moves
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import BranchSpec, ExperimentSpec, SpecError, load_preset
from msd_engine.specs.tables.samplers import TRAITS

STEP = 30
MOVING = ["langevin", "consistent", "underdamped", "predictor-corrector", "ode", "metropolis", "ddim"]


def small(**values):
    settings = {"sampling.chains": 5, "sampling.levels": 4, "sampling.steps_per_level": 15, "training.k": 3}
    return load_preset("two-gaussians").replace_all(settings | values)


def branched(spec, step=STEP, **values):
    values = {f"sampling.{name}": value for name, value in values.items()}
    return spec.replace_all(values | {"branch": BranchSpec(step=step, sampling=spec.sampling)})


def of(kind, events):
    events = list(events)
    assert isinstance(events[-1], Finished), events[-1]
    return [event for event in events if isinstance(event, kind)]


def history(spec):
    segments = of(ChainSegment, sample(spec, device="cpu"))
    return tuple(np.concatenate([getattr(each, name) for each in segments]) for name in ("steps", "y", "sigma"))


@pytest.mark.parametrize("sampler", [*MOVING, "gibbs"])
@pytest.mark.parametrize("step", [0, STEP, 37])
def test_a_branch_with_the_same_settings_is_the_same_chain(sampler, step):
    spec = small(**{"sampling.sampler": sampler})
    steps, y, _ = history(spec)
    again, other, _ = history(branched(spec, step))
    np.testing.assert_array_equal(again, steps)
    np.testing.assert_array_equal(other[:step], y[:step])
    np.testing.assert_allclose(other, y, atol=2e-3 * np.abs(y).max())


def test_a_branch_has_the_way_before_it_and_goes_on_with_its_own_settings():
    spec = small()
    _, y, sigma = history(spec)
    for change in ({"step_ratio": 0.7}, {"seed": 9}, {"sampler": "underdamped"}, {"sigma_L": 0.4}):
        _, other, levels = history(branched(spec, **change))
        np.testing.assert_array_equal(other[: STEP + 1], y[: STEP + 1])
        assert np.abs(other[-1] - y[-1]).max() > 0.05
        np.testing.assert_array_equal(levels[:STEP], sigma[:STEP])
    assert levels[-1] == 0.4


def test_theory_does_not_speak_of_branched_chains():
    many = {"data.name": "ncsn-toy", "sampling.chains": 100, "sampling.steps_per_level": 50}
    (whole,), (part,) = (
        of(ChainReport, sample(each, device="cpu"))[-1:] for each in (small(**many), branched(small(**many)))
    )
    assert math.isfinite(whole.predicted_std)
    assert math.isfinite(whole.predicted_inflation)
    assert math.isnan(part.predicted_std)
    assert math.isnan(part.predicted_inflation)


def test_the_branch_travels_in_the_spec_and_others_do_not_name_it():
    spec = branched(small(), seed=3)
    assert ExperimentSpec.from_json(spec.to_json()) == spec
    assert "branch" not in small().to_json()
    assert of(Samples, sample(spec, device="cpu"))[0].spec_json == spec.to_json()
    assert spec.replace("branch", None) == small(**{"sampling.seed": 3})


def test_the_command_line_draws_a_branch_of_a_file(tmp_path, capsys):
    spec, out = branched(small(), seed=3), tmp_path / "points.npz"
    (tmp_path / "branch.json").write_text(spec.to_json())
    assert main(["sample", "--preset", str(tmp_path / "branch.json"), "--out", str(out), "--device", "cpu"]) == 0
    capsys.readouterr()
    with np.load(out) as kept:
        np.testing.assert_array_equal(kept["x_hat"], of(Samples, sample(spec, device="cpu"))[0].x_hat)


def test_a_branch_that_cannot_be_is_refused_in_one_sentence():
    spec = small()
    with pytest.raises(SpecError, match=r"must not exceed the last step of branch\.sampling \(60\)"):
        branched(spec, 61)
    with pytest.raises(SpecError, match="branch is for points, not for images"):
        load_preset("digits-30s").replace("branch", BranchSpec())
    *_, end = sample(branched(spec, 60, steps_per_level=10), device="cpu")
    assert isinstance(end, Failed)
    assert end.text.startswith("The branch begins at step 60, but these chains end at step 40: ")


# -- moves -------------------------------------------------------------------------------------------------------------


def split(spec, chain):
    found = of(ChainMoves, moves(spec, chain))
    return ChainMoves(
        *(
            np.concatenate([getattr(each, name) for each in found])
            for name in ("steps", "y", "drift", "noise", "accepted")
        )
    )


@pytest.mark.parametrize("branch", [False, True])
@pytest.mark.parametrize("sampler", MOVING)
def test_drift_and_noise_lead_from_each_state_to_the_next(sampler, branch):
    steps_own = {"sampling.step_ratio": 0.6} if TRAITS[sampler].has_step else {}
    spec = small(**{"sampling.sampler": sampler} | steps_own)
    spec = branched(spec, levels=5, seed=4) if branch else spec
    steps, y, _ = history(spec)
    found = split(spec, 2)
    np.testing.assert_array_equal(found.steps, steps[:-1])
    np.testing.assert_allclose(found.y, y[:-1, 2], atol=1e-5 * np.abs(y).max())
    moved = found.y + np.where(found.accepted[:, None, None], found.drift + found.noise, 0)
    np.testing.assert_allclose(moved, y[1:, 2], atol=1e-5 * np.abs(y).max())
    assert found.accepted.all() == (sampler != "metropolis")


def test_the_drift_of_langevin_dynamics_is_the_step_times_the_score():
    spec = small(**{"sampling.step_ratio": 0.3})
    segments = of(ChainSegment, sample(spec, device="cpu"))
    x_hat = np.concatenate([each.x_hat for each in segments])[:-1, 1, None]
    found = split(spec, 1)
    np.testing.assert_allclose(found.drift, 0.3 * (x_hat - found.y), atol=1e-5 * np.abs(found.y).max())


def test_the_noise_has_the_variance_of_the_sampler():
    spec = small(**{"sampling.method": "fixed", "sampling.steps_per_level": 4000, "sampling.step_ratio": 0.2})
    noise = split(spec, 0).noise
    wanted = 2 * 0.2 * spec.sampling.sigma_L**2
    # Relative standard error of a variance from n numbers: √(2/n).
    assert noise.var() / wanted == pytest.approx(1, abs=5 * math.sqrt(2 / noise.size))


def test_a_rejected_proposal_is_known_and_shares_the_noise_of_accepted_ones():
    spec = small(**{"sampling.sampler": "metropolis", "sampling.step_ratio": 1.0, "sampling.warm_up": 0.0})
    found = split(spec, 0)
    rejected = ~found.accepted
    assert 0 < rejected.sum() < len(rejected)
    assert np.isfinite(found.noise).all()
    assert np.abs(found.noise[rejected]).max() > 0


def test_moves_refuse_in_one_sentence_what_has_none():
    for spec, words in (
        (small(**{"sampling.sampler": "gibbs"}), "draws anew and has no drift"),
        (small(**{"sampling.steps_per_level": 10_000}), "at most 20,000 steps are kept"),
        (load_preset("digits-30s"), "choose a mixture or points"),
    ):
        *_, end = moves(spec, 0)
        assert isinstance(end, Failed)
        assert words in end.text

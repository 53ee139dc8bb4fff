"""The comparison of objectives: fair turns, errors against the truth, the table and its sentence."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from msd_engine.data.shapes import mixture
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.events import (
    Event,
    Failed,
    Finished,
    Notice,
    ScoreCurves,
    ScoreFields,
    ScoreRow,
    ScoreTable,
    ScoreTruth,
    Started,
)
from msd_engine.events.scores.table import PLACES, Spread
from msd_engine.jobs.factory.forms import OBJECTIVES
from msd_engine.jobs.factory.training import training
from msd_engine.jobs.scores.scores import scores
from msd_engine.metrics.errors.nearest import verdict
from msd_engine.metrics.errors.regions import region_errors, regions, relative_error
from msd_engine.metrics.errors.student import interval
from msd_engine.objectives.objective import Losses
from msd_engine.specs import MixtureSpec, SpecError, load_preset
from msd_engine.specs.scores.contenders import BY_FUSION, CONTENDERS
from msd_engine.specs.scores.spec import ScoresSpec, usual_base

FEW = {"training.steps": 80, "training.learning_rate": 0.01, "training.batch": 64, "noise.noises": 3}
FEW |= {"network.width": 16, "network.depth": 2}


def comparison(contenders: tuple[str, ...], seeds: tuple[int, ...] = (0, 1), **fields: Any) -> ScoresSpec:
    changes = FEW | {name.replace("__", "."): value for name, value in fields.items()}
    base = usual_base(load_preset("two-gaussians")).replace_all(changes)
    return ScoresSpec.from_fields({"base": base.model_dump(), "contenders": contenders, "seeds": seeds})


def informed(spec: ScoresSpec, kind: type[Event]) -> list[Any]:
    return [event for event in scores(spec, device="cpu", threads=1) if isinstance(event, kind)]


@pytest.fixture(scope="module")
def story() -> list[Event]:
    spec = comparison(("denoising", "ncsn", "explicit", "sliced-vr"))
    return list(scores(spec, device="cpu", threads=1))


def of(story: list[Event], kind: type[Event]) -> list[Any]:
    return [event for event in story if isinstance(event, kind)]


def test_it_tells_the_truth_first_and_the_verdict_last(story: list[Event]) -> None:
    assert isinstance(story[0], Started)
    assert ScoresSpec.from_json(story[0].spec_json).seeds == (0, 1)
    assert isinstance(story[1], ScoreTruth)
    assert isinstance(story[-1], Finished)
    assert story[-1].text == of(story, ScoreTable)[-1].text
    assert [table.seeds for table in of(story, ScoreTable)] == [1, 2]


def test_the_truth_is_the_exact_score_of_the_noisy_data(story: list[Event]) -> None:
    (truth,) = of(story, ScoreTruth)
    at = torch.tensor(truth.points, dtype=torch.float64).requires_grad_()
    log_p = mixture(MixtureSpec(name="two-gaussians")).log_prob(at, truth.sigma_eff)
    (gradient,) = torch.autograd.grad(log_p.sum(), at)
    np.testing.assert_allclose(truth.score, gradient, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(truth.log_density.ravel(), log_p.detach(), rtol=1e-4, atol=1e-3)
    assert set(truth.region.tolist()) == {0, 1, 2}
    # A contour has the density of its level everywhere.
    for line in truth.contours:
        levels = mixture(MixtureSpec(name="two-gaussians")).log_prob(torch.tensor(line).double(), truth.sigma_eff)
        assert float(levels.std()) < 0.2


def test_fields_curves_and_table_have_the_same_errors(story: list[Event]) -> None:
    (truth,), last = of(story, ScoreTruth), of(story, ScoreTable)[-1]
    curves, fields = of(story, ScoreCurves)[-1], of(story, ScoreFields)[-1]
    assert curves.steps[0] == 0
    assert curves.steps[-1] == fields.step == 80
    for number, row in enumerate(last.rows):
        for place, name in enumerate(PLACES):
            assert row.errors[name].mean == pytest.approx(curves.mean[number, place, -1])
            assert row.errors[name].low == pytest.approx(curves.low[number, place, -1])
            found = interval(np.log(list(row.by_seed[name].values())))
            assert math.log(row.errors[name].mean) == pytest.approx(found.mean)
            assert math.log(row.errors[name].high) == pytest.approx(found.high)
        inside = truth.region == 0
        error = relative_error(fields.scores[number][inside], truth.score[inside])
        assert row.by_seed["inside"][1] == pytest.approx(error, rel=1e-4)
        assert row.step_ms > 0


def test_every_error_falls(story: list[Event]) -> None:
    curves = of(story, ScoreCurves)[-1]
    assert (curves.mean[:, 0, -1] < curves.mean[:, 0, 0]).all()


def test_the_same_seed_gives_the_same_errors_whoever_runs_beside(story: list[Event]) -> None:
    alone = informed(comparison(("sliced-vr",), seeds=(1,)), ScoreTable)[-1].rows[0]
    beside = of(story, ScoreTable)[-1].rows[3]
    assert alone.by_seed["data"][1] == beside.by_seed["data"][1]
    assert math.isinf(alone.errors["data"].high)


def test_all_contenders_of_a_seed_have_the_same_data_and_first_weights() -> None:
    spec = comparison(tuple(name for name in CONTENDERS if name not in BY_FUSION))
    parts = [training(spec.child(one, 3), data_dir=None, device=torch.device("cpu")) for one in spec.contenders]
    batches = [part.source.take(part.source.rows(5), 5) for part in parts]
    assert all(torch.equal(batch, batches[0]) for batch in batches)
    # Parametrisations differ in the frequencies of the noise features alone.
    weights = [dict(part.trainer.denoiser.net.named_parameters()) for part in parts]
    assert all(torch.equal(one["hidden.0.weight"], weights[0]["hidden.0.weight"]) for one in weights)


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize("form", ["energy", "preconditioned"])
def test_every_objective_learns_in_every_form(contender: str, form: str) -> None:
    spec = comparison((contender,), seeds=(0,), training__form=form, training__k=2, noise__smallest=1.0)
    curves = informed(spec, ScoreCurves)[-1]
    assert np.isfinite(curves.mean[0, 0]).all()
    assert curves.mean[0, 0, -1] < curves.mean[0, 0, 0]


def test_the_score_of_points_is_known_too() -> None:
    spec = comparison(("explicit",), seeds=(0,), data__name="two-moons", noise__smallest=0.5)
    curves = informed(spec, ScoreCurves)[-1]
    assert curves.mean[0, 0, -1] < curves.mean[0, 0, 0]


def test_a_training_that_diverges_stands_still_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(denoiser: LearnedDenoiser, _x: Tensor, y: Tensor, sigma: Tensor, _given: object) -> Losses:
        lost = math.nan * denoiser.score(y, sigma).sum(1)
        return Losses(lost, lost)

    monkeypatch.setitem(OBJECTIVES, "explicit", SimpleNamespace(loss=broken))
    story = list(scores(comparison(("explicit", "denoising")), device="cpu", threads=1))
    notices, (lost, kept) = of(story, Notice), of(story, ScoreTable)[-1].rows
    assert len(notices) == 2
    assert "Explicit: Training stopped at step 0" in notices[0].text
    assert (lost.failed, len(lost.by_seed["data"]), lost.errors["data"].mean) == (
        2,
        0,
        pytest.approx(math.nan, nan_ok=True),
    )
    assert (kept.failed, len(kept.by_seed["data"])) == (0, 2)
    assert story[-1].text.startswith("Where the data are, Denoising is nearest")


def test_the_noise_of_the_comparison_is_that_of_the_mean_copy_where_the_law_is() -> None:
    spec = comparison(("denoising",), training__k=4, noise__smallest=0.5)
    assert (spec.sigma, spec.sigma_eff) == (1.0, 0.5)
    spec = comparison(("denoising",), training__k=4, noise__smallest=0.5, noise__quantity="sigma")
    assert (spec.sigma, spec.sigma_eff) == (0.5, 0.25)
    child = spec.child("denoising", 7)
    assert (child.noise.law, child.noise.noises, child.training.seed) == ("ladder", 1, 7)
    assert spec.child("ncsn", 0).noise.noises == 3
    assert spec.child("mse", 0).noise == spec.base.noise


def test_images_and_repeated_values_are_refused_in_a_sentence() -> None:
    with pytest.raises(SpecError, match="Scores are compared where the exact score is known"):
        usual_base(load_preset("digits-30s"))
    with pytest.raises(SpecError, match="in the plane"):
        ScoresSpec.from_fields({"base": load_preset("digits-30s").model_dump()})
    for fields in ({"contenders": ("ncsn", "ncsn")}, {"seeds": (0, 0)}):
        with pytest.raises(SpecError, match="must not name the same value twice"):
            ScoresSpec.from_fields({"base": load_preset("ring-8").model_dump()} | fields)


def test_a_device_that_is_not_there_fails_in_a_sentence() -> None:
    (failed,) = [event for event in scores(comparison(("ncsn",)), device="cuda:99") if isinstance(event, Failed)]
    assert failed.text.endswith(".")


# -- regions and verdict -----------------------------------------------------------------------------------------------


def test_regions_are_the_densest_part_the_rest_of_its_hull_and_beyond() -> None:
    generator = np.random.default_rng(0)
    draws = np.concatenate([generator.normal(centre, 0.5, (2000, 2)) for centre in (-4.0, 4.0)])

    def log_p(at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.logaddexp(*(-np.square(at - centre).sum(1) / 0.5 for centre in (-4.0, 4.0)))

    at = np.array([[4.0, 4.0], [-4.3, -4.0], [0.0, 0.0], [2.0, 1.5], [4.0, -4.0], [9.0, 9.0]])
    assert regions(at, log_p(at), draws, log_p(draws)).tolist() == [0, 0, 1, 1, 2, 2]
    assert np.mean(regions(draws, log_p(draws), draws, log_p(draws)) == 0) == pytest.approx(0.9, abs=0.01)


def test_the_relative_error_is_zero_for_the_truth_and_one_for_none() -> None:
    exact = np.array([[3.0, 4.0], [0.0, 1.0], [2.0, 0.0]])
    assert relative_error(exact, exact) == 0.0
    assert relative_error(0 * exact, exact) == 1.0
    assert relative_error(2 * exact, exact) == 1.0
    found = region_errors(np.array([[3.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), exact, np.array([0, 0, 2], np.int8), 3)
    assert found[0] == pytest.approx(4 / math.sqrt(26))
    assert math.isnan(found[1])
    assert found[2] == 1.0


def row(title: str, errors: list[float], *, informed: bool = False) -> ScoreRow:
    by_seed = dict(enumerate(errors))
    found = interval([math.log(error) for error in errors])
    spread = Spread(math.exp(found.mean), math.exp(found.low), math.exp(found.high))
    return ScoreRow(title, title, informed, 10, dict.fromkeys(PLACES, spread), dict.fromkeys(PLACES, by_seed), 2.0, 0)


def test_the_verdict_names_the_nearest_rival_and_whom_the_seeds_do_not_tell_from_it() -> None:
    a, b, c = row("A", [0.10, 0.11, 0.10]), row("B", [0.11, 0.10, 0.12]), row("C", [0.50, 0.51, 0.50])
    bound = row("T", [0.01, 0.01, 0.01], informed=True)
    text = verdict([bound, b, c, a])
    assert text.startswith("Where the data are, A is nearest to the exact score (error 0.103, 95 % 0.090 to 0.118)")
    assert "at 2 ms a step, but 3 seeds do not tell B from it; inside the modes A (0.103; 1 alike)" in text
    assert text.endswith(", outside A (0.103; 1 alike).")
    assert "C" not in text
    assert "T" not in text
    assert "but" not in verdict([c, a])
    assert "by one seed alone" in verdict([row("A", [0.1]), row("B", [0.2])])
    assert verdict([bound]).startswith("Where the data are, T is nearest")
    assert verdict([]) == ""

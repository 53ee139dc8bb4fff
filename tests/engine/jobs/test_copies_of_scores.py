"""The copies test: how far x̂ moves where the copies of fixed draws are shuffled, dropped or replaced."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
import torch

from msd_engine.cli.main import main
from msd_engine.denoisers.posterior import Posterior
from msd_engine.events import ScoreTable
from msd_engine.events.scores.copies import CHANGES, CopiesTested
from msd_engine.jobs.scores.copies import CopiesTest
from msd_engine.jobs.scores.scores import scores
from msd_engine.specs import SpecError, load_preset
from msd_engine.specs.scores.contenders import BY_FUSION, CONTENDERS
from msd_engine.specs.scores.spec import ScoresSpec, usual_base

FEW = {"training.steps": 60, "training.batch": 64, "network.width": 16, "network.depth": 2, "training.k": 3}


def comparison(contenders=BY_FUSION, seeds=(0, 1), **fields):
    changes = FEW | {name.replace("__", "."): value for name, value in fields.items()}
    base = usual_base(load_preset("two-gaussians")).replace_all(changes)
    return ScoresSpec.from_fields({"base": base.model_dump(), "contenders": contenders, "seeds": seeds})


@pytest.fixture(scope="module")
def story():
    return list(scores(comparison(), device="cpu", threads=1))


def gaussian(**fields):
    """One Gaussian N(0, s²) in each coordinate, whose x̂ is c ȳ with c = s²/(s² + σ_eff²)."""
    custom = {"data.name": "custom", "data.weights": (1.0,), "data.means": ((0.0, 0.0),)}
    return comparison(**custom, data__covariances=(((4.0, 0.0), (0.0, 4.0)),), **fields)


@pytest.mark.parametrize("k", [2, 5])
def test_of_a_gaussian_the_exact_changes_are_those_of_the_formula(k):
    spec = gaussian(training__k=k, noise__smallest=1.0)
    test, tau = CopiesTest(spec), spec.sigma_eff
    c, fewer = 4 / (4 + tau**2), 4 / (4 + tau**2 * k / (k - 1))
    # x̂ = c ȳ, and without a copy x̂ = c' ȳ': ȳ' − ȳ and ȳ have covariance E(ȳ' − ȳ) ȳ = 0.
    dropped = math.sqrt((fewer - c) ** 2 * (4 + tau**2) + fewer**2 * tau**2 / (k - 1))
    replaced = c * math.sqrt(2 * 4) / k
    assert test.exact[0] < 1e-12
    # 1 000 draws of two coordinates.
    np.testing.assert_allclose(test.exact[1:], np.array([dropped, replaced]) / tau, rtol=4 / math.sqrt(2 * 2000))


class _First(torch.nn.Module):
    """A network of one k that returns its first copy."""

    any_k = False

    def __init__(self):
        super().__init__()
        self.sigma_data = torch.tensor(1.0)

    def __call__(self, y, _sigma):
        return Posterior(y[:, 0], y)


def test_a_network_of_one_k_gets_as_many_copies_as_it_takes():
    spec = comparison(training__k=4)
    seen = []

    class Watching(_First):
        def __call__(self, y, sigma):
            seen.append(tuple(y.shape))
            return super().__call__(y, sigma)

    moved = CopiesTest(spec).measure(Watching())
    assert {shape[1] for shape in seen} == {4}
    # The first copy moves where the order changes, and there alone.
    assert moved[0] == pytest.approx(spec.sigma * math.sqrt(2) / spec.sigma_eff, rel=0.1)
    assert moved[1] == moved[2] == 0


def test_the_mean_copies_the_exact_changes_and_a_concatenation_learns_its_order(story):
    events = [event for event in story if isinstance(event, CopiesTested)]
    last, table = events[-1], [event for event in story if isinstance(event, ScoreTable)][-1]
    place = {name: number for number, name in enumerate(last.contenders)}
    assert last.exact[0] < 1e-12
    assert (last.exact[1:] > 0.1).all()
    for name in ("mse-mean", "mse-set"):
        # Rounding of single precision.
        assert last.mean[place[name], 0, -1] < 1e-4
    assert last.mean[place["mse-concat"], 0, -1] > 1e-3
    for row in table.rows:
        for number, name in enumerate(CHANGES):
            assert row.moved[name].mean == pytest.approx(last.mean[place[row.contender], number, -1])
            assert row.moved[name].high == pytest.approx(last.high[place[row.contender], number, -1])
    assert list(table.moved) == list(CHANGES)
    assert list(table.moved.values()) == last.exact.tolist()


def test_the_fusions_learn_the_same_law_of_the_noise():
    spec = comparison()
    children = [spec.child(name, 0) for name in spec.contenders]
    assert [child.network.fusion for child in children] == [CONTENDERS[name].fusion for name in spec.contenders]
    assert len({child.law.draws_sigma_eff for child in children}) == 1


def test_one_copy_has_no_fusion():
    with pytest.raises(SpecError, match="at least 2 where mse-concat"):
        comparison(training__k=1)
    story = scores(comparison(("mse",), (0,), training__k=1, training__steps=2), device="cpu", threads=1)
    assert not any(isinstance(event, CopiesTested) for event in story)


def test_the_command_prints_and_writes_the_changes(tmp_path, capsys):
    few = "--steps 6 --width 8 --depth 1 --batch 16 --seeds 0,1 --threads 1 --device cpu --k 2"
    line = ["scores", "--objectives", "mse-concat,mse-mean", *few.split()]
    assert main([*line, "--out", str(tmp_path / "table.csv")]) == 0
    printed = capsys.readouterr().out
    assert "change of x̂ / σ_eff" in printed
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{float(rows[0]['dropped_mean']):.3f}" in printed
    assert main([*line, "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["rows"][1]["moved"]["replaced"]["mean"] == pytest.approx(float(rows[1]["replaced_mean"]))
    assert list(reported["exact_moved"]) == list(CHANGES)

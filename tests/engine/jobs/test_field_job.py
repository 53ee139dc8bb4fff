"""The field job: density and scores on a grid, with the orientation that the plane expects."""

import math

import numpy as np
import pytest
import torch

from msd_engine.data.shapes import mixture
from msd_engine.events import Failed, FieldFrame, Finished, Started
from msd_engine.jobs.sampling.field import field
from msd_engine.jobs.training.train import train
from msd_engine.specs import MixtureSpec, load_preset

BOUNDS = (-10.0, 12.0, -9.0, 8.0)


def frame_of(spec, **given):
    events = list(field(spec, **({"sigma": 2.0, "bounds": BOUNDS, "resolution": (17, 22), "points": 5} | given)))
    assert [type(event) for event in events] == [Started, FieldFrame, Finished]
    return events[1]


@pytest.mark.parametrize("preset", ["two-gaussians", "ncsn-toy", "ring-8", "grid-25"])
def test_the_frame_is_the_mixture_at_sigma_eff(preset):
    spec = load_preset(preset)
    target = mixture(spec.data)
    frame = frame_of(spec)
    sigma_eff = 2.0 / math.sqrt(spec.training.k)
    assert frame.log_density.shape == (17, 22)
    # Cells of size 1: row 0 is at y_min, column 0 at x_min.
    for row, column in ((0, 0), (0, 21), (16, 0), (9, 13)):
        centre = torch.tensor([-9.5 + column, -8.5 + row], dtype=torch.float64)
        assert frame.log_density[row, column] == pytest.approx(target.log_prob(centre, sigma_eff).item(), rel=1e-4)
    assert frame.points.shape == frame.exact_score.shape == (25, 2)
    expected = target.score(torch.from_numpy(frame.points).double(), sigma_eff).numpy()
    np.testing.assert_allclose(frame.exact_score, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(frame.means, target.means.numpy(), rtol=1e-6)
    assert frame.trained_score is None


def test_the_data_are_always_the_same_draws():
    spec = load_preset("ncsn-toy")
    first, second = frame_of(spec), frame_of(spec, sigma=7.0)
    assert np.array_equal(first.data, second.data)
    assert abs((first.data[:, 0] > 0).mean() - 0.8) < 4 * math.sqrt(0.16 / len(first.data))


def test_no_points_are_allowed():
    assert frame_of(load_preset("ncsn-toy"), points=0).exact_score.shape == (0, 2)


def test_a_run_adds_its_score_and_leaves_the_rest(tmp_path):
    spec = load_preset("ncsn-toy").replace_all({"training.steps": 3, "network.width": 16})
    assert isinstance(list(train(spec, tmp_path / "run"))[-1], Finished)
    frame, plain = frame_of(spec, run_dir=tmp_path / "run"), frame_of(spec)
    assert frame.trained_score.shape == frame.exact_score.shape
    assert np.isfinite(frame.trained_score).all()
    assert np.array_equal(frame.exact_score, plain.exact_score)
    again = frame_of(spec, run_dir=tmp_path / "run")
    assert np.array_equal(frame.trained_score, again.trained_score)


def test_what_has_no_picture_is_refused_in_one_sentence(tmp_path):
    toy = load_preset("ncsn-toy")
    line = MixtureSpec(name="custom", weights=(1.0,), means=((0.0,),), covariances=(((1.0,),),))
    for spec, run, word in (
        (toy.replace("data", line), None, "plane"),
        (load_preset("digits-30s"), None, "images"),
        (toy, tmp_path / "none", "none"),
    ):
        (failed,) = list(field(spec, sigma=1.0, bounds=BOUNDS, run_dir=run))
        assert isinstance(failed, Failed)
        assert word in failed.text

"""Every job with another number of copies than in training: taken where a network serves every k, else refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from msd_engine.events import Denoised, Failed, FieldFrame, Finished, HeldOutLoss, Ladder, Quality, Samples
from msd_engine.jobs.factory.parts import guided_between
from msd_engine.jobs.pictures.denoise import denoise
from msd_engine.jobs.quality.evaluate import evaluate
from msd_engine.jobs.sampling.chain_task import chain_task
from msd_engine.jobs.sampling.field import field
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.specs import ExperimentSpec, load_preset

SMALL = {
    "network.width": 8, "training.k": 4, "training.steps": 20, "training.seconds": 0.0, "training.batch": 16,
    "training.precision": "float32", "training.evaluate_every": 10, "sampling.source": "trained",
    "sampling.levels": 3, "sampling.steps_per_level": 2, "sampling.chains": 5, "sampling.guidance": 1.5,
}  # fmt: skip
Run = tuple[ExperimentSpec, Path]


def run_of(folder: Path, preset: str, fusion: str) -> Run:
    spec = load_preset(preset).replace_all(SMALL | {"network.fusion": fusion})
    events = list(train(spec, folder))
    assert isinstance(events[-1], Finished), events[-1]
    assert [event.step for event in events if isinstance(event, HeldOutLoss)] == [10, 20]
    return spec, folder


@pytest.fixture(scope="module", params=["mean", "set"])
def images(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("runs") / "images", "digits-30s", request.param)


@pytest.fixture(scope="module", params=["mean", "set"])
def points(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("runs") / "points", "ncsn-toy", request.param)


def only(kind: type, events: list) -> object:
    assert isinstance(events[-1], Finished), events[-1]
    return next(event for event in events if isinstance(event, kind))


@pytest.mark.parametrize("k", [1, 3, 6])
def test_chains_and_fields_of_points(points: Run, k: int) -> None:
    spec, run = points[0].replace("training.k", k), points[1]
    drawn = only(Samples, list(sample(spec, run_dir=run)))
    assert drawn.y.shape == (5, k, 2)
    assert np.isfinite(drawn.x_hat).all()
    bounds = (-8.0, 8.0, -8.0, 8.0)
    frame = only(FieldFrame, list(field(spec, sigma=2.0, bounds=bounds, run_dir=run, points=4)))
    assert np.isfinite(frame.trained_score).all()


def test_every_job_of_images(images: Run) -> None:
    spec, run = images[0].replace("training.k", 3), images[1]
    events = list(sample(spec, run_dir=run))
    assert only(Samples, events).y.shape == (5, 3, 1, 8, 8)
    # It is guided at the noises of training at this k: σ_eff has one law, and σ follows √k.
    assert only(Ladder, events).evaluations > spec.sampling.evaluations
    wider = np.array(guided_between(images[0].replace_all({"training.k": 12, "sampling.exact_above": 1e4})))
    narrow = np.array(guided_between(spec.replace("sampling.exact_above", 1e4)))
    np.testing.assert_allclose(wider, 2 * narrow, rtol=1e-6)
    row = only(Samples, list(chain_task(spec, "interpolate", run_dir=run)))
    assert row.y.shape == (5, 3, 1, 8, 8)
    masked = spec.replace("denoise.mask", bytes(32) + b"\xff" * 32)
    assert only(Samples, list(chain_task(masked, "inpaint", run_dir=run))).y.shape == (5, 3, 1, 8, 8)
    reported = only(Denoised, list(denoise(spec.replace("denoise.change", "drop"), run_dir=run)))
    assert (reported.fixed_k, len(reported.copies.y), len(reported.changed.y)) == (0, 3, 2)
    assert only(Quality, list(evaluate(spec.replace("sampling.chains", 40), run_dir=run))).n == 40


def test_a_network_that_concatenates_refuses_another_k_in_one_sentence(tmp_path: Path) -> None:
    spec, run = run_of(tmp_path / "run", "ncsn-toy", "concat")
    (failed,) = list(sample(spec.replace("training.k", 3), run_dir=run))
    assert isinstance(failed, Failed)
    assert "k = 4 copies and takes no other number" in failed.text
    assert "network.fusion mean" in failed.text
    assert failed.text.count(".") - failed.text.count("training.k") - failed.text.count("network.") <= 1


def test_a_set_is_trained_with_every_k_in_turn_and_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    spec = load_preset("ncsn-toy").replace_all(SMALL | {"network.fusion": "set", "training.steps": 13})
    whole = only(Finished, list(train(spec, tmp_path / "whole")))
    job = train(spec, tmp_path / "parts")
    for event in job:
        if isinstance(event, HeldOutLoss):
            break
    job.close()
    list(train(None, tmp_path / "parts", resume=True))
    assert whole.step == 13
    weights = [(tmp_path / name / "weights.safetensors").read_bytes()[-4096:] for name in ("whole", "parts")]
    assert weights[0] == weights[1]

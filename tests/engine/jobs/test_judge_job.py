"""Judging a sampling after its end: the verdicts that it would have had, had the features been there."""

import numpy as np
import pytest

from msd_engine.events import Failed, Finished, Samples, Verdicts
from msd_engine.jobs.quality.judge import judge
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.features import classifier
from msd_engine.specs import load_preset

SMALL = {"sampling.chains": 6, "sampling.levels": 5, "sampling.steps_per_level": 2}


def only(kind, events):
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def test_features_are_made_once_and_judge_as_the_next_sampling_is_judged(tmp_path, monkeypatch):
    monkeypatch.setenv("MSD_CACHE_DIR", str(tmp_path))
    monkeypatch.setitem(classifier._RECIPES, "digits", classifier.Recipe(passes=2, batch=64))
    spec = load_preset("digits-exact").replace_all(SMALL)
    events = list(sample(spec, device="cpu"))
    before, samples = only(Verdicts, events), only(Samples, events)
    assert not before.features
    reported = list(judge(samples, device="cpu"))
    assert isinstance(reported[-1], Finished)
    after, again = only(Verdicts, reported), only(Verdicts, sample(spec, device="cpu"))
    assert after.features == again.features != ""
    assert after.verdict == again.verdict
    np.testing.assert_array_equal(after.shares, again.shares)
    np.testing.assert_array_equal(after.spatial_variance, before.spatial_variance)


@pytest.mark.parametrize("name", ["ring-8", "mnist-2min"])
def test_points_and_missing_images_are_one_sentence(name, tmp_path):
    nothing = np.zeros((2, 1, 1, 1), np.float32)
    (failed,) = [
        event
        for event in judge(Samples(nothing, nothing[:, None], 0, load_preset(name).to_json()), data_dir=tmp_path)
        if isinstance(event, Failed)
    ]
    assert failed.text.endswith(".")

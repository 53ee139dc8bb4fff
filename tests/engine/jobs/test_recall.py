"""The measurements of a run, reported again."""

import numpy as np
import pytest

from msd_engine.events import Failed, Finished, HeldOutLoss, LossPoints, Notice, StripFrame
from msd_engine.jobs.training.recall import held_out_strip, recall
from msd_engine.jobs.training.train import train
from msd_engine.specs import load_preset, model_folder
from msd_engine.specs.live import Every


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    fields = {"training.steps": 6, "training.seconds": 0.0, "training.evaluate_every": 3, "network.width": 8}
    folder = tmp_path_factory.mktemp("recall") / "run"
    return folder, list(train(load_preset("digits-30s").replace_all(fields), folder, cadence=Every(hz=1000.0)))


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_the_curves_are_those_that_training_reported(story):
    folder, reported = story
    again = list(recall(folder))
    assert isinstance(again[-1], Finished)
    (points,) = of(LossPoints, again)
    np.testing.assert_array_equal(points.loss, np.concatenate([part.loss for part in of(LossPoints, reported)]))
    assert points.steps.tolist() == [1, 2, 3, 4, 5, 6]
    before, after = of(HeldOutLoss, reported), of(HeldOutLoss, again)
    assert [(event.step, event.loss) for event in after] == [(event.step, event.loss) for event in before]
    np.testing.assert_array_equal(after[-1].band_loss, before[-1].band_loss)


def test_the_strip_is_that_of_the_last_weights(story):
    folder, reported = story
    (strip,), last = of(StripFrame, recall(folder)), of(StripFrame, reported)[-1]
    assert strip.step == 6
    np.testing.assert_array_equal(strip.noisy, last.noisy)
    np.testing.assert_allclose(strip.x_hat, last.x_hat, atol=2e-2)  # a tile of 16 rounds otherwise in bfloat16


def test_where_the_data_are_missing_the_curves_stand(tmp_path, story, monkeypatch):
    from msd_engine.backend.errors import BadFile
    from msd_engine.jobs.training import recall as module

    def missing(*_args, **_options):
        raise BadFile("There are no images here.")

    monkeypatch.setattr(module, "loaded_images", missing)
    events = list(recall(story[0]))
    assert not of(StripFrame, events)
    assert "There are no images here." in of(Notice, events)[0].text
    assert isinstance(events[-1], Finished)


def test_the_strip_alone_is_the_same_and_a_shipped_model_has_one_too(story):
    (strip,), (alone,) = of(StripFrame, recall(story[0])), of(StripFrame, held_out_strip(story[0]))
    for name in ("sigma", "clean", "noisy", "x_hat", "error"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(strip, name))
    (shipped,) = of(StripFrame, held_out_strip(model_folder("digits")))
    np.testing.assert_array_equal(shipped.clean, strip.clean)


def test_a_strip_without_its_images_says_which_are_missing(tmp_path):
    *_, failed = held_out_strip(model_folder("mnist"), data_dir=tmp_path)
    assert isinstance(failed, Failed)
    assert failed.missing == "mnist"


def test_a_folder_without_a_run_is_refused(tmp_path):
    (failed,) = recall(tmp_path)
    assert isinstance(failed, Failed)

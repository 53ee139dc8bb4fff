"""A run that is opened shows what it has measured before anything is trained or drawn again."""

from __future__ import annotations

import numpy as np
from hands import WAIT_MS

from msd_engine.events import HeldOutLoss
from msd_engine.jobs.training.train import train
from msd_engine.specs import load_preset


def trained(folder, preset, **fields):
    short = {"training.steps": 6, "training.seconds": 0.0, "training.evaluate_every": 3, "network.width": 8}
    spec = load_preset(preset).replace_all(short | fields)
    return spec, [event for event in train(spec, folder) if isinstance(event, HeldOutLoss)]


def test_images(qtbot, window, tmp_path):
    sampling = {"sampling.levels": 3, "sampling.steps_per_level": 1, "sampling.chains": 4}
    spec, received = trained(tmp_path / "run", "digits-30s", **sampling)
    window.show_page("images")
    page = window.pages["images"]
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    page.load(spec, tmp_path / "run")
    qtbot.waitUntil(lambda: page.shown.held_out is not None and not page.running, timeout=WAIT_MS)
    assert page.shown.held_out.step == 6
    assert page.trainer.held_out.loss == received[-1].loss
    np.testing.assert_array_equal(page.shown.losses.data()["held_out_loss"], [event.loss for event in received])
    # Training anew leaves nothing of the old curves behind.
    page.do_train()
    qtbot.waitUntil(lambda: page.trainer.has_weights and not page.running, timeout=WAIT_MS)
    assert len(page.shown.losses.data()["train_loss"]) == 6


def test_points(qtbot, window, tmp_path):
    spec, received = trained(tmp_path / "run", "ncsn-toy", **{"sampling.source": "trained"})
    page = window.pages["mixture"]
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    page.load(spec, tmp_path / "run")
    qtbot.waitUntil(lambda: page.trainer.held_out is not None and not page.running, timeout=WAIT_MS)
    assert page.trainer.held_out.loss == received[-1].loss

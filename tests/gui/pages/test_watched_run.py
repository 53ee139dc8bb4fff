"""The copy of a run that is trained elsewhere goes on in the window as if it were trained here."""

from __future__ import annotations

import json

import numpy as np
from hands import WAIT_MS

from msd_engine.events import HeldOutLoss
from msd_engine.jobs.training.train import train
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.remote.mirror import Mirror
from msd_engine.specs import load_preset

FIRST_PAGE = "images"
SAMPLING = {"sampling.levels": 3, "sampling.steps_per_level": 1, "sampling.chains": 4, "sampling.source": "trained"}
TRAINING = {"training.steps": 6, "training.seconds": 0.0, "training.evaluate_every": 3, "network.width": 8}


def test_curves_strip_samples_and_time_left_go_on(qtbot, window, tmp_path):
    there = tmp_path / "there"
    spec = load_preset("digits-30s").replace_all(SAMPLING | TRAINING)
    job = train(spec, there)
    while not isinstance(next(job), HeldOutLoss):
        pass
    job.close()
    manifest = json.loads((there / MANIFEST).read_text())
    (there / MANIFEST).write_text(json.dumps(manifest | {"status": "running"}))
    mirror = Mirror(str(there), tmp_path / "here")
    mirror.pull()
    window.show_page("images")
    page = window.pages["images"]
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    page.load(spec, mirror.folder)
    qtbot.waitUntil(lambda: page.trainer.watching and page.shown.held_out is not None, timeout=WAIT_MS)
    assert page.shown.held_out.step == 3
    assert "Training elsewhere, step 3 of 6" in page.trainer.status().text
    assert page.trainer.status().left_s >= 0.0
    before = page.shown.held_out.x_hat
    page.gallery.repeat.setChecked(True)
    qtbot.waitUntil(lambda: not page.chains.running and page.chains.made is not None, timeout=WAIT_MS)
    first = page.chains.made
    list(train(spec, there, resume=True))
    mirror.pull()
    qtbot.waitUntil(lambda: not page.trainer.watching and not page.running, timeout=WAIT_MS)
    assert page.shown.held_out.step == 6
    assert not np.array_equal(page.shown.held_out.x_hat, before)
    assert len(page.shown.losses.data()["held_out_loss"]) == 2
    assert len(page.shown.losses.data()["train_loss"]) == 6
    assert page.trainer.network.step == 6
    assert page.chains.made != first
    assert page.chains.made.run == mirror.folder
    # What is trained there is resumed there; a new run of one's own may begin.
    assert not page.can("resume")
    assert f"a copy of {there}:" in " ".join(window.commands["resume"].toolTip().split())
    page.load(spec, there)
    qtbot.waitUntil(lambda: page.can("resume"), timeout=WAIT_MS)

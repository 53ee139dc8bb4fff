"""The chains as an animation: each picture has the density of its own noise."""

from __future__ import annotations

import numpy as np
import pytest
from hands import WAIT_MS

from msd_engine.events import Failed
from msd_engine.events.errors import UserError
from msd_gui.pages.mixture.exports import moments


def test_the_density_of_each_picture_is_that_of_its_noise(qtbot, window):
    page = window.pages["mixture"]
    page.experiment.set(page.experiment.spec.replace_all({"sampling.chains": 3, "sampling.steps_per_level": 2}))
    qtbot.waitUntil(lambda: page.report is not None and not page.running, timeout=WAIT_MS)
    history = page.player.buffer.shown
    last = len(history) - 1
    shown = page.plane.plot()
    first, again, end = moments(page.parts, page.experiment.spec, history, [0, 0, last], shown)
    assert first.log_density is again.log_density
    np.testing.assert_array_equal(first.heads, again.heads)
    np.testing.assert_array_equal(end.heads, history.mean_path(last, 1)[-1])
    assert first.bounds == end.bounds == shown.bounds
    # Much noise lies everywhere, little noise on the modes alone.
    assert (first.density_share() > 0).mean() > (end.density_share() > 0).mean()


def test_a_density_that_cannot_be_computed_is_said(qtbot, window, monkeypatch):
    page = window.pages["mixture"]
    qtbot.waitUntil(lambda: page.report is not None and not page.running, timeout=WAIT_MS)

    def failing(*_arguments):
        return lambda _cadence, _live: iter([Failed("No network.")])

    monkeypatch.setattr(page.engine, "field", failing)
    history = page.player.buffer.shown
    planes = moments(page.parts, page.experiment.spec, history, [0], page.plane.plot())
    with pytest.raises(UserError, match="No network"):
        list(planes)

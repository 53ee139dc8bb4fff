"""The chains as an animation: each picture has the density of its own noise."""

from __future__ import annotations

import numpy as np
from hands import WAIT_MS

from msd_gui.pages.mixture.exports import recorded
from msd_gui.views.plane.plane import LAYERS


def taken(qtbot, steps):
    """Take all steps, as the ticks of the clock do, and return what they come to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        qtbot.wait(2)


def test_the_density_of_each_picture_is_that_of_its_noise(qtbot, window):
    page = window.pages["mixture"]
    page.experiment.set(page.experiment.spec.replace_all({"sampling.chains": 3, "sampling.steps_per_level": 2}))
    qtbot.waitUntil(lambda: page.report is not None and not page.running, timeout=WAIT_MS)
    for name in LAYERS:
        page.plane.set_layer(name, name == "density")
    history = page.player.buffer.shown
    last = len(history) - 1
    sheets = taken(qtbot, recorded(page.parts, page.experiment.spec, history, [0, 0, last]))
    first, again, end = (sheet.pixels() for sheet in sheets)
    np.testing.assert_array_equal(first, again)
    assert (first != end).any(axis=-1).mean() > 0.1
    # Much noise lies everywhere, little noise on the modes alone.
    assert (end == 255).all(axis=-1).sum() > (first == 255).all(axis=-1).sum()

"""Twins over the plane: those of the shown state, their distance, and one sentence where there are none."""

from __future__ import annotations

import numpy as np
from hands import WAIT_MS


def settle(qtbot, page, **values):
    small = {"chains": 4, "levels": 3, "steps_per_level": 12, "step_ratio": 0.2}
    page.experiment.set(page.experiment.spec.replace_all({f"sampling.{k}": v for k, v in (small | values).items()}))
    wanted = page.experiment.spec
    qtbot.waitUntil(
        lambda: page.player.buffer.shown.spec == wanted and page.player.buffer.shown.report is not None,
        timeout=WAIT_MS,
    )


def test_twins_lie_on_the_chains_that_are_shown(qtbot, window):
    page = window.pages["mixture"]
    settle(qtbot, page)
    assert not len(page.plane.plot().twins)
    page.twins.panel.switch.setChecked(True)
    qtbot.waitUntil(lambda: bool(page.twins.panel.readings.texts()), timeout=WAIT_MS)
    for step in (36, 20, 0):
        page.player.playhead.playing = False
        page.player.playhead.position = float(step)
        qtbot.waitUntil(lambda step=step: page.timeline.position() == step, timeout=WAIT_MS)
        plot = page.plane.plot()
        np.testing.assert_allclose(plot.twins[-1], plot.heads, atol=1e-4)
    rows = {name: value for name, value, _ in page.twins.panel.readings.texts()}
    assert float(rows["Largest distance to the twin"]) < 1e-11
    assert [curve.words for curve in page.twins.panel.curves.plot().curves] == ["ȳ", "y − ȳ", "theory (1 − r)^lag"]
    page.twins.panel.switch.setChecked(False)
    assert not len(page.plane.plot().twins)


def test_one_copy_has_no_twin_and_says_so(qtbot, window):
    page = window.pages["mixture"]
    settle(qtbot, page)
    page.twins.panel.switch.setChecked(True)
    qtbot.waitUntil(lambda: bool(page.twins.panel.readings.texts()), timeout=WAIT_MS)
    page.experiment.set(page.experiment.spec.replace("training.k", 1))
    qtbot.waitUntil(lambda: "its own one-sample twin" in page.twins.panel.said.text(), timeout=WAIT_MS)
    assert not page.twins.panel.readings.texts()
    assert not len(page.plane.plot().twins)

"""Two settings side by side: A stays as it was kept, B follows the settings, both at the same part of the way."""

from __future__ import annotations

import numpy as np
from hands import WAIT_MS


def settle(qtbot, page, **values):
    small = {"chains": 6, "levels": 3, "steps_per_level": 12, "step_ratio": 0.2}
    page.experiment.set(page.experiment.spec.replace_all({f"sampling.{k}": v for k, v in (small | values).items()}))
    arrived(qtbot, page)


def arrived(qtbot, page):
    wanted = page.experiment.spec
    qtbot.waitUntil(
        lambda: page.player.buffer.shown.spec == wanted and page.player.buffer.shown.report is not None,
        timeout=WAIT_MS,
    )
    go(qtbot, page, page.player.buffer.shown.total)


def go(qtbot, page, step):
    page.player.playhead.playing = False
    page.player.playhead.position = float(step)
    qtbot.waitUntil(lambda: page.timeline.position() == step, timeout=WAIT_MS)


def rows(page):
    return {name: (a, b) for name, a, b in page.sides.readings.texts() if name}


def test_what_was_kept_stays_beside_other_settings_with_the_same_noise(qtbot, window):
    page = window.pages["mixture"]
    settle(qtbot, page)
    kept = page.plane.plot().heads.copy()
    page.sides.button.click()
    assert page.sides.plane is not None
    assert page.sides.plane.isVisibleTo(page)
    np.testing.assert_array_equal(page.sides.plane.plot().heads, kept)
    assert rows(page)["Mean distance of chain i in A to chain i in B"][1] == "0"
    page.experiment.set(page.experiment.spec.replace("sampling.step_ratio", 0.5))
    arrived(qtbot, page)
    np.testing.assert_array_equal(page.sides.plane.plot().heads, kept)
    assert not np.array_equal(page.plane.plot().heads, kept)
    assert ("", "r = 0.2", "r = 0.5") in page.sides.readings.texts()
    assert rows(page)["Step"] == ("36 of 36", "36 of 36")
    # The same noise: at their start both are the same.
    go(qtbot, page, 0)
    np.testing.assert_array_equal(page.sides.plane.plot().heads, page.plane.plot().heads)


def test_chains_of_other_lengths_are_shown_at_the_same_part_of_the_way(qtbot, window):
    page = window.pages["mixture"]
    settle(qtbot, page)
    page.sides.button.click()
    page.experiment.set(page.experiment.spec.replace("sampling.steps_per_level", 24))
    arrived(qtbot, page)
    go(qtbot, page, 36)
    page.sides._next_s = 0.0
    page.sides.show_state()
    assert rows(page)["Step"] == ("18 of 36", "36 of 72")


def test_another_target_or_a_click_forgets_a(qtbot, window):
    page = window.pages["mixture"]
    settle(qtbot, page)
    page.sides.button.click()
    page.experiment.set(page.experiment.spec.replace("data.name", "ring-8"))
    arrived(qtbot, page)
    assert page.sides.kept is None
    assert not page.sides.plane.isVisibleTo(page)
    page.sides.button.click()
    assert page.sides.kept is not None
    page.sides.button.click()
    assert page.sides.kept is None
    assert page.sides.readings.texts() == []

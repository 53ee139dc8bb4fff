"""The update below the plane: the numbers of the state that is shown, in the convention that is kept."""

from __future__ import annotations

import pytest
from hands import WAIT_MS

from msd_gui.pages.mixture.formula import Formula
from msd_gui.session.settings import Settings


def small(page, **values):
    settings = {"chains": 4, "levels": 3, "steps_per_level": 5, "step_ratio": 0.2, "sigma_1": 8.0, "sigma_L": 2.0}
    page.experiment.set(page.experiment.spec.replace_all({f"sampling.{k}": v for k, v in (settings | values).items()}))


def shown(qtbot, page, **values):
    small(page, **values)
    wanted = page.experiment.spec.to_json()
    qtbot.waitUntil(
        lambda: page.player.buffer.shown.spec_json == wanted and page.player.buffer.shown.complete, timeout=WAIT_MS
    )


def go(qtbot, page, step):
    page.player.playhead.playing = False
    page.player.playhead.position = float(step)
    qtbot.waitUntil(lambda: page.timeline.position() == step, timeout=WAIT_MS)


def test_the_numbers_are_those_of_the_level_that_is_shown(qtbot, window):
    page = window.pages["mixture"]
    shown(qtbot, page)
    go(qtbot, page, 2)
    assert page.formula.label.text() == (
        "y<sub>i</sub> ← y<sub>i</sub> + ε (x̂ − y<sub>i</sub>)/σ² + √(2ε) z<sub>i</sub><br>"
        "y<sub>i</sub> ← y<sub>i</sub> + 12.8 (x̂ − y<sub>i</sub>)/8² + √(2·12.8) z<sub>i</sub>"
    )
    go(qtbot, page, 15)
    assert "0.8 (x̂" in page.formula.label.text()
    page.formula.set_convention("alpha")
    assert "(1.6/2) (x̂" in page.formula.label.text()
    assert "√1.6 z" in page.formula.label.text()


def test_the_convention_is_kept_with_the_settings(qtbot, window, tmp_path):
    settings = Settings(tmp_path / "other.ini")
    assert settings.convention == "epsilon"
    page = window.pages["mixture"]
    page.formula.set_convention("alpha")
    page.keep("mixture", settings)
    assert Settings(tmp_path / "other.ini").convention == "alpha"
    page.formula.set_convention("epsilon")
    page.restore("mixture", settings)
    assert page.formula.convention == "alpha"


def test_a_long_formula_does_not_widen_the_page(qtbot):
    formula = Formula()
    qtbot.addWidget(formula)
    assert formula.minimumSizeHint().width() < 200


def test_accepted_proposals_are_shown_at_the_end(qtbot, window):
    page = window.pages["mixture"]
    shown(qtbot, page, sampler="metropolis", chains=50, steps_per_level=20)
    go(qtbot, page, 60)
    qtbot.waitUntil(lambda: page.chains_heading.text() == "Chains at their end", timeout=WAIT_MS)
    rows = {name: (value, expected) for name, value, expected in page.readings.texts()}
    assert float(rows["Accepted proposals"][0]) == pytest.approx(page.report.acceptance, abs=6e-4)
    assert rows["Accepted proposals"][1] == "0.574"
    go(qtbot, page, 10)
    qtbot.waitUntil(lambda: page.chains_heading.text() != "Chains at their end", timeout=WAIT_MS)
    assert {name for name, *_ in page.readings.texts()} == set(rows)


def test_the_formula_takes_the_height_of_its_lines_and_leaves_the_rest_to_the_plane(qtbot, window):
    page = window.pages["mixture"]
    window.show_page("mixture")
    qtbot.waitUntil(lambda: page.formula.label.text() != "", timeout=WAIT_MS)
    for size in ((1280, 800), (960, 540), (1280, 800)):
        window.resize(*size)
        qtbot.wait(50)
        label = page.formula.label
        assert page.formula.height() == max(
            label.heightForWidth(label.width()), page.formula.choice.sizeHint().height()
        )
        assert page.plane.height() > size[1] / 2

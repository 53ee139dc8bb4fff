"""The window of the shoot-out: rows as they come, one sentence, files, and a stop that keeps what is there."""

from __future__ import annotations

from hands import SMALL_CHAINS, WAIT_MS
from PySide6.QtCore import Qt

from msd_engine.events import Failed
from msd_engine.specs import Live
from msd_engine.specs.live import NEVER


def opened(qtbot, window, samplers=("langevin", "ode"), budgets="6, 12", seeds="0, 1"):
    page = window.pages["mixture"]
    page.experiment.set(page.experiment.spec.replace_all(SMALL_CHAINS | {"sampling.sigma_L": 1.0}))
    qtbot.waitUntil(lambda: page.engine.ready, timeout=WAIT_MS)
    page.shoot_out.button.click()
    dialog = page.shoot_out.dialog
    for name, box in dialog.plan.boxes.items():
        box.setChecked(name in samplers)
    dialog.plan.budgets.setText(budgets)
    dialog.plan.seeds.setText(seeds)
    return page, dialog


def test_rows_come_and_the_last_says_which_is_best(qtbot, window, tmp_path):
    page, dialog = opened(qtbot, window)
    assert "2 samplers × 2 budgets × 2 seeds, 500 chains each" in dialog.plan.cost.text()
    assert not page.shoot_out.exports()
    assert not dialog.save.isEnabled()
    counts = []
    dialog.table.model().rowsInserted.connect(lambda *_: counts.append(dialog.table.rowCount()))
    qtbot.mouseClick(dialog.button, Qt.MouseButton.LeftButton)
    assert dialog.button.text() == "Stop"
    qtbot.waitUntil(lambda: dialog.button.text() == "Start" and bool(dialog.verdict.text()), timeout=WAIT_MS)
    assert page.shoot_out.table.seeds == 2
    assert dialog.table.rowCount() == 5
    assert dialog.verdict.text().startswith("With 12 evaluations")
    assert counts == sorted(counts)
    titles = [dialog.table.item(line, 0).text() for line in range(5)]
    assert titles == ["Langevin", "Probability flow", "Langevin", "Probability flow", "Exact draws"]
    drawn = dialog.chart.plot()
    assert [curve.words for curve in drawn.curves] == ["Langevin", "Probability flow", "Exact draws"]
    dialog.measure.setCurrentIndex(1)
    assert dialog.chart.plot().name == "Largest error of a mode weight"
    for export in page.exports():
        if export.name == "shoot-out":
            path = tmp_path / f"file{export.suffix}"
            events = list(export.make(path)(NEVER, Live()))
            assert not isinstance(events[-1], Failed)
            assert path.stat().st_size > 200
    assert len(list(tmp_path.glob("file.*"))) == 3


def test_a_stop_keeps_the_rows(qtbot, window):
    page, dialog = opened(qtbot, window, budgets="4, 50000", seeds="0")
    dialog.button.click()
    qtbot.waitUntil(lambda: dialog.table.rowCount() >= 3, timeout=WAIT_MS)
    dialog.button.click()
    qtbot.waitUntil(lambda: dialog.button.text() == "Start", timeout=WAIT_MS)
    assert len(page.shoot_out.table.rows) == 2
    assert dialog.save.isEnabled()


def test_a_plan_that_cannot_be_read_says_why(qtbot, window):
    _page, dialog = opened(qtbot, window, samplers=())
    assert dialog.plan.cost.text() == "Choose at least one sampler."
    assert not dialog.button.isEnabled()
    dialog.plan.boxes["gibbs"].setChecked(True)
    assert dialog.button.isEnabled()
    dialog.plan.budgets.setText("100, 30")
    assert "rise" in dialog.plan.cost.text()

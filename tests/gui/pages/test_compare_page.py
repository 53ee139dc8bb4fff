"""The comparison page with the real engine behind it: start, stop, go on, table, exports, opening."""

from __future__ import annotations

import pytest
from hands import WAIT_MS

from msd_engine.specs import SpecError
from msd_gui.app import create_window
from msd_gui.session.settings import Settings


@pytest.fixture
def page(qtbot, tmp_path):
    window = create_window(settings=Settings(tmp_path / "settings.ini"), runs_dir=tmp_path / "runs")
    window.show()
    window.show_page("compare")
    page = window.pages["compare"]
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    page.form.preset.setCurrentIndex(page.form.preset.findData("ring-8"))
    page.form.ks.setText("1, 2")
    page.form.seeds.setText("0")
    page.form.unit.setCurrentText("steps")
    page.form.budget.setText("30")
    yield page
    window.close()


def done(page, count):
    return lambda: not page.running and page.shown.latest is not None and page.shown.latest.done == count


def test_a_comparison_fills_curves_table_and_findings(qtbot, page, tmp_path):
    assert page.exports() == []
    page.act("train")
    qtbot.waitUntil(done(page, 3), timeout=WAIT_MS)
    assert page.shown.table.rowCount() == 4
    assert page.buttons["train"].isEnabled()
    assert not page.buttons["stop"].isEnabled()
    assert page.form.isEnabled()
    assert "±" not in page.shown.table.item(0, 3).text()
    assert len(page.shown.columns()) == 2 * 3
    assert "σ/√k" in page.shown.findings.text()
    assert " = " not in page.shown.findings.text()
    assert page.shown.place.currentWidget() is page.shown.curves
    # Widened by a seed, it goes on where it stood.
    page.form.seeds.setText("0, 1")
    page.act("resume")
    qtbot.waitUntil(done(page, 6), timeout=WAIT_MS)
    assert "±" in page.shown.table.item(0, 3).text()
    words = {export.label: export for export in page.exports()}
    assert "Comparison" in words
    assert {export.suffix for export in page.exports()} == {".csv", ".md", ".png", ".svg", ".pdf"}
    folder, latest = page.folder, [page.shown.table.item(row, 3).text() for row in range(4)]
    page.open_sweep(folder)
    qtbot.waitUntil(done(page, 6), timeout=WAIT_MS)
    assert [page.shown.table.item(row, 3).text() for row in range(4)] == latest
    assert page.spec.seeds == (0, 1)
    # What was opened can be begun anew, and the presets are still there.
    assert page.form.preset.currentText() == f"Opened: {page.spec.title}"
    assert page.form.preset.currentText() in page.form.preset.toolTip()
    assert page.form.value() == page.spec
    page.open_sweep(folder)
    qtbot.waitUntil(done(page, 6), timeout=WAIT_MS)
    page.form.preset.setCurrentIndex(page.form.preset.findData("ncsn-toy"))
    assert page.form.value().base.data.name == "ncsn-toy"
    assert sum("Opened: " in page.form.preset.itemText(n) for n in range(page.form.preset.count())) == 1


def test_it_stops_pauses_and_goes_on(qtbot, page):
    page.form.budget.setText("100000")
    page.act("train")
    qtbot.waitUntil(lambda: len(page.shown.columns()) > 0, timeout=WAIT_MS)
    page.act("pause")
    assert page.buttons["pause"].isChecked()
    assert page.buttons["pause"].text() == "Go on"
    assert "Paused" in page.status.text
    page.act("pause")
    assert not page.buttons["pause"].isChecked()
    assert page.buttons["pause"].text() == "Pause"
    page.act("stop")
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.can("resume")
    assert page.status.text == ""
    assert "0 of 3 runs are done" in page.words.text()
    assert (page.folder / "sweep.json").exists()


def test_bad_input_is_told_in_the_window(qtbot, page):
    page.form.ks.setText("1, two")
    with qtbot.waitSignal(page.failed) as latest:
        page.act("train")
    assert "whole numbers" in latest.args[0]
    assert not page.running
    with pytest.raises(SpecError):
        page.form.value()


def test_curves_have_points_enough_whatever_the_budget(page):
    for unit, amount, every in (("steps", "4000", 100), ("steps", "400", 10), ("steps", "7", 1), ("seconds", "20", 20)):
        page.form.unit.setCurrentText(unit)
        page.form.budget.setText(amount)
        assert page.form.value().base.training.evaluate_every == every


@pytest.mark.parametrize(
    ("unit", "text"), [("seconds", "0"), ("seconds", "soon"), ("seconds", "nan"), ("steps", "1.5"), ("steps", "1, 2")]
)
def test_a_budget_that_is_none_is_told_in_its_unit(page, unit, text):
    page.form.unit.setCurrentText(unit)
    page.form.budget.setText(text)
    with pytest.raises(SpecError, match=f"number of {unit} above 0"):
        page.form.value()


def test_a_budget_of_seconds_need_not_be_whole(page):
    page.form.unit.setCurrentText("seconds")
    page.form.budget.setText("2.5")
    spec = page.form.value()
    assert spec.base.training.seconds == 2.5
    page.form.set_opened(spec)
    assert page.form.value().base.training.seconds == 2.5


def test_a_number_out_of_range_in_a_list_is_told_without_its_place(page):
    page.form.ks.setText("1, 99")
    with pytest.raises(SpecError, match="Each of ks must be less than or equal to 64, but one is 99"):
        page.form.value()


def test_controls_have_names(page):
    for widget in (page.form.preset, page.form.ks, page.form.seeds, page.form.modes, page.form.budget, page.form.unit):
        assert widget.objectName().startswith("sweep.")
        assert widget.accessibleName()
        assert widget.toolTip()

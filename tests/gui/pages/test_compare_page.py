"""The comparison page with the real engine behind it: start, stop, go on, table, exports, opening."""

from __future__ import annotations

import os
import shutil

import pytest
from hands import WAIT_MS, launched

from msd_engine.runs.remote.copies import mark
from msd_engine.specs import SpecError
from msd_gui.pages.compare.table import HEAD
from msd_gui.session.settings import Settings


def begun(qtbot, folder):
    window = launched(Settings(folder / "settings.ini"), folder / "runs", "compare")
    qtbot.waitUntil(lambda: window.pages["compare"].can("train"), timeout=WAIT_MS)
    return window


@pytest.fixture
def page(qtbot, tmp_path):
    window = begun(qtbot, tmp_path)
    page = window.pages["compare"]
    page.form.preset.setCurrentIndex(page.form.preset.findData("ring-8"))
    page.form.ks.setText("1, 2")
    page.form.seeds.setText("0")
    page.form.unit.setCurrentText("steps")
    page.form.budget.setText("30")
    yield page
    window.close()


def done(page, count):
    return lambda: not page.running and page.shown.latest is not None and page.shown.latest.done == count


def shown_buttons(page):
    return {name for name, button in page.buttons.items() if not button.isHidden()}


def test_only_buttons_that_can_be_pressed_are_shown(page):
    assert shown_buttons(page) == {"train", "open"}
    assert all(page.buttons[name].isEnabled() for name in shown_buttons(page))


def test_the_time_in_all_is_shown_before_the_start_and_follows_the_form(page):
    form = page.form
    form.ks.setText("1, 2, 4, 8, 16")
    form.seeds.setText("0, 1, 2")
    form.unit.setCurrentText("seconds")
    form.budget.setText("20")
    assert form.cost.text() == "27 trainings of 20 s: about 9:00 min in all; 3 of them serve both modes (k = 1)."
    assert form.cost.isVisible()
    form.seeds.setText("0")
    assert form.cost.text() == "9 trainings of 20 s: about 3:00 min in all; 1 of them serves both modes (k = 1)."
    form.unit.setCurrentText("steps")
    assert form.cost.text() == "9 trainings of 20 steps: 180 steps in all; 1 of them serves both modes (k = 1)."
    form.modes.setCurrentIndex(form.modes.findData("same-sigma"))
    form.ks.setText("8")
    assert form.cost.text() == "1 training of 20 steps."
    form.ks.setText("8, two")
    assert "whole numbers" in form.cost.text()
    assert form.cost.property("role") == "error"
    form.ks.setText("8")
    assert form.cost.property("role") == "muted"


def test_the_last_comparison_is_opened_again_after_a_restart(qtbot, page, tmp_path):
    page.form.budget.setText("2")
    page.act("train")
    qtbot.waitUntil(done(page, 3), timeout=WAIT_MS)
    settings, folder = page.window().settings, page.folder
    page.keep("compare", settings)
    settings.sync()
    window = begun(qtbot, tmp_path)
    again = window.pages["compare"]
    qtbot.waitUntil(done(again, 3), timeout=WAIT_MS)
    assert again.folder == folder
    assert [again.shown.table.item(row, 4).text() for row in range(4)] == [
        page.shown.table.item(row, 4).text() for row in range(4)
    ]
    assert again.form.value() == again.spec == page.spec
    assert shown_buttons(again) == {"train", "resume", "open"}
    # A comparison that is gone is forgotten without a word.
    shutil.rmtree(folder)
    window.close()
    window = begun(qtbot, tmp_path)
    assert window.pages["compare"].folder is None
    assert not window.messages.errors()
    window.close()


def test_an_example_is_shown_until_the_user_has_a_comparison(qtbot, page):
    qtbot.waitUntil(lambda: page.example and not page.running and page.shown.latest is not None, timeout=WAIT_MS)
    assert page.shown.title.text().startswith("Example")
    assert page.shown.title.isVisible()
    assert "example" in page.words.text()
    assert page.shown.latest.done == page.shown.latest.total
    assert len(page.shown.columns()) == 2 * page.shown.latest.total
    # Nothing of it is the user's: neither the settings nor the folder.
    assert page.form.ks.text() == "1, 2"
    assert page.folder is None
    assert shown_buttons(page) == {"train", "open"}
    assert page.exports()
    page.keep("compare", page.window().settings)
    assert page.window().settings.last_run("compare") is None
    page.form.budget.setText("2")
    page.act("train")
    assert not page.example
    assert not page.shown.title.isVisible()
    qtbot.waitUntil(done(page, 3), timeout=WAIT_MS)
    assert "Example" not in page.shown.title.text()
    page.set_watched(False)
    page.set_watched(True)
    assert not page.running


def test_a_comparison_can_be_opened_while_another_is_read(qtbot, page, tmp_path):
    page.form.budget.setText("2")
    page.act("train")
    qtbot.waitUntil(done(page, 3), timeout=WAIT_MS)
    other = shutil.copytree(page.folder, tmp_path / "other")
    page.open_sweep(page.folder)
    assert page.running
    page.open_sweep(other)
    qtbot.waitUntil(done(page, 3), timeout=WAIT_MS)
    assert page.folder == other
    assert page.can("resume")
    # What is trained elsewhere is resumed there.
    mark(other, "sftp://lab/other")
    page.open_sweep(other)
    qtbot.waitUntil(done(page, 3), timeout=WAIT_MS)
    assert not page.can("resume")
    assert "sftp://lab/other" in page.why_not("resume")
    page.act("duplicate")
    assert not page.why_not("resume")


def test_a_folder_that_cannot_be_opened_is_left(qtbot, page, tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "sweep.json").write_text("{")
    with qtbot.waitSignal(page.failed):
        page.open_sweep(tmp_path / "odd")
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.folder is None
    assert not page.can("resume")


def test_a_comparison_fills_curves_table_and_findings(qtbot, page, tmp_path):
    page.act("train")
    qtbot.waitUntil(done(page, 3), timeout=WAIT_MS)
    assert page.shown.table.rowCount() == 4
    # Columns of dashes alone are not shown.
    hidden = [words for column, words in enumerate(HEAD) if page.shown.table.isColumnHidden(column)]
    assert hidden == ["report k/1", "over first"]
    assert page.buttons["train"].isEnabled()
    assert page.form.isEnabled()
    assert {page.shown.table.item(row, 3).text() for row in range(4)} == {"30"}
    # One run of k = 1 stands in both modes, and both of its rows say so.
    tips = [page.shown.table.item(row, 4).toolTip() for row in range(4)]
    assert ["same run" in tip for tip in tips] == [True, False, True, False]
    assert "±" not in page.shown.table.item(0, 4).text()
    assert len(page.shown.columns()) == 2 * 3
    assert "σ/√k" in page.shown.findings.text()
    assert " = " not in page.shown.findings.text()
    assert page.shown.place.currentWidget() is page.shown.curves
    # Widened by a seed, it goes on where it stood.
    page.form.seeds.setText("0, 1")
    page.act("resume")
    qtbot.waitUntil(done(page, 6), timeout=WAIT_MS)
    assert "±" in page.shown.table.item(0, 4).text()
    words = {export.label: export for export in page.exports()}
    assert "Comparison" in words
    assert "Comparison, all charts" in words
    assert {suffix for row in words.values() for suffix in row.formats()} == {".csv", ".md", ".png", ".svg", ".pdf"}
    folder, latest = page.folder, [page.shown.table.item(row, 4).text() for row in range(4)]
    page.open_sweep(folder)
    qtbot.waitUntil(done(page, 6), timeout=WAIT_MS)
    assert [page.shown.table.item(row, 4).text() for row in range(4)] == latest
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
    assert shown_buttons(page) == {"pause", "stop"}
    assert page.buttons["pause"].isChecked()
    assert page.buttons["pause"].text() == "Go on"
    assert "Paused" in page.status.text
    page.act("pause")
    assert not page.buttons["pause"].isChecked()
    assert page.buttons["pause"].text() == "Pause"
    page.act("stop")
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.can("resume")
    assert shown_buttons(page) == {"train", "resume", "open"}
    assert page.status.text == ""
    assert "0 of 3 runs are done" in page.words.text()
    assert (page.folder / "sweep.json").exists()


def test_bad_input_is_told_in_the_window(qtbot, page):
    page.form.ks.setText("1, two")
    with qtbot.waitSignal(page.failed) as latest:
        page.act("train")
    assert "whole numbers" in latest.args[0]
    # Nothing is trained, though the example may still be read.
    assert page.can("train")
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
    for widget in (page.form.preset, page.form.ks, page.form.seeds, page.form.modes, page.form.budget, page.form.unit,
                   page.form.place.place, page.form.place.cards):  # fmt: skip
        assert widget.objectName().startswith("sweep.")
        assert widget.accessibleName()
        assert widget.toolTip()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has one run at a time")
def test_two_runs_at_once_come_to_the_same_table(qtbot, page):
    page.form.modes.setCurrentIndex(page.form.modes.findData("same-sigma"))
    tables = []
    for on in ("", "local:2"):
        page.form.place.place.setCurrentIndex(page.form.place.place.findData(on))
        page.act("train")
        qtbot.waitUntil(done(page, 2), timeout=2 * WAIT_MS)
        tables.append([(row.k, row.error) for row in page.shown.latest.rows])
        assert all((page.folder / "runs").iterdir())
        assert bool(list(page.folder.glob("runs/*/output.txt"))) == (on == "local:2")
    assert tables[0] == tables[1]

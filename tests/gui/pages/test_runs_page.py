"""The runs page with the real engine: found, searched, noted, compared, opened, continued and thrown away."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hands import WAIT_MS, launched, run_row
from made_runs import SPEC, choose, make
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox

from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.notes import add_figures, read_notes
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset, model_folder, model_names
from msd_gui.pages.runs.columns import COLUMNS
from msd_gui.pages.runs.page import RunsPage
from msd_gui.session.budget import as_long_again
from msd_gui.session.settings import Settings


@pytest.fixture
def folder(tmp_path):
    for name, k in (("one", 1), ("two", 2), ("three", 4)):
        make(tmp_path / "runs" / name, k=k)
    make(tmp_path / "runs" / "sweep" / "four")
    return tmp_path / "runs"


@pytest.fixture
def window(qtbot, tmp_path, folder):
    window = launched(Settings(tmp_path / "settings.ini"), folder, "runs")
    yield window
    window.close()


@pytest.fixture
def page(qtbot, window):
    window.commands["page_runs"].trigger()
    page = window.page
    qtbot.waitUntil(lambda: len(page.model.runs) == 4, timeout=WAIT_MS)
    return page


def test_all_runs_are_listed_and_counted(page, folder):
    assert {row.name for row in page.model.lines()} == {"one", "two", "three", "four"}
    assert page.search.count.text() == "4 runs"
    QTest.keyClicks(page.search.box, "k=2")
    assert [row.name for row in page.model.lines()] == ["two"]
    assert page.search.count.text() == "1 of 4 runs"
    assert page.place.currentWidget() is page.found_place
    assert page.found_place.currentWidget() is page.table
    QTest.keyClicks(page.search.box, " and nothing else")
    assert page.found_place.currentWidget() is page.found_place.placeholder
    page.found_place.placeholder.pressed.emit()
    assert page.search.box.text() == ""
    assert page.found_place.currentWidget() is page.table


def test_choosing_all_asks_for_no_cell_that_is_out_of_sight(qtbot, page, monkeypatch):
    rows = [replace(page.model.lines()[0], path=f"/{n}", name=f"{n}") for n in range(500)]
    page.model.update_runs(rows)
    wanted = []
    original = type(page.model).data
    monkeypatch.setattr(type(page.model), "data", lambda *a: (wanted.append(a[1].row()), original(*a))[1])
    page.table.selectAll()
    page.table.header().viewport().repaint()
    page.table.viewport().repaint()
    assert len(page.chosen()) == page.model.rowCount() == 504
    assert wanted
    assert len(set(wanted)) < 40


@pytest.fixture
def empty(qtbot, tmp_path):
    window = launched(Settings(tmp_path / "s.ini"), tmp_path / "nothing", "runs")
    window.commands["page_runs"].trigger()
    qtbot.waitUntil(lambda: bool(window.page.model.runs), timeout=WAIT_MS)
    yield window
    window.close()


def test_an_empty_folder_shows_the_shipped_networks_and_offers_a_training(empty):
    page = empty.page
    assert {row.path for row in page.model.runs.values()} == {str(model_folder(name)) for name in model_names()}
    assert {row.status for row in page.model.runs.values()} == {"shipped"}
    assert page.search.count.text() == "0 runs"
    assert page.first.isVisible()
    page.first.button.click()
    assert empty.page is empty.pages["images"]


def test_shipped_networks_are_opened_but_never_changed(empty, qtbot):
    page, folder = empty.page, model_folder("digits")
    choose(qtbot, page, folder)
    allowed = {name for name, action in page.actions_by_name.items() if action.isEnabled()}
    assert allowed == {"open", "duplicate", "denoise", "folder"}
    assert not page.chosen_runs.words.isVisible()
    choose(qtbot, page, *(row.path for row in page.model.runs.values()))
    assert not any(action.isEnabled() for action in page.actions_by_name.values())
    choose(qtbot, page, folder)
    with qtbot.waitSignal(page.run_requested) as requested:
        page.do_open()
    assert requested.args == [folder, ""]


def test_shipped_networks_leave_the_list_when_a_run_appears(empty, qtbot, tmp_path):
    page, folder = empty.page, make(tmp_path / "nothing" / "mine")
    qtbot.waitUntil(lambda: set(page.model.runs) == {str(folder)}, timeout=WAIT_MS)
    assert not page.first.isVisible()
    assert page.search.count.text() == "1 run"


def test_what_differs_between_chosen_runs_is_listed(page, folder, qtbot):
    shown = page.chosen_runs.differences
    choose(qtbot, page, folder / "one")
    assert not shown.isVisible()
    choose(qtbot, page, folder / "one", folder / "three")
    qtbot.waitUntil(lambda: shown.table.rowCount() == 1, timeout=WAIT_MS)
    cells = [[shown.table.item(0, place).text() for place in range(3)]]
    assert sorted(cells[0][1:]) == ["1", "4"]
    assert shown.table.item(0, 0).toolTip() == "training.k"
    choose(qtbot, page, *(folder / name for name in ("one", "two", "three", "sweep/four")))
    qtbot.waitUntil(lambda: shown.table.columnCount() == 2, timeout=WAIT_MS)
    assert sorted(shown.table.item(0, 1).text().split(", ")) == ["1", "2", "4", "8"]
    make(folder / "five", k=1)
    qtbot.waitUntil(lambda: len(page.model.runs) == 5, timeout=WAIT_MS)
    choose(qtbot, page, folder / "one", folder / "five")
    qtbot.waitUntil(lambda: not shown.table.isVisible(), timeout=WAIT_MS)
    assert "same settings" in shown.note.text()


def test_columns_keep_their_widths_and_order_for_the_next_launch(qtbot, tmp_path, window, page):
    steps, error = (
        next(n for n, column in enumerate(COLUMNS) if column.title == title) for title in ("Steps", "Error")
    )
    page.table.setColumnWidth(steps, 123)
    page.table.sortByColumn(error, Qt.SortOrder.AscendingOrder)
    page.keep("runs", window.settings)
    other = RunsPage(window.engine, window.clock)
    qtbot.addWidget(other)
    other.restore("runs", window.settings)
    header = other.table.header()
    assert (other.table.columnWidth(steps), header.sortIndicatorSection()) == (123, error)
    other.close_jobs()


def test_what_others_do_in_the_folder_is_seen(qtbot, page, folder):
    make(folder / "five")
    qtbot.waitUntil(lambda: len(page.model.runs) == 5, timeout=WAIT_MS)
    add_figures(folder / "five", {"yield": 0.5})
    qtbot.waitUntil(lambda: run_row(page, folder / "five").alive == 0.5, timeout=WAIT_MS)
    choose(qtbot, page, folder / "five")
    (folder / "five" / MANIFEST).write_text("{")
    qtbot.waitUntil(lambda: page.chosen_runs.card.isVisible(), timeout=WAIT_MS)
    assert MANIFEST in page.chosen_runs.card.text()
    assert not page.actions_by_name["open"].isEnabled()
    assert page.actions_by_name["discard"].isEnabled()


def test_a_hidden_page_leaves_the_folder_alone(qtbot, window, page, folder):
    window.show_page("mixture")
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    make(folder / "five")
    window.show_page("runs")
    qtbot.waitUntil(lambda: len(page.model.runs) == 5, timeout=WAIT_MS)


def test_chosen_runs_are_compared(qtbot, page, folder):
    choose(qtbot, page, folder / "one", folder / "two", folder / "sweep" / "four")
    overlay = page.chosen_runs.overlay
    qtbot.waitUntil(lambda: len(overlay.plot().curves) == 3, timeout=WAIT_MS)
    assert {curve.words for curve in overlay.plot().curves} == {"one", "two", "four"}
    assert overlay.plot().curves[0].y.tolist() == [1.0, 0.5, 1 / 3]
    # Three names need room above the curves.
    many = page.chosen_runs.place.height()
    page.choose(str(folder / "one"))
    qtbot.waitUntil(lambda: len(overlay.plot().curves) == 1, timeout=WAIT_MS)
    assert page.chosen_runs.place.height() < many
    choose(qtbot, page, folder / "one", folder / "two", folder / "sweep" / "four")
    qtbot.waitUntil(lambda: len(overlay.plot().curves) == 3, timeout=WAIT_MS)
    assert {suffix for row in page.exports() for suffix in row.formats()} == {".csv", ".png", ".svg", ".pdf"}
    Run.open(folder / "one").append_metrics([{"step": 9, "held_out": 0.25, "elapsed_s": 4.0}])
    qtbot.waitUntil(lambda: any(len(curve.x) == 4 for curve in overlay.plot().curves), timeout=WAIT_MS)
    assert not page.actions_by_name["open"].isEnabled()


def test_a_run_is_renamed_tagged_and_noted(qtbot, page, folder):
    choose(qtbot, page, folder / "two")
    words = page.chosen_runs.words
    page.actions_by_name["rename"].trigger()
    words.name.setText("better")
    words.tags.setText("#good, wide")
    words.note.setPlainText("first line\nsecond")
    words.keep()
    qtbot.waitUntil(lambda: run_row(page, folder / "two").name == "better", timeout=WAIT_MS)
    notes = read_notes(folder / "two")
    assert (notes.name, notes.note, notes.tags) == ("better", "first line\nsecond", ("good", "wide"))
    page.search.box.setText("#good")
    assert [row.name for row in page.model.lines()] == ["better"]


def test_what_is_typed_is_kept_when_another_run_is_chosen(qtbot, page, folder):
    choose(qtbot, page, folder / "two")
    page.chosen_runs.words.note.setPlainText("do not lose me")
    choose(qtbot, page, folder / "one")
    qtbot.waitUntil(lambda: read_notes(folder / "two").note == "do not lose me", timeout=WAIT_MS)
    assert read_notes(folder / "one").note == ""


def test_settings_are_taken_for_a_new_run(window, qtbot, page, folder):
    choose(qtbot, page, folder / "three")
    page.actions_by_name["duplicate"].trigger()
    assert window.page is window.pages["images"]
    assert window.page.experiment.spec == SPEC.replace("training.k", 4)
    assert not window.page.trainer.has_weights


def test_a_trained_run_is_opened_with_its_samples_and_continued_as_long_again(qtbot, window, page, folder):
    images = window.pages["images"]
    qtbot.waitUntil(lambda: images.can("train"), timeout=WAIT_MS)
    images.load(SPEC)
    images.act("train")
    qtbot.waitUntil(lambda: images.trainer.has_weights and not images.trainer.running, timeout=WAIT_MS)
    run = images.trainer.run
    qtbot.waitUntil(lambda: run_row(page, run) is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: run_row(page, run).status == "finished", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: run_row(page, run).thumbnail.startswith(b"\x89PNG"), timeout=WAIT_MS)
    images.load(load_preset("mnist-2min"))
    choose(qtbot, page, run)
    page.actions_by_name["open"].trigger()
    qtbot.waitUntil(lambda: window.page is images and images.gallery.samples is not None, timeout=WAIT_MS)
    assert images.experiment.spec == SPEC
    window.show_page("runs")
    window.commands["resume"].trigger()
    qtbot.waitUntil(lambda: Run.open(run).manifest.step == 12 and not images.trainer.running, timeout=WAIT_MS)
    assert images.experiment.spec == as_long_again(SPEC, 6, 1.0)


def test_a_budget_that_is_left_is_kept_and_a_spent_one_doubled():
    timed = SPEC.replace_all({"training.seconds": 10.0, "training.steps": 1000})
    assert as_long_again(timed, 500, 5.0) == timed
    longer = as_long_again(timed, 500, 10.0).training
    assert (longer.steps, longer.seconds) == (1500, 20.0)
    assert as_long_again(SPEC, 6, 1.0).training.steps == 12


def test_all_chosen_runs_are_written_for_tensorboard(qtbot, page, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("msd_gui.pages.runs.page.QFileDialog.getExistingDirectory", lambda *_: str(tmp_path / "board"))
    wanted = []
    monkeypatch.setattr(page, "export_tensorboard", lambda run, into: wanted.append((run, into)))
    inside = replace(run_row(page, folder / "two"), path="/s/two", sweep="/s", sweep_title="S")
    page.model.update_runs([inside])
    page.choose(str(folder / "one"), str(folder / "two"), "/s/two")
    page.actions_by_name["tensorboard"].trigger()
    board = tmp_path / "board"
    runs = [(folder / "one", board / "one"), (folder / "two", board / "two"), (Path("/s/two"), board / "s" / "two")]
    assert sorted(wanted) == sorted(runs)


def test_runs_go_to_the_trash_only_when_the_user_says_so(qtbot, page, folder, monkeypatch):
    thrown = []

    def throw(path):
        thrown.append(path)
        Path(path).rename(folder.parent / Path(path).name)

    monkeypatch.setattr("send2trash.send2trash", throw)
    choose(qtbot, page, folder / "one", folder / "two")
    page.actions_by_name["discard"].trigger()
    (box,) = page.findChildren(QMessageBox)
    assert "2 runs" in box.text()
    box.button(QMessageBox.StandardButton.No).click()
    assert not thrown
    page.actions_by_name["discard"].trigger()
    box = page.findChildren(QMessageBox)[-1]
    box.button(QMessageBox.StandardButton.Yes).click()
    qtbot.waitUntil(lambda: len(page.model.runs) == 2, timeout=WAIT_MS)
    assert sorted(thrown) == [str(folder / "one"), str(folder / "two")]


def test_a_run_that_another_process_writes_is_followed_live(qtbot, page, folder):
    code = (
        "import sys\n"
        "from msd_engine.runs.run import Run\n"
        "run = Run.open(sys.argv[1])\n"
        "with run.locked():\n"
        "    run.set_status('running')\n"
        "    for line in sys.stdin:\n"
        "        step = int(line)\n"
        "        run.append_metrics([{'step': step, 'held_out': 1 / step, 'elapsed_s': step / 2}])\n"
    )
    path = str(folder / "one")
    choose(qtbot, page, path)
    overlay = page.chosen_runs.overlay
    with subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, text=True) as writer:
        for step in (10, 20):
            writer.stdin.write(f"{step}\n")
            writer.stdin.flush()
            qtbot.waitUntil(lambda step=step: run_row(page, path).step == step, timeout=WAIT_MS)
            assert run_row(page, path).status == "running"
            qtbot.waitUntil(lambda step=step: overlay.plot().curves[0].x[-1] == step, timeout=WAIT_MS)
            assert not page.actions_by_name["resume"].isEnabled()
        writer.kill()
    qtbot.waitUntil(lambda: run_row(page, path).status == "interrupted", timeout=WAIT_MS)
    assert page.actions_by_name["resume"].isEnabled()


def test_a_run_in_training_can_be_neither_continued_nor_thrown_away(qtbot, page, folder):
    run = Run.open(folder / "one")
    with run.locked():
        run.set_status("running")
        qtbot.waitUntil(lambda: run_row(page, folder / "one").status == "running", timeout=WAIT_MS)
        choose(qtbot, page, folder / "one")
        assert not page.actions_by_name["resume"].isEnabled()
        assert not page.actions_by_name["discard"].isEnabled()
        assert page.actions_by_name["open"].isEnabled()
    qtbot.waitUntil(lambda: run_row(page, folder / "one").status == "interrupted", timeout=WAIT_MS)
    assert page.actions_by_name["resume"].isEnabled()

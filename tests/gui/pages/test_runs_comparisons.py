"""Comparisons in the list of runs: folded into a line, found, opened, gone on with and thrown away."""

from __future__ import annotations

from pathlib import Path

import pytest
from hands import WAIT_MS, run_row
from made_runs import SPEC, choose, make
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from msd_engine.events import Difference, Differences, RunRow
from msd_engine.events.plots import OWN_COLOURS
from msd_engine.runs.notes import read_notes
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import SweepSpec
from msd_gui.pages.runs.differences import RunDifferences
from msd_gui.pages.runs.trash import question
from msd_gui.views.runs.cells import CAPTION

FIRST_PAGE = "runs"


@pytest.fixture
def folder(tmp_path):
    make(tmp_path / "runs" / "one", k=1)
    return tmp_path / "runs"


@pytest.fixture
def page(qtbot, window, sweep):
    window.commands["page_runs"].trigger()
    page = window.page
    qtbot.waitUntil(lambda: len(page.model.runs) == 2, timeout=WAIT_MS)
    return page


@pytest.fixture
def sweep(folder):
    base = SPEC.replace_all({"training.steps": 4, "training.evaluate_every": 2})
    spec = SweepSpec(title="Copies of digits", base=base, ks=(1, 2), seeds=(0,), modes=("same-sigma",))
    sweep = SweepFolder.create(folder / "comparison", spec)
    child = spec.children()[0]
    run = Run.create(sweep.run_folder(child.name), child.spec, device="cpu")
    bands = {f"band_{name}": [1.0] for name in ("sigma_eff", "loss", "mmse")}
    run.append_metrics([{"step": 2, "held_out": 0.5, "elapsed_s": 1.0, "mmse": 0.25, **bands}])
    return sweep


def test_a_run_of_a_comparison_is_found_by_it_and_continues_with_it(qtbot, window, sweep, folder):
    images, compare = window.pages["images"], window.pages["compare"]
    qtbot.waitUntil(lambda: compare.can("train"), timeout=WAIT_MS)
    window.show_page("runs")
    page = window.page
    qtbot.waitUntil(lambda: len(page.model.runs) == 2, timeout=WAIT_MS)
    page.search.box.setText("copies of DIGITS")
    (row,) = page.model.found()
    assert row.sweep == str(sweep.folder)
    assert row.name == "k = 1, seed 0"
    index = page.model.index(0, 0)
    assert (index.data(), page.table.isExpanded(index)) == ("Copies of digits", False)
    assert "1 of 2 runs" in index.data(CAPTION)
    choose(qtbot, page, row.path)
    assert "Copies of digits" in page.model.index_of(row.path).data(Qt.ItemDataRole.ToolTipRole)
    page.search.box.setText("")
    choose(qtbot, page, folder / "one")
    assert not page.actions_by_name["compare"].isEnabled()
    choose(qtbot, page, row.path)
    page.actions_by_name["compare"].trigger()
    qtbot.waitUntil(lambda: window.page is compare and compare.shown.latest is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not compare.running, timeout=WAIT_MS)
    assert (compare.folder, compare.shown.latest.done) == (sweep.folder, 0)
    window.show_page("runs")
    choose(qtbot, page, row.path)
    page.actions_by_name["resume"].trigger()
    qtbot.waitUntil(lambda: compare.shown.latest is not None and compare.shown.latest.done == 2, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not compare.running, timeout=WAIT_MS)
    window.show_page("runs")
    qtbot.waitUntil(lambda: len(page.model.runs) == 3, timeout=WAIT_MS)
    inside = [row for row in page.model.runs.values() if row.sweep]
    assert {row.k for row in inside} == {1, 2}
    choose(qtbot, page, inside[0].path)
    page.actions_by_name["open"].trigger()
    qtbot.waitUntil(lambda: window.page is images and images.trainer.run == Path(inside[0].path), timeout=WAIT_MS)


def test_a_comparison_unfolds_by_mouse_and_arrow_keys(qtbot, window, page, sweep):
    make(sweep.folder / "other", k=2)
    qtbot.waitUntil(lambda: len(page.model.runs) == 3, timeout=WAIT_MS)
    table, path = page.table, str(sweep.folder)

    def press(times=QTest.mouseClick, right=-8):
        place = table.visualRect(page.model.index_of(path))
        point = place.topLeft() + QPoint(right, place.height() // 2)
        times(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point)

    def unfolded():
        return table.isExpanded(page.model.index_of(path))

    assert not unfolded()
    press()
    assert unfolded()
    assert not page.chosen_lines()
    press()
    assert not unfolded()
    press(right=200)
    assert [line.path for line in page.chosen_lines()] == [path]
    assert {row.sweep for row in page.chosen()} == {path}
    assert len(page.chosen()) == 2
    assert page.chosen_runs.title.text() == "Chosen comparison"
    qtbot.waitUntil(lambda: len(page.chosen_runs.overlay.plot().curves) == 2, timeout=WAIT_MS)
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Right)
    assert unfolded()
    QTest.keyClick(table, Qt.Key.Key_Right)
    assert [line.sweep for line in page.chosen_lines()] == [path]
    assert page.chosen_runs.title.text() == "Chosen run"
    QTest.keyClick(table, Qt.Key.Key_Left)
    assert [line.path for line in page.chosen_lines()] == [path]
    # A run that is folded away hands its choice to the comparison.
    choose(qtbot, page, str(sweep.folder / "other"))
    press()
    assert [line.path for line in page.chosen_lines()] == [path]
    press(right=200)
    press(times=QTest.mouseDClick, right=200)
    qtbot.waitUntil(lambda: window.page is window.pages["compare"], timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not window.page.running, timeout=WAIT_MS)


def test_a_comparison_is_renamed_tagged_and_noted(qtbot, page, sweep):
    make(sweep.folder / "other", k=2)
    qtbot.waitUntil(lambda: len(page.model.runs) == 3, timeout=WAIT_MS)
    choose(qtbot, page, sweep.folder)
    words = page.chosen_runs.words
    assert (words.name.text(), words.note.toPlainText()) == ("Copies of digits", "")
    page.actions_by_name["rename"].trigger()
    words.name.setText("first try")
    words.tags.setText("#small")
    words.note.setPlainText("too short to tell")
    words.keep()
    qtbot.waitUntil(lambda: page.chosen_lines()[0].name == "first try", timeout=WAIT_MS)
    notes = read_notes(sweep.folder)
    assert (notes.name, notes.tags, notes.note) == ("first try", ("small",), "too short to tell")
    assert {row.sweep_title for row in page.model.runs.values() if row.sweep} == {"first try"}
    assert "#small" in page.model.index_of(str(sweep.folder)).data(CAPTION)
    page.search.box.setText("#small tell")
    assert [line.path for line in page.model.lines()] == [str(sweep.folder)]
    assert page.model.found_count == 2
    words.name.setText("")
    words.keep()
    qtbot.waitUntil(lambda: page.chosen_lines()[0].name == "Copies of digits", timeout=WAIT_MS)


def test_all_curves_of_a_comparison_are_drawn_in_the_colours_of_k(qtbot, page, folder, monkeypatch):
    base = SPEC.replace_all({"training.steps": 4, "training.evaluate_every": 2})
    spec = SweepSpec(title="Many", base=base, ks=(1, 2, 4), seeds=(0, 1))
    sweep = SweepFolder.create(folder / "many", spec)
    for child in spec.children():
        run = Run.create(sweep.run_folder(child.name), child.spec, device="cpu")
        run.append_metrics([{"step": n, "held_out": child.k / n, "elapsed_s": n / 2} for n in (1, 2, 3)])
    assert len(spec.children()) > OWN_COLOURS
    qtbot.waitUntil(lambda: len(page.model.runs) == 2 + len(spec.children()), timeout=WAIT_MS)
    choose(qtbot, page, sweep.folder)
    overlay = page.chosen_runs.overlay
    qtbot.waitUntil(lambda: len(overlay.plot().curves) == len(spec.children()), timeout=WAIT_MS)
    assert {curve.style for curve in overlay.plot().curves} == {"line", "dash"}
    assert sum(curve.style == "dash" for curve in overlay.plot().curves) == 4
    words = [entry.words for entry in overlay.legend_entries()]
    assert words == ["k = 1", "k = 2", "k = 4", "same σ per copy", "same σ_eff"]
    assert not page.chosen_runs.left_out.isVisibleTo(page)
    with monkeypatch.context() as few:
        few.setattr("msd_gui.pages.runs.chosen.MOST_CURVES", 9)
        page.chosen_runs.show_runs(page.chosen_lines(), page.chosen())
        assert page.chosen_runs.left_out.isVisibleTo(page)
        assert "Only the oldest 9 of 10 runs are plotted" in page.chosen_runs.left_out.text()
        assert len(overlay.plot().curves) == 9
    # A run by itself, and a few that belong together no more than others, have colours of their own.
    choose(qtbot, page, folder / "one", sweep.run_folder("k1-seed0"))
    qtbot.waitUntil(lambda: len(overlay.plot().curves) == 2, timeout=WAIT_MS)
    assert [entry.words for entry in overlay.legend_entries()] == [curve.words for curve in overlay.plot().curves]


def test_the_settings_of_a_comparison_are_taken_for_a_new_one(qtbot, window, page, sweep):
    compare = window.pages["compare"]
    qtbot.waitUntil(lambda: compare.can("train"), timeout=WAIT_MS)
    choose(qtbot, page, sweep.folder)
    page.actions_by_name["duplicate"].trigger()
    qtbot.waitUntil(lambda: window.page is compare and compare.spec is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not compare.running and compare.folder is None, timeout=WAIT_MS)
    wanted = compare.form.value()
    assert (wanted.ks, wanted.seeds, wanted.modes) == ((1, 2), (0,), ("same-sigma",))
    assert wanted.base == SPEC.replace_all({"training.steps": 4, "training.evaluate_every": 1})
    assert "Copies of digits" in compare.words.text()
    assert not compare.can("resume")
    assert not window.commands["resume"].isEnabled()
    assert compare.shown.place.currentWidget() is not compare.shown.curves
    compare.act("train")
    qtbot.waitUntil(lambda: compare.shown.latest is not None and compare.shown.latest.done == 2, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not compare.running, timeout=WAIT_MS)
    assert compare.folder != sweep.folder


def test_what_a_search_hides_of_a_comparison_is_not_deleted(qtbot, page, sweep, monkeypatch):
    make(sweep.folder / "other", k=2)
    qtbot.waitUntil(lambda: len(page.model.runs) == 3, timeout=WAIT_MS)
    page.search.box.setText("copies k=2")
    page.table.selectAll()
    assert [Path(row.path).name for row in page.chosen()] == ["other"]
    wanted = []
    monkeypatch.setattr("msd_gui.pages.runs.trash.confirm", lambda _page, words, _do: wanted.append(words))
    page.actions_by_name["discard"].trigger()
    assert "the run “other”" in wanted[0]
    page.search.box.setText("")
    choose(qtbot, page, sweep.folder)
    page.actions_by_name["discard"].trigger()
    assert wanted[1] == "Move the comparison “Copies of digits” with its 2 runs to the trash?"


def test_a_note_leaves_the_name_of_a_run_of_a_comparison_as_it_was(qtbot, page, sweep):
    run = sweep.run_folder("k1-seed0")
    qtbot.waitUntil(lambda: len(page.model.runs) == 2, timeout=WAIT_MS)
    choose(qtbot, page, run)
    words = page.chosen_runs.words
    assert words.name.text() == "k = 1, seed 0"
    words.note.setPlainText("a first look")
    words.keep()
    qtbot.waitUntil(lambda: read_notes(run).note == "a first look", timeout=WAIT_MS)
    assert read_notes(run).name == ""
    qtbot.waitUntil(lambda: run_row(page, run).note == "a first look", timeout=WAIT_MS)
    words.name.setText("mine")
    words.keep()
    qtbot.waitUntil(lambda: run_row(page, run).name == "mine", timeout=WAIT_MS)
    words.name.setText("")
    words.keep()
    qtbot.waitUntil(lambda: run_row(page, run).name == "k = 1, seed 0", timeout=WAIT_MS)


def test_the_question_says_what_becomes_of_the_comparison():
    def rows(count, sweep="", title=""):
        return [RunRow(f"{sweep}/{n}", "", f"r{n}", "finished", sweep=sweep, sweep_title=title) for n in range(count)]

    alone, first, second = rows(2), rows(3, "/a", "A"), rows(2, "/b", "B")
    every = alone + first + second
    assert question(alone[:1], every) == "Move the run “r0” to the trash?"
    assert question(alone, every) == "Move 2 runs to the trash?"
    assert question(first, every) == "Move the comparison “A” with its 3 runs to the trash?"
    assert question(first[:1], every).endswith("The comparison “A” will train its missing runs again when it resumes.")
    mixed = question([*alone, *first, second[0]], every)
    assert "6 runs" in mixed
    assert "the whole of the comparison “A”" in mixed
    assert "“B” will train its missing runs again when it resumes" in mixed
    assert "The comparisons “A” and “B” will" in question([first[0], second[0]], every)
    assert "the whole of the comparisons “A” and “B”?" in question([alone[0], *first, *second], every)


def test_of_a_run_elsewhere_only_the_copy_is_thrown_away():
    far = {"sweep": "/a", "sweep_title": "A", "elsewhere": "sftp://lab/a"}
    first = [RunRow(f"/a/{n}", "", f"r{n}", "finished", **far) for n in (1, 2)]
    alone, own = RunRow("/0", "", "r0", "finished", elsewhere="sftp://lab/r0"), RunRow("/3", "", "r3", "finished")
    only = "Of a run elsewhere only the copy goes."
    assert question([alone], [alone, own]) == f"Move the run “r0” to the trash? {only}"
    assert question([alone, own], [alone, own]) == f"Move 2 runs to the trash? {only}"
    # Nothing is resumed here.
    assert question(first[:1], first) == f"Move the run “r1” to the trash? {only}"
    assert question([own], [alone, own]) == "Move the run “r3” to the trash?"


def test_names_and_values_of_runs_that_differ_stay_readable_in_a_narrow_column(qtbot):
    names = [f"k = {k}, same σ, seed {seed}" for k, seed in ((2, 0), (4, 0), (8, 1))]
    shown = RunDifferences()
    qtbot.addWidget(shown)
    shown.show_runs([RunRow(name, "", name, "finished", spec_json=name) for name in names])
    shown.show_found(Differences(tuple(names), (Difference("training.k", "Copies k", "", ("2", "4", "8")),)))
    shown.resize(280, 200)
    shown.show()
    bar = shown.table.horizontalHeader()
    letter = shown.fontMetrics().averageCharWidth()
    assert min(bar.sectionSize(column) for column in range(4)) > 12 * letter
    assert shown.table.horizontalScrollBar().maximum() > 0
    # The names begin alike: both ends are seen.
    assert bar.textElideMode() == Qt.TextElideMode.ElideMiddle

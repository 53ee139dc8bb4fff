"""The list of runs: order, search, and the signals to views when runs come, change and go."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QTreeView

from msd_engine.events import RunRow
from msd_gui.pages.runs.columns import COLUMNS, count, table_text
from msd_gui.pages.runs.details import RunFigures
from msd_gui.pages.runs.model import RunsModel
from msd_gui.views.runs.cells import CAPTION
from msd_gui.widgets.controls.numbers import duration

DOWN, UP = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder
PLACE = {column.title: place for place, column in enumerate(COLUMNS)}


def row(number: int, **changes) -> RunRow:
    made = RunRow(
        f"/runs/{number:03d}", "", f"run {number:03d}", "finished", data="mnist", k=number % 5 + 1, step=100 * number,
        elapsed_s=float(number), held_out=1 / (number + 1), created=1e9 + number,
    )  # fmt: skip
    return replace(made, **changes)


def names(model: RunsModel) -> list[str]:
    return [found.name for found in model.lines()]


@pytest.fixture
def model(qapp):
    model = RunsModel()
    # Fails the test when the model tells its views anything that is not so.
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.update_runs([row(number) for number in (3, 1, 4, 0, 2)])
    yield model
    tester.deleteLater()


def test_the_newest_stand_first_until_another_order_is_chosen(model):
    assert names(model) == ["run 004", "run 003", "run 002", "run 001", "run 000"]
    model.sort(PLACE["Error"], UP)
    assert names(model) == ["run 004", "run 003", "run 002", "run 001", "run 000"]
    model.sort(PLACE["Steps"], UP)
    assert names(model) == ["run 000", "run 001", "run 002", "run 003", "run 004"]
    model.sort(-1, UP)
    assert names(model)[0] == "run 004"


@pytest.mark.parametrize("order", [UP, DOWN])
def test_unknown_values_stand_at_the_end_in_both_directions(model, order):
    model.update_runs([row(9, held_out=math.nan)])
    model.sort(PLACE["Error"], order)
    assert names(model)[-1] == "run 009"
    known = [found.held_out for found in model.lines()[:-1]]
    assert known == sorted(known, reverse=order == DOWN)


def test_every_word_of_a_search_must_be_there(model):
    model.update_runs([row(3, tags=("good",), note="Wide net"), row(2, tags=("good",)), row(1, data="cifar-10")])
    for text, found in (("GOOD", {"run 003", "run 002"}), ("good wide", {"run 003"}), ("cifar", {"run 001"})):
        model.search(text)
        assert set(names(model)) == found
    model.search("k=2")
    assert {found.k for found in model.lines()} == {2}
    model.search("")
    assert len(names(model)) == len(model.runs) == 5


def test_a_selection_stays_with_its_run_whatever_happens_to_the_others(qtbot, model):
    view = QTreeView()
    qtbot.addWidget(view)
    view.setModel(model)
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    view.selectionModel().select(model.index_of("/runs/002"), flags)

    def selected():
        return [model.row(index).name for index in view.selectionModel().selectedRows()]

    model.update_runs([row(7), row(8)])
    assert selected() == ["run 002"]
    model.sort(PLACE["Steps"], UP)
    assert selected() == ["run 002"]
    model.update_runs([row(2, step=10**6)], ["/runs/000", "/runs/003"])
    assert selected() == ["run 002"]
    assert names(model) == ["run 001", "run 004", "run 007", "run 008", "run 002"]
    model.update_runs([], ["/runs/002"])
    assert selected() == []


def test_a_changed_row_is_reported_as_a_change_and_nothing_else(qtbot, model):
    with (
        qtbot.assertNotEmitted(model.layoutChanged),
        qtbot.assertNotEmitted(model.rowsInserted),
        qtbot.waitSignal(model.dataChanged) as received,
    ):
        model.update_runs([row(3, held_out=0.5, name="new")])
    assert (received.args[0].row(), received.args[1].row()) == (1, 1)
    assert model.index(1, 0).data() == "new"
    with qtbot.assertNotEmitted(model.dataChanged):
        model.update_runs(model.lines())


def test_runs_that_go_are_reported_at_once_where_they_lie_beside_each_other(qtbot, model):
    received = []
    model.rowsRemoved.connect(lambda _parent, first, last: received.append((first, last)))
    model.update_runs([], [f"/runs/{number:03d}" for number in (3, 1, 4)])
    assert names(model) == ["run 002", "run 000"]
    assert sum(last - first + 1 for first, last in received) == 3
    model.update_runs([row(number) for number in range(3, 40)])
    received.clear()
    model.update_runs([], [f"/runs/{number:03d}" for number in range(3, 40)])
    assert received == [(0, 36)]
    assert names(model) == ["run 002", "run 000"]


def test_equal_runs_keep_their_order_in_both_directions(model):
    for order in (UP, DOWN):
        model.sort(PLACE["Data"], order)
        assert names(model) == ["run 004", "run 003", "run 002", "run 001", "run 000"]


SWEEP = "/runs/sweep"


def inside(number: int, **changes) -> RunRow:
    fields = {"path": f"{SWEEP}/{number:03d}", "folder": "sweep", "sweep": SWEEP, "sweep_title": "Copies of digits"}
    return row(number, **(fields | {"sweep_runs": 3} | changes))


@pytest.fixture
def swept(model):
    model.update_runs([inside(12, k=1, held_out=4.0), inside(10, k=8, held_out=2.0), inside(1, k=2, held_out=9.0)])
    return model


def test_a_comparison_is_one_line_with_its_runs_below_it(swept):
    assert names(swept) == ["Copies of digits", "run 004", "run 003", "run 002", "run 001", "run 000"]
    index = swept.index_of(SWEEP)
    assert "3 runs" in index.data(CAPTION)
    assert (swept.found_count, len(swept.runs), swept.rowCount()) == (8, 8, 6)
    assert [found.name for found in swept.lines(index)] == ["run 012", "run 010", "run 001"]
    assert swept.comparisons() == [index]


@pytest.mark.parametrize("order", [UP, DOWN])
@pytest.mark.parametrize("title", list(PLACE))
def test_runs_of_a_comparison_are_sorted_below_it(swept, title, order):
    swept.sort(PLACE[title], order)
    key = COLUMNS[PLACE[title]].key
    below = swept.lines(swept.index_of(SWEEP))
    assert {line.sweep for line in below} == {SWEEP}
    for part in (below, swept.lines()):
        keys = [key(line) for line in part]
        assert keys == sorted(keys, reverse=order == DOWN)


def test_a_search_finds_runs_within_a_comparison(swept):
    swept.search("k=8")
    assert names(swept) == ["Copies of digits"]
    assert [run.name for run in swept.runs_of(swept.lines()[0])] == ["run 010"]
    assert swept.found_count == 1
    swept.search("copies digits")
    assert (names(swept), swept.found_count) == (["Copies of digits"], 3)
    swept.search("(k=8|k=1)")
    assert names(swept) == []
    swept.search("")
    assert len(names(swept)) == 6


def test_a_comparison_reports_its_runs_in_one_line(swept):
    line = swept.lines()[0]
    words = dict(zip(PLACE, (swept.index(0, place).data() for place in range(len(COLUMNS))), strict=True))
    assert (words["k"], words["Error"], words["Time"], words["Status"]) == ("1–8", "≥ 2", duration(23.0), "finished")
    assert line.step == 2300
    swept.update_runs([inside(1, status="running", sweep_runs=6)])
    assert swept.lines()[0].status == "running"
    assert "3 of 6 runs" in swept.index_of(SWEEP).data(CAPTION)
    swept.update_runs([inside(1, sweep_runs=6)])
    assert swept.lines()[0].status == "stopped"


def test_a_comparison_goes_with_its_last_run_and_others_are_left_alone(qtbot, swept):
    before = swept.lines()[0]
    with qtbot.assertNotEmitted(swept.rowsInserted), qtbot.assertNotEmitted(swept.layoutChanged):
        swept.update_runs([row(3, step=7)])
    assert swept.lines()[0] is before
    swept.update_runs([], [f"{SWEEP}/{number:03d}" for number in (1, 10)])
    assert [run.name for run in swept.lines()[0].runs] == ["run 012"]
    swept.update_runs([], [f"{SWEEP}/012"])
    assert names(swept)[0] == "run 004"


def test_runs_within_comparisons_are_written_where_these_stand(swept):
    assert [found.path for found in swept.found()] == [
        *(f"{SWEEP}/{number:03d}" for number in (12, 10, 1)),
        *(f"/runs/{number:03d}" for number in (4, 3, 2, 1, 0)),
    ]


def test_a_run_that_joins_a_comparison_leaves_its_line(model):
    model.update_runs([row(3, sweep=SWEEP, sweep_title="Copies")])
    assert names(model) == ["run 004", "Copies", "run 002", "run 001", "run 000"]
    model.update_runs([row(3)])
    assert names(model) == ["run 004", "run 003", "run 002", "run 001", "run 000"]


def test_the_table_as_text_holds_known_values(model):
    model.update_runs([row(9, held_out=math.nan, tags=("a", "b"), note='two\n"lines", so')])
    lines = list(csv.DictReader(io.StringIO(table_text(model.lines()))))
    assert len(lines) == 6
    first = lines[0]
    assert (first["name"], first["held_out"], first["tags"], first["note"]) == (
        "run 009",
        "",
        "a b",
        'two\n"lines", so',
    )
    assert float(lines[1]["held_out"]) == row(4).held_out


def test_counts_are_short():
    assert [count(value) for value in (0, 950, 12_345, 4_560_000)] == ["–", "950", "12.3 k", "4.56 M"]


def test_a_network_that_is_not_saved_yet_has_no_number_of_parameters(qtbot):
    shown = RunFigures()
    qtbot.addWidget(shown)
    for parameters, words in ((0, "not saved yet"), (154_000, "154 k parameters")):
        shown.show_run(row(1, parameters=parameters))
        assert words in [text[1] for text in shown._readings.texts()]

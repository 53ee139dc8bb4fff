"""The smaller controls: value, setValue and valueChanged, keys, and what they tell."""

from __future__ import annotations

import html
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from msd_engine.specs import declarations, load_preset, preset_names
from msd_gui.widgets.controls.choice import Choice
from msd_gui.widgets.controls.path_box import PathBox
from msd_gui.widgets.controls.seed_box import SeedBox
from msd_gui.widgets.controls.toggle import Toggle
from msd_gui.widgets.panels.card import Card
from msd_gui.widgets.panels.section import Section
from msd_gui.widgets.panels.spec_form import make_control
from msd_gui.widgets.panels.table import ReadTable
from msd_gui.widgets.panels.transport import FASTEST_HZ, SLOWEST_HZ, TransportBar

DECLARED = {d.path: d for name in preset_names() for d in declarations(load_preset(name))}
CHOICES = sorted(path for path, declaration in DECLARED.items() if len(declaration.choices) > 1)


@pytest.mark.parametrize("path", sorted(DECLARED))
def test_every_declared_field_has_a_control_that_starts_at_its_default(qtbot, path):
    control = make_control(DECLARED[path])
    qtbot.addWidget(control)
    assert control.value() == DECLARED[path].default
    assert control.objectName() == path
    assert control.accessibleName() == DECLARED[path].title
    assert html.escape(DECLARED[path].title.split("_")[0]) in control.toolTip()


@pytest.mark.parametrize("path", CHOICES)
def test_choice_comes_back_for_every_word_and_reports_only_the_user(qtbot, path):
    control = Choice(DECLARED[path])
    qtbot.addWidget(control)
    for value, title in zip(DECLARED[path].choices, DECLARED[path].titles, strict=True):
        with qtbot.assertNotEmitted(control.valueChanged):
            control.setValue(value)
        assert control.value() == value
        assert control.combo.currentText() == title
    control.show()
    with qtbot.waitSignal(control.valueChanged) as received:
        qtbot.keyClick(control.combo, Qt.Key.Key_Home)
    assert received.args == [DECLARED[path].choices[0]]


def test_labels_of_one_list_differ():
    for path in CHOICES:
        labels = DECLARED[path].titles
        assert len(set(labels)) == len(labels), path


def test_greyed_choice_cannot_be_chosen(qtbot):
    control = Choice(DECLARED["sampling.source"])
    qtbot.addWidget(control)
    control.set_item_enabled("trained", False, "Nothing is trained yet.")
    control.show()
    qtbot.keyClick(control.combo, Qt.Key.Key_End)
    assert control.value() == "exact"
    control.set_item_enabled("trained", True)
    qtbot.keyClick(control.combo, Qt.Key.Key_End)
    assert control.value() == "trained"


def test_toggle_reports_only_the_user(qtbot):
    control = Toggle(DECLARED["sampling.jump"])
    qtbot.addWidget(control)
    with qtbot.assertNotEmitted(control.valueChanged):
        control.setValue(False)
    with qtbot.waitSignal(control.valueChanged) as received:
        control.check.click()
    assert received.args == [True]


def test_keyboard_presses_a_focused_box_instead_of_playing(qtbot):
    control = Toggle(DECLARED["sampling.jump"])
    qtbot.addWidget(control)
    played: list[None] = []
    play = QShortcut(QKeySequence("Space"), control)
    play.activated.connect(lambda: played.append(None))
    with qtbot.waitActive(control):  # in a window that is not active no shortcut would fire anyway
        control.show()
    control.check.setFocus(Qt.FocusReason.TabFocusReason)
    before = control.value()
    qtbot.keyClick(control.check, Qt.Key.Key_Space)
    assert control.value() is not before
    assert not played


def test_a_box_ticked_by_mouse_does_not_take_the_keys(qtbot):
    control = Toggle(DECLARED["sampling.jump"])
    qtbot.addWidget(control)
    control.show()
    control.setFocus()
    control.check.clearFocus()
    qtbot.mouseClick(control.check, Qt.MouseButton.LeftButton)
    assert not control.check.hasFocus()


def test_dice_throws_another_seed_each_time(qtbot):
    control = SeedBox(DECLARED["sampling.seed"])
    qtbot.addWidget(control)
    received: list[int] = [control.value()]
    control.valueChanged.connect(received.append)
    for _ in range(20):
        control.dice.click()
    assert len(received) == 21
    assert all(one != other for one, other in pairwise(received))


@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1])
def test_seed_comes_back_and_is_reported_once_when_typed(qtbot, seed):
    control = SeedBox(DECLARED["sampling.seed"])
    qtbot.addWidget(control)
    control.setValue(12)
    control.box.selectAll()
    with qtbot.waitSignal(control.valueChanged) as received:
        qtbot.keyClicks(control.box, str(seed))
        qtbot.keyClick(control.box, Qt.Key.Key_Return)
    assert received.args == [seed]
    assert control.value() == seed


@pytest.mark.parametrize(("text", "seed"), [("1e6", 1_000_000), ("10,000", 10_000), ("2.0", 2), ("1 000", 1000)])
def test_a_seed_is_read_as_any_whole_number(qtbot, text, seed):
    control = SeedBox(DECLARED["sampling.seed"])
    qtbot.addWidget(control)
    control.box.selectAll()
    with qtbot.waitSignal(control.valueChanged) as received:
        qtbot.keyClicks(control.box, text)
        qtbot.keyClick(control.box, Qt.Key.Key_Return)
    assert received.args == [seed]


@pytest.mark.parametrize("text", ["4294967296", "-5", "2.5", "20.000", "seed", "1e999", "2147483648"])
def test_a_seed_that_cannot_be_is_refused_and_never_becomes_another(qtbot, text):
    control = SeedBox(DECLARED["sampling.seed"])
    qtbot.addWidget(control)
    control.setValue(12)
    control.box.selectAll()
    with qtbot.assertNotEmitted(control.valueChanged), qtbot.waitSignal(control.rejected) as received:
        qtbot.keyClicks(control.box, text)
        qtbot.keyClick(control.box, Qt.Key.Key_Return)
    assert f"Seed must be a whole number from 0 to 2147483647, but is “{text}”" in received.args[0]
    assert control.value() == 12
    assert control.box.text() == text


def test_the_arrow_keys_change_a_seed_and_stop_at_its_ends(qtbot):
    control = SeedBox(DECLARED["sampling.seed"])
    qtbot.addWidget(control)
    control.setValue(1)
    for _ in range(3):
        qtbot.keyClick(control.box, Qt.Key.Key_Down)
    assert control.value() == 0
    qtbot.keyClick(control.box, Qt.Key.Key_Up)
    assert control.value() == 1


def test_section_grows_with_its_rows(qtbot):
    section = Section("Heading")
    qtbot.addWidget(section)
    label = QLabel("one line")
    section.add_row(label)
    section.show()
    before = section.sizeHint().height()
    label.setText("one\ntwo\nthree\nfour")
    QApplication.processEvents()
    assert section.sizeHint().height() > before
    section.button.click()
    assert not section.is_open()
    assert not label.isVisible()


def test_card_shows_its_text_and_its_buttons_work(qtbot):
    card = Card("error", "No data", "The folder is empty.", "Choose…")
    qtbot.addWidget(card)
    card.show()
    assert (card.accessibleName(), card.text()) == ("Error: No data", "The folder is empty.")
    assert "No data" in card.accessibleName()
    with qtbot.waitSignal(card.action):
        qtbot.mouseClick(card._button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(card.dismissed):
        qtbot.mouseClick(card._cross, Qt.MouseButton.LeftButton)
    assert not card.isVisible()


def test_card_shows_no_empty_parts_and_takes_no_markup(qtbot):
    card = Card("info", "", "<b>a</b> & b", dismissible=False)
    qtbot.addWidget(card)
    card.show()
    assert card.text() == "<b>a</b> & b"
    assert [label.text() for label in card.findChildren(QLabel) if label.isVisible()] == ["<b>a</b> & b"]
    assert not card._button.isVisible()
    assert not card._cross.isVisible()


def test_path_comes_back_and_is_reported_when_typed(qtbot, tmp_path):
    box = PathBox("Data folder")
    qtbot.addWidget(box)
    assert box.value() is None
    for path in (tmp_path, Path("a b/ü"), None):
        with qtbot.assertNotEmitted(box.valueChanged):
            box.setValue(path)
        assert box.value() == path
    with qtbot.waitSignal(box.valueChanged) as received:
        qtbot.keyClicks(box.line, str(tmp_path))
        qtbot.keyClick(box.line, Qt.Key.Key_Return)
    assert received.args == [tmp_path]


def test_chosen_folder_is_reported_and_a_cancelled_choice_changes_nothing(qtbot, tmp_path, monkeypatch):
    box = PathBox()
    qtbot.addWidget(box)
    answers = iter(["", str(tmp_path)])
    monkeypatch.setattr("msd_gui.widgets.controls.path_box.QFileDialog.getExistingDirectory", lambda *_: next(answers))
    with qtbot.assertNotEmitted(box.valueChanged):
        box.button.click()
    with qtbot.waitSignal(box.valueChanged) as received:
        box.button.click()
    assert received.args == [tmp_path]


@pytest.fixture
def bar(qtbot):
    play, step, restart = QAction("Play"), QAction("Step"), QAction("Restart")
    play.setCheckable(True)
    bar = TransportBar(play, step, restart, 100.0)
    for action in (play, step, restart):
        action.setParent(bar)
    qtbot.addWidget(bar)
    return bar


def test_transport_has_a_button_for_each_action_and_shows_whether_it_plays(bar):
    actions = [button.defaultAction() for button in bar.findChildren(QToolButton)]
    assert [action.text() for action in actions] == ["Play", "Step", "Restart"]
    before = actions[0].icon().cacheKey()
    actions[0].trigger()
    assert actions[0].icon().cacheKey() != before


def test_speed_moves_in_decades_and_is_reported_only_when_moved(qtbot, bar):
    with qtbot.assertNotEmitted(bar.speed_changed):
        bar.set_speed(50.0)
    assert bar.speed_hz == 50.0
    with qtbot.waitSignal(bar.speed_changed) as received:
        qtbot.keyClick(bar.track, Qt.Key.Key_PageUp)
    assert received.args == [100.0]
    for key, end in ((Qt.Key.Key_Home, SLOWEST_HZ), (Qt.Key.Key_End, FASTEST_HZ)):
        qtbot.keyClick(bar.track, key)
        assert bar.speed_hz == end


def test_tab_goes_through_a_table_and_not_from_cell_to_cell(qtbot):
    whole, before, after = QWidget(), QLineEdit(), QLineEdit()
    table = ReadTable("Numbers", ("a", "b"), ("", ""))
    table.setRowCount(2)
    for row in range(2):
        for column in range(2):
            table.setItem(row, column, QTableWidgetItem("1"))
    column = QVBoxLayout(whole)
    for part in (before, table, after):
        column.addWidget(part)
    qtbot.addWidget(whole)
    whole.show()
    qtbot.waitExposed(whole)
    table.setFocus()
    table.setCurrentCell(0, 0)
    qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert whole.focusWidget() is after
    qtbot.keyClick(after, Qt.Key.Key_Backtab)
    qtbot.keyClick(table, Qt.Key.Key_Backtab)
    assert whole.focusWidget() is before


def test_no_table_of_the_window_holds_the_focus(window):
    for name in window.pages:
        window.show_page(name)
    tables = window.findChildren(QTableWidget)
    assert len(tables) > 3
    assert not [table.accessibleName() for table in tables if table.tabKeyNavigation()]

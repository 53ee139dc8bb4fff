"""Menus, and files that are asked for: what was opened lately, what is written where, what cannot be written yet."""

from __future__ import annotations

import pytest
from hands import WAIT_MS, drop
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QWidget

from msd_engine.runs.restoring import read_spec
from msd_engine.specs import load_preset
from msd_gui.app.files import NOTHING
from msd_gui.widgets.panels.card import Card


def recent(window):
    window.recent.renew()
    return [action.toolTip() for action in window.recent.actions() if action.toolTip().startswith("/")]


@pytest.fixture
def answer(monkeypatch):
    """Let the next dialog for a file be answered by a path."""

    def set_answer(path):
        monkeypatch.setattr(QFileDialog, "exec", lambda _dialog: QFileDialog.DialogCode.Accepted)
        monkeypatch.setattr(QFileDialog, "selectedFiles", lambda _dialog: [str(path)])

    return set_answer


def test_what_was_opened_can_be_opened_again_and_the_list_be_cleared(qtbot, window, tmp_path):
    (nothing,) = window.recent.actions()
    assert not nothing.isEnabled()
    spec = load_preset("ring-8").replace("title", "mine")
    (tmp_path / "mine.json").write_text(spec.to_json(), "utf-8")
    (tmp_path / "wrong.json").write_text("{}", "utf-8")
    page = window.pages["mixture"]
    drop(window, tmp_path / "wrong.json")
    drop(window, tmp_path / "mine.json")
    qtbot.waitUntil(lambda: page.experiment.spec == spec, timeout=WAIT_MS)
    assert "wrong.json" in window.messages.errors()[0]
    assert recent(window) == [str(tmp_path / "mine.json")]
    page.experiment.undo()
    window.recent.actions()[0].trigger()
    qtbot.waitUntil(lambda: page.experiment.spec == spec, timeout=WAIT_MS)
    window.recent.actions()[-1].trigger()
    assert not recent(window)


def test_settings_are_saved_with_their_suffix_and_the_folder_is_remembered(qtbot, window, tmp_path, answer):
    folder = tmp_path / "mine"
    folder.mkdir()
    answer(folder / "settings")
    window.commands["save_spec"].trigger()
    qtbot.waitUntil(lambda: (folder / "settings.json").exists() and not window.files.running, timeout=WAIT_MS)
    assert read_spec(folder / "settings.json") == window.page.experiment.spec
    assert window.settings.last_folder == folder
    assert recent(window) == [str(folder / "settings.json")]


def test_every_menu_opens_by_a_letter_of_its_own(window):
    titles = [action.text() for action in window.menuBar().actions()]
    letters = [title[title.index("&") + 1] for title in titles]
    assert len(letters) == len(set(letters)) == 5


def test_where_nothing_can_be_written_yet_the_menu_says_so(qtbot, window):
    window.show_page("images")
    window.commands["export"].trigger()
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    first = menu.actions()[0]
    assert first.text() == NOTHING
    assert not first.isEnabled()
    menu.close()


def test_the_menu_of_layers_stays_open_while_they_are_switched(qtbot, window):
    page = window.pages["mixture"]
    layer = page.layers["tails"]
    menu = layer.parent()
    menu.popup(window.mapToGlobal(window.rect().center()))
    before = layer.isChecked()
    for count in (1, 2):
        QTest.mouseMove(menu, menu.actionGeometry(layer).center())
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(layer).center())
        assert layer.isChecked() == (before if count == 2 else not before)
        assert menu.isVisible()
    menu.close()


def test_a_missing_image_set_is_reported_with_a_button_that_fetches_it(qtbot, window, monkeypatch):
    fetched = []
    monkeypatch.setattr(window.engine, "download", lambda name: fetched.append(name) or (lambda *_: iter(())))
    window.show_page("images")
    page = window.pages["images"]
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    page.experiment.set(load_preset("mnist-2min"))
    page.act("train")
    qtbot.waitUntil(lambda: bool(window.messages.errors()), timeout=WAIT_MS)
    (card,) = window.messages.findChildren(Card)
    card.action.emit()
    assert fetched == ["mnist"]
    assert not window.messages.errors()


def test_the_tab_key_comes_to_buttons_below_controls_where_they_stand(window):
    for name, (before, button, after) in {
        "images": ("sampling.steps_per_level", "sampling.propose", "noise.law"),
        "denoise": ("sampling.source", "sampling.network", "denoise.change"),
    }.items():
        page = window.pages[name]
        order = [page.form.section(next(iter(page.form._sections))).button]
        while (after_it := order[-1].nextInFocusChain()) is not order[0]:
            assert after_it not in order
            order.append(after_it)
        controls = page.form.control
        places = [controls(before), page.findChild(QWidget, button), controls(after)]
        places = [order.index(place.focusProxy() or place) for place in places]
        assert places == sorted(places)

"""The help speaks of controls that there are, and opens at the page in front."""

from __future__ import annotations

import html
import re

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QMenu, QTabWidget

from msd_gui.app.help import help_html, parts
from msd_gui.app.pages import PAGES


def words_of(window):
    """Return all words on controls of the window, on every page."""
    for name in window.pages:
        window.show_page(name)
    found = {action.text() for action in window.findChildren(QAction)}
    found |= {button.text().strip() for button in window.findChildren(QAbstractButton)}
    found |= {menu.title().replace("&", "") for menu in window.findChildren(QMenu)}
    labels = (re.sub(r"<[^>]+>|&nbsp;", " ", label.text()) for label in window.findChildren(QLabel))
    found |= {html.unescape(text).strip() for text in labels}
    for box in window.findChildren(QComboBox):
        found |= {box.itemText(row) for row in range(box.count())}
    for tabs in window.findChildren(QTabWidget):
        found |= {tabs.tabText(index) for index in range(tabs.count())}
    # A title may be followed by its symbol.
    return found | {words.split("  ")[0] for words in found}


def test_every_control_that_the_help_names_is_on_the_screen(window):
    named = set(re.findall(r"<i>([^<]+)</i>", " ".join(help_html().split())))
    assert len(named) > 10
    assert named <= words_of(window)


def test_there_is_a_part_for_every_page_and_every_part_can_be_gone_to():
    text = help_html()
    assert {row.name for row in PAGES} <= parts(text).keys()
    assert len(parts(text)) == len(re.findall("<h[23]>", text))


def test_help_opens_at_the_page_in_front_in_one_window(qtbot, window):
    window.show_page("denoise")
    window.commands["help"].trigger()
    shown = window.dialogs.help
    qtbot.waitUntil(lambda: shown.browser.verticalScrollBar().value() > 0)
    assert shown.list.currentItem().text() == parts(help_html())["denoise"]
    place = shown.browser.verticalScrollBar().value()
    shown.list.setCurrentRow(0)
    qtbot.waitUntil(lambda: shown.browser.verticalScrollBar().value() < place)
    window.commands["help"].trigger()
    assert window.dialogs.help is shown
    qtbot.waitUntil(lambda: shown.browser.verticalScrollBar().value() == place)
    shown.close()

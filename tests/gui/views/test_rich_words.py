"""Words with an index below the line: where they are painted, and where they stay plain."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QTableWidget, QTableWidgetItem

from msd_gui.views.base.rich import IndexedCells, indexed, plain, static_text


def test_the_index_of_sigma_eff_stands_below_the_line_where_it_is_shown_and_nowhere_else(qtbot):
    table = QTableWidget(2, 1)
    qtbot.addWidget(table)
    words = ["same σ per copy", "same σ_eff"]
    for row, text in enumerate(words):
        table.setItem(row, 0, QTableWidgetItem(text))
    table.resize(240, 120)
    table.show()
    plainly = table.grab().toImage()
    table.setItemDelegateForColumn(0, IndexedCells(table))
    indexed_too = table.grab().toImage()
    first, second = (table.visualItemRect(table.item(row, 0)) for row in (0, 1))
    head = table.viewport().pos()
    assert plainly.copy(first.translated(head)) == indexed_too.copy(first.translated(head))
    assert plainly.copy(second.translated(head)) != indexed_too.copy(second.translated(head))
    assert table.item(1, 0).text() == "same σ_eff"
    assert plain(indexed("a < b: same σ_eff")) == "a &lt; b: same σ_eff"


def test_words_of_a_list_have_the_index_below_the_line_and_users_signs_as_they_are(qtbot):
    plainly = {text: static_text(text) for text in ("k = 8, same σ_eff", "a & b < c", "k = 8")}
    formats = {text: made.textFormat() for text, made in plainly.items()}
    assert formats["k = 8, same σ_eff"] == Qt.TextFormat.RichText
    assert formats["a & b < c"] == formats["k = 8"] == Qt.TextFormat.PlainText
    assert plainly["a & b < c"].text() == "a & b < c"
    assert "&amp;" in static_text("σ_eff & b").text()
    # A long line is never broken.
    rich = static_text("k = 8, same σ_eff, and many words after it, more than there is room for")
    rich.prepare(font=QFont())
    assert rich.size().height() < 1.6 * QFontMetrics(QFont()).height()

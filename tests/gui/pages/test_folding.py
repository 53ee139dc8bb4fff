"""A row of two parts folds where they do not fit side by side, whichever of width and need changes."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from msd_gui.pages.base.layout import FoldingRow


def test_a_row_folds_at_a_smaller_width_and_for_a_wider_part(qtbot):
    first, second = QPushButton("a"), QPushButton("b")
    window = QWidget()
    qtbot.addWidget(window)
    row = FoldingRow(first, second)
    row.setParent(window)
    row.resize(first.sizeHint().width() + second.sizeHint().width() + 40, 100)
    window.show()
    qtbot.waitUntil(lambda: first.y() == second.y())
    # The width stays.
    second.setText("a much longer text")
    qtbot.waitUntil(lambda: second.y() > first.y())
    assert second.width() >= second.sizeHint().width()
    second.setText("b")
    qtbot.waitUntil(lambda: first.y() == second.y())
    row.resize(first.sizeHint().width() + 10, 100)
    qtbot.waitUntil(lambda: second.y() > first.y())

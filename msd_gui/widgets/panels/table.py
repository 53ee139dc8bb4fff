"""A table that is read and not edited, each column with its help."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

from msd_gui.theme.tips import wrapped


class ReadTable(QTableWidget):
    """A table without rows yet, in lines as high as its text."""

    def __init__(self, title: str, heads: Sequence[str], tips: Sequence[str]) -> None:
        """Build the columns.

        Args:
            title: Its name for screen readers.
            heads: Title of each column.
            tips: Help of each column.
        """
        super().__init__(0, len(heads))
        self.setAccessibleName(title)
        for column, (words, meaning) in enumerate(zip(heads, tips, strict=True)):
            head = QTableWidgetItem(words)
            head.setToolTip(wrapped(meaning))
            self.setHorizontalHeaderItem(column, head)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        # Tab leaves the table; the arrow keys go from cell to cell.
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.line_px = self.fontMetrics().height() + 6
        self.verticalHeader().setDefaultSectionSize(self.line_px)

"""The list of runs on the screen, with expandable comparisons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import cast

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    Qt,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView

from msd_gui.views.runs.cells import RunCells

_INSIDE_PX = 18
_ADD = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
_CHOOSE = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
_ADOPT = QItemSelectionModel.SelectionFlag.Deselect | QItemSelectionModel.SelectionFlag.Rows


class RunList(QTreeView):
    """A tree of two levels with names and pictures in the first column.

    Args:
        model: The lines; provides the roles of `msd_gui.views.runs.cells`.
        widths_px: Initial width of each column; 0 hides it, and the first column stretches.
        status: The column of the status.
        right: Columns with right-aligned text.
    """

    def __init__(
        self, model: QAbstractItemModel, widths_px: Sequence[int], status: int, right: Collection[int] = ()
    ) -> None:
        super().__init__()
        self.setModel(model)
        self._cells = RunCells(self, status, frozenset(right))
        self.setItemDelegate(self._cells)
        self.setUniformRowHeights(True)
        self.setIndentation(_INSIDE_PX)
        self.setAllColumnsShowFocus(True)
        self.setExpandsOnDoubleClick(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        # Names and captions stretch.
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place, width_px in enumerate(widths_px):
            self.setColumnWidth(place, width_px)
            self.setColumnHidden(place, not width_px)
        # A third click on a heading restores the order with the newest at the top.
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.collapsed.connect(self._choose_whole)

    def chosen(self) -> Iterator[QModelIndex]:
        """Iterate over the first cells of the selected lines, from top to bottom."""
        model = self.model()
        found: list[tuple[int, int, QModelIndex]] = []
        for part in self._selected():
            above = part.parent()
            rows = range(part.top(), part.bottom() + 1)
            found += [(above.row(), row, above) if above.isValid() else (row, -1, above) for row in rows]
        for top, below, above in sorted(found):
            yield model.index(top if below < 0 else below, 0, above)

    def choose(self, indices: Sequence[QModelIndex]) -> None:
        """Select only these lines; expand their parents."""
        wanted = QItemSelection()
        for index in indices:
            self.expand(index.parent())
            wanted.select(index, index)
        self.selectionModel().select(wanted, _CHOOSE)

    def changeEvent(self, event: QEvent) -> None:
        """Update colours and font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._cells.follow_view()

    def _selected(self) -> list[QItemSelectionRange]:
        return list(cast("Iterable[QItemSelectionRange]", self.selectionModel().selection()))

    def _choose_whole(self, folded: QModelIndex) -> None:
        """Move the selection from children to the line that was collapsed over them."""
        below = [part for part in self._selected() if part.parent() == folded]
        if below:
            for part in below:
                self.selectionModel().select(QItemSelection(part.topLeft(), part.bottomRight()), _ADOPT)
            self.selectionModel().setCurrentIndex(folded, _ADD)

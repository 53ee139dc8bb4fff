"""The list of runs on the screen: rows of cells that are painted with few calls, and lines that unfold."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QAbstractItemModel, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from msd_gui.views.runs.cells import Rounds, WordCells
from msd_gui.views.runs.run_cells import FOLD, MARK_PX, ROW_PX, Fold, NameCells, StatusCells


class RunList(QTableView):
    """A table whose first column has names and pictures, and whose lines unfold by mouse and by arrow keys.

    Attributes:
        fold_requested: Emitted with the index of a line that can be unfolded, and whether it is to be folded.
        open_requested: Emitted when a line is clicked twice.

    Args:
        model: The lines; it answers the roles of `msd_gui.views.runs.run_cells`.
        widths_px: Width of each column at first; 0 hides it, and the first gets what room there is.
        status: The column of the status.
        right: Columns whose words stand to the right.
    """

    fold_requested = Signal(QModelIndex, bool)
    open_requested = Signal()

    def __init__(
        self,
        model: QAbstractItemModel,
        widths_px: Sequence[int],
        status: int,
        right: Collection[int] = (),
    ) -> None:
        super().__init__()
        self.setModel(model)
        rounds = Rounds(self)
        self.setItemDelegate(WordCells(self, rounds, right))
        self.setItemDelegateForColumn(0, NameCells(self, rounds))
        self.setItemDelegateForColumn(status, StatusCells(self, rounds))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setAlternatingRowColors(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.horizontalHeader().setHighlightSections(False)
        # A heading asks every cell below whether it is chosen, at each choice; with a selection of its own it does not.
        self.horizontalHeader().setSelectionModel(QItemSelectionModel(model, self))
        # Names and captions get what room there is.
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place, width_px in enumerate(widths_px):
            self.setColumnWidth(place, width_px)
            self.setColumnHidden(place, not width_px)
        # A third click on a heading brings the newest to the top again.
        self.horizontalHeader().setSortIndicatorClearable(True)
        self.setSortingEnabled(True)
        self.sortByColumn(-1, Qt.SortOrder.DescendingOrder)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Fold or unfold where the mark of a line is pressed; else choose."""
        if event.button() != Qt.MouseButton.LeftButton or not self._turn(event.position().toPoint()):
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open a line, but where its mark is pressed quickly again fold it as at any press."""
        if event.button() == Qt.MouseButton.LeftButton and not self._turn(event.position().toPoint()):
            super().mouseDoubleClickEvent(event)
            if self.indexAt(event.position().toPoint()).isValid():
                self.open_requested.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Unfold by the right arrow key; by the left one fold, or go up to the line that holds this one."""
        index = self.currentIndex().siblingAtColumn(0)
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
        if not index.isValid() or not plain or event.key() not in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            super().keyPressEvent(event)
            return
        fold = index.data(FOLD)
        if event.key() == Qt.Key.Key_Right and fold == Fold.FOLDED:
            self.fold_requested.emit(index, False)
        elif event.key() == Qt.Key.Key_Left and fold == Fold.OPEN:
            self.fold_requested.emit(index, True)
        elif event.key() == Qt.Key.Key_Left and fold == Fold.INSIDE:
            self.setCurrentIndex(self.holder_of(index))
        elif event.key() == Qt.Key.Key_Right and fold == Fold.OPEN:
            self.setCurrentIndex(index.siblingAtRow(index.row() + 1))

    @staticmethod
    def holder_of(index: QModelIndex) -> QModelIndex:
        """Return the line that an index inside a folded one stands below."""
        while index.data(FOLD) == Fold.INSIDE and index.row() > 0:
            index = index.siblingAtRow(index.row() - 1)
        return index

    def _turn(self, point: QPoint) -> bool:
        """Ask for a line to be folded or unfolded if its mark is at a point, and return whether it is."""
        index = self.indexAt(point)
        fold = index.data(FOLD) if index.isValid() else None
        if index.column() != 0 or fold not in (Fold.FOLDED, Fold.OPEN):
            return False
        if point.x() > self.visualRect(index).left() + MARK_PX + 4:
            return False
        self.fold_requested.emit(index, fold == Fold.OPEN)
        return True

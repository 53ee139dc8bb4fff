"""The runs page: every run in the folder of runs, to find, compare, note, open, continue and throw away."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import cast

from PySide6.QtCore import QItemSelectionModel, QItemSelectionRange, Qt, QUrl, Slot
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QMenu, QTableView

from msd_engine.events import Event, Failed, Finished, HeldOutCurve, Progress, RunRow, RunsChanged
from msd_engine.specs import ExperimentSpec, load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.launch import Job, RunsLaunch
from msd_gui.pages import frame, trash
from msd_gui.pages.page import Export, Page, Status
from msd_gui.pages.plot_exports import plot_exports, text_job
from msd_gui.pages.runs_chosen import ChosenRuns
from msd_gui.pages.runs_table import COLUMNS, STATUS, RunsModel, table_text
from msd_gui.pages.search_row import SearchRow
from msd_gui.theme import icon
from msd_gui.views.cells import WordCells
from msd_gui.views.run_cells import ROW_PX, NameCells, StatusCells

FIRST_PRESET = "digits-30s"
# Name, text, shortcut, help, icon.
RUN_ACTIONS = (
    ("open", "Open", "Return", "Show the run on its page: settings, and samples from its network.", "open_run"),
    (
        "resume",
        "Resume",
        "",
        "Go on training; where the budget is spent, as long again. A run of a comparison goes on with that.",
        "resume",
    ),
    ("compare", "Open comparison", "", "Show the comparison that the run belongs to.", "page_compare"),
    ("denoise", "Denoise with it", "", "Take the network of the run to the denoise page.", "page_denoise"),
    ("duplicate", "Same settings", "", "Take the settings of the run for a new one.", "copy"),
    ("rename", "Rename", "F2", "Give the run a name.", "rename"),
    ("folder", "Open folder", "", "Show the files of the run.", "browse"),
    ("tensorboard", "For TensorBoard…", "", "Write the measurements as files for TensorBoard.", "export"),
    ("discard", "Move to trash", "Delete", "Move the chosen runs to the trash of the system.", "discard"),
)


class RunsPage(Page):
    """A list of runs, and beside it the curves and words of those that are chosen."""

    title = "Runs"

    def __init__(self, launch: RunsLaunch, clock: ScreenClock) -> None:
        super().__init__(launch, clock)
        self._runs = launch
        self._watching = False
        self._told: set[str] | None = None
        self._watcher = self.runner(self._on_runs)
        self._reader = self.runner(self._on_curve)
        self._writer = self.runner(self._on_written)
        self._build()
        self._connect()
        self._show_choice()

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.model = RunsModel(self)
        self.actions_by_name = {row[0]: self._action(*row) for row in RUN_ACTIONS}
        buttons = [self.actions_by_name[name] for name in ("open", "resume", "duplicate", "discard")]
        self.search = SearchRow("Search: name, data, #tag, k=8, status …", buttons)
        self.table = self._table()
        self.place = frame.awaiting(
            self.table,
            "Every training is kept as a run and listed here, with its picture, figures and curves. There is none yet: "
            "train a network, here with the small digits that are built in.",
            "Train on digits",
        )
        self.chosen_runs = ChosenRuns()
        frame.lay_out_wide(self, frame.column(self.search, self.place, stretch=(0, 1)), self.chosen_runs)
        self.offer_menu(self.chosen_runs.overlay)

    def _action(self, name: str, text: str, keys: str, tip: str, glyph: str) -> QAction:
        action = QAction(icon(glyph), text, self)
        action.setObjectName(f"action.run_{name}")
        action.setToolTip(f"{tip}  ({keys})" if keys else tip)
        action.triggered.connect(getattr(self, f"do_{name}"))
        return action

    def _table(self) -> QTableView:
        table = QTableView()
        table.setAccessibleName("Runs")
        table.setModel(self.model)
        table.setItemDelegate(WordCells(table))
        table.setItemDelegateForColumn(0, NameCells(table))
        table.setItemDelegateForColumn(STATUS, StatusCells(table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setShowGrid(False)
        table.setAlternatingRowColors(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_PX)
        table.horizontalHeader().setHighlightSections(False)
        # A heading asks every cell below whether it is chosen, at each choice; with a selection of its own it does not.
        table.horizontalHeader().setSelectionModel(QItemSelectionModel(self.model, table))
        # Names and captions get what room there is.
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place, column in enumerate(COLUMNS):
            table.setColumnWidth(place, column.width_px)
            table.setColumnHidden(place, not column.width_px)
        # A third click on a heading brings the newest to the top again.
        table.horizontalHeader().setSortIndicatorClearable(True)
        table.setSortingEnabled(True)
        table.sortByColumn(-1, Qt.SortOrder.DescendingOrder)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        for name, _, keys, _, _ in RUN_ACTIONS:
            # Keys of the list alone: elsewhere on the page they belong to what is being typed.
            action = self.actions_by_name[name]
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            table.addAction(action)
        return table

    def _connect(self) -> None:
        self.search.changed.connect(self._search)
        self.table.selectionModel().selectionChanged.connect(self._show_choice)
        self.table.doubleClicked.connect(self.do_open)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.place.placeholder.asked.connect(lambda: self.spec_asked.emit(load_preset(FIRST_PRESET)))
        self.chosen_runs.curves_asked.connect(self._read_curves)
        self.chosen_runs.words.written.connect(self._annotate)

    # -- the list ------------------------------------------------------------------------------------------------------

    def set_watched(self, watched: bool) -> None:
        """Follow the folder of runs while the page is on the screen, and only then."""
        super().set_watched(watched)
        if watched and not self._watching:
            self._told = set()
            self._watcher.submit(self._runs.watch_runs())
        elif not watched and self._watching:
            self._watcher.stop()
            self.chosen_runs.words.keep()
        self._watching = watched

    @Slot(object)
    def _on_runs(self, event: Event) -> None:
        match event:
            case RunsChanged():
                self._take(event)
            case Failed():
                self.show_failure(event)
            case _:
                pass

    def _take(self, event: RunsChanged) -> None:
        gone = set(event.gone)
        if self._told is not None:
            self._told |= {row.path for row in event.rows}
            if event.complete:
                # The folder of runs may be another one than last time.
                gone |= {path for path in self.model.paths() if path not in self._told}
                self._told = None
        self.model.take(event.rows, gone)
        self.place.set_ready(self.model.total > 0 or self._told is not None)
        self._count()
        if self.chosen_runs.concerns(gone | {row.path for row in event.rows}):
            self._show_choice()

    def _search(self, text: str) -> None:
        self.model.search(text)
        self._count()

    def _count(self) -> None:
        self.search.set_count(self.model.rowCount(), self.model.total)

    def chosen(self) -> list[RunRow]:
        """Return the runs that are selected, from top to bottom."""
        rows = self.model.shown()
        chosen = cast("Iterable[QItemSelectionRange]", self.table.selectionModel().selection())
        places = sorted({place for part in chosen for place in range(part.top(), part.bottom() + 1)})
        return [rows[place] for place in places]

    def choose(self, *paths: str) -> None:
        """Select runs by their paths."""
        selection = self.table.selectionModel()
        selection.clearSelection()
        for path in paths:
            flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
            selection.select(self.model.index_of(path), flags)

    # -- what is chosen ------------------------------------------------------------------------------------------------

    @Slot()
    def _show_choice(self) -> None:
        rows = self.chosen()
        one = rows[0] if len(rows) == 1 else None
        whole = one is not None and bool(one.spec_json)
        for name, action in self.actions_by_name.items():
            on = bool(rows) if name == "discard" else one is not None
            action.setEnabled(on and (whole or name in ("discard", "rename", "folder")))
        live = any(row.status == "running" for row in rows)
        at_work = live or (one is not None and self.model.in_training(one.sweep))
        self.actions_by_name["resume"].setEnabled(whole and not at_work)
        self.actions_by_name["compare"].setEnabled(one is not None and bool(one.sweep))
        self.actions_by_name["discard"].setEnabled(bool(rows) and not live)
        # What has no network yet, or one for points, denoises no pictures.
        learned = ExperimentSpec.from_json(rows[0].spec_json) if whole and rows[0].parameters else None
        self.actions_by_name["denoise"].setEnabled(learned is not None and learned.data.kind == "images")
        self.chosen_runs.show_runs(rows)
        self.set_status(Status(f"{len(rows)} runs chosen" if len(rows) > 1 else ""))
        self.actions_changed.emit()

    @Slot(list)
    def _read_curves(self, paths: list[str]) -> None:
        if paths:
            self._reader.submit(self._runs.held_out_curves([Path(path) for path in paths]))

    @Slot(object)
    def _on_curve(self, event: Event) -> None:
        match event:
            case HeldOutCurve():
                self.chosen_runs.take(event)
            case Failed():
                self.show_failure(event)
            case _:
                pass

    # -- actions -------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Return whether an action makes sense now."""
        return action in ("resume", "denoise") and self.actions_by_name[action].isEnabled()

    def do_open(self) -> None:
        """Show the chosen run on its page."""
        if self.actions_by_name["open"].isEnabled():
            self.run_asked.emit(Path(self.chosen()[0].path), "")

    def do_resume(self) -> None:
        """Go on training the chosen run, on its page; one of a comparison with all that are left there.

        By itself it would be trained for longer than those that it is compared with.
        """
        row = self.chosen()[0]
        self.run_asked.emit(Path(row.sweep or row.path), "resume")

    def do_compare(self) -> None:
        """Show the comparison that the chosen run belongs to."""
        self.run_asked.emit(Path(self.chosen()[0].sweep), "")

    def do_denoise(self) -> None:
        """Denoise by hand with the network of the chosen run."""
        self.run_asked.emit(Path(self.chosen()[0].path), "denoise")

    def do_duplicate(self) -> None:
        """Take the settings of the chosen run for a new one."""
        self.spec_asked.emit(ExperimentSpec.from_json(self.chosen()[0].spec_json))

    def do_rename(self) -> None:
        """Let the name be typed."""
        self.chosen_runs.words.name.setFocus()
        self.chosen_runs.words.name.selectAll()

    def do_folder(self) -> None:
        """Show the files of the chosen run in the system's own program for that."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(self.chosen()[0].path))

    def do_tensorboard(self) -> None:
        """Ask for a folder and write the measurements of the chosen run for TensorBoard."""
        run = Path(self.chosen()[0].path)
        folder = QFileDialog.getExistingDirectory(self, "Folder for TensorBoard", str(run.parent))
        if folder:
            self.export_tensorboard(run, Path(folder) / run.name)

    def export_tensorboard(self, run: Path, folder: Path) -> None:
        """Write the measurements of a run for TensorBoard."""
        self._writer.enqueue(self._runs.export_tensorboard(run, folder))

    def do_discard(self) -> None:
        """Ask, then move the chosen runs to the trash."""
        rows = self.chosen()
        runs = [Path(row.path) for row in rows]
        trash.ask(self, trash.question(rows, self.model.every()), partial(self.discard, runs))

    def discard(self, runs: list[Path]) -> None:
        """Move runs to the trash."""
        self._writer.enqueue(self._runs.discard(runs))

    @Slot(str, str, str, tuple)
    def _annotate(self, path: str, name: str, note: str, tags: tuple[str, ...]) -> None:
        self._writer.enqueue(self._runs.annotate(Path(path), name=name, note=note, tags=tags))

    @Slot(object)
    def _on_written(self, event: Event) -> None:
        match event:
            case Progress():
                self.set_status(Status(event.text, "", event.step / event.total, event.left_s))
            case Finished():
                self.set_status(Status())
                self.noticed.emit(event.text)
            case Failed():
                self.show_failure(event)
            case _:
                pass

    def _show_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(list(self.actions_by_name.values()))
        menu.popup(self.cursor().pos())

    def exports(self) -> list[Export]:
        """Return what can be written now."""

        def listed(path: Path) -> Job:
            return text_job(self.launch, path, partial(table_text, self.model.shown()))

        rows = [Export("List of runs", ".csv", "runs", listed)]
        overlay, spec_json = self.chosen_runs.overlay, self.chosen_runs.spec_json
        if overlay.curves():
            rows += plot_exports(self, overlay, "Held-out errors", "runs-errors", spec_json, table=overlay.data)
        return rows

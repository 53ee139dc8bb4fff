"""The runs page: every run in the folder of runs, to find, compare, note, open, continue and throw away."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu

from msd_engine.events import Event, Finished, HeldOutCurve, RunRow, RunsChanged
from msd_engine.specs import ExperimentSpec, load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine, Job
from msd_gui.pages.base import layout
from msd_gui.pages.base.actions import made
from msd_gui.pages.base.exports import plot_exports, text_job
from msd_gui.pages.base.page import Export, Page, Status
from msd_gui.pages.runs import actions, trash
from msd_gui.pages.runs.chosen import ChosenRuns
from msd_gui.pages.runs.columns import COLUMNS, STATUS, table_text
from msd_gui.pages.runs.comparison import Comparison
from msd_gui.pages.runs.model import RunsModel
from msd_gui.pages.runs.search import SearchRow
from msd_gui.session.settings import Settings
from msd_gui.views.runs.list import RunList

FIRST_PRESET = "digits-30s"


class RunsPage(Page):
    """A list of runs, and beside it the curves and words of those that are chosen."""

    title = "Runs"

    def __init__(self, engine: Engine, clock: ScreenClock) -> None:
        super().__init__(engine, clock)
        self._watching = False
        self._paths_seen: set[str] | None = None
        self._unfolded: set[str] = set()
        self._watcher = self.runner(self._on_runs)
        self._reader = self.runner(self._on_curve)
        self._writer = self.runner(self._on_written, "")
        self._build()
        self._connect()
        self._show_choice()

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.model = RunsModel(self)
        self.actions_by_name = {row.name: made(row, self, of="run_", within=True) for row in actions.RUN_ACTIONS}
        for name, action in self.actions_by_name.items():
            action.triggered.connect(getattr(self, f"do_{name}"))
        buttons = [self.actions_by_name[name] for name in ("open", "resume", "duplicate", "discard")]
        self.search = SearchRow("Search: name, data, #tag, k=8, status …", buttons)
        right = [place for place, column in enumerate(COLUMNS) if column.right]
        self.table = RunList(self.model, [column.width_px for column in COLUMNS], STATUS, right)
        self.table.setAccessibleName("Runs")
        # Their keys are those of the list alone: elsewhere on the page they belong to what is being typed.
        self.table.addActions(list(self.actions_by_name.values()))
        self.found_place = layout.with_placeholder(
            self.table, "No run has all of these words in its name, data, tags, status or note.", "Clear the search"
        )
        self.place = layout.with_placeholder(
            self.found_place,
            "Every training is kept as a run and listed here, with its picture, figures and curves. There is none yet: "
            "train a network, here with the small digits that are built in.",
            "Train on digits",
        )
        self.chosen_runs = ChosenRuns()
        layout.lay_out_wide(self, layout.column(self.search, self.place, stretch=(0, 1)), self.chosen_runs)
        self.add_export_menu(self.chosen_runs.overlay)

    def _connect(self) -> None:
        self.search.changed.connect(self._search)
        self.table.selectionModel().selectionChanged.connect(self._show_choice)
        self.table.doubleClicked.connect(self.do_open)
        for folded in (self.table.expanded, self.table.collapsed):
            folded.connect(self._note_fold)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.found_place.placeholder.pressed.connect(self.search.box.clear)
        self.place.placeholder.pressed.connect(lambda: self.spec_requested.emit(load_preset(FIRST_PRESET)))
        self.chosen_runs.curves_requested.connect(self._read_curves)
        self.chosen_runs.words.written.connect(self._annotate)

    # -- the list ------------------------------------------------------------------------------------------------------

    def set_watched(self, watched: bool) -> None:
        """Follow the folder of runs while the page is on the screen, and only then."""
        super().set_watched(watched)
        if watched and not self._watching:
            self._paths_seen = set()
            self._watcher.submit(self.engine.watch_runs())
        elif not watched and self._watching:
            self._watcher.stop()
            self.chosen_runs.words.keep()
        self._watching = watched

    @Slot(object)
    def _on_runs(self, event: Event) -> None:
        if isinstance(event, RunsChanged):
            self._take(event)

    def _take(self, event: RunsChanged) -> None:
        gone = set(event.gone)
        if self._paths_seen is not None:
            self._paths_seen |= {row.path for row in event.rows}
            if event.complete:
                # The folder of runs may be another one than last time.
                gone |= {path for path in self.model.runs if path not in self._paths_seen}
                self._paths_seen = None
        self.model.take(event.rows, gone)
        self.place.set_ready(bool(self.model.runs) or self._paths_seen is not None)
        self._count()
        if self.chosen_runs.concerns(gone | {row.path for row in event.rows}):
            self._show_choice()

    def _search(self, text: str) -> None:
        """Show the runs that hold all words; a comparison of which only some do is unfolded meanwhile."""
        self.model.search(text)
        for index in self.model.comparisons():
            line = self.model.row(index)
            partly = isinstance(line, Comparison) and self.model.rowCount(index) < len(line.runs)
            self.table.setExpanded(index, partly or line.path in self._unfolded)
        self._count()

    def _count(self) -> None:
        self.search.set_count(self.model.found_count, len(self.model.runs))
        self.found_place.set_ready(self.model.found_count > 0 or not self.model.runs)

    @Slot(QModelIndex)
    def _note_fold(self, index: QModelIndex) -> None:
        """Remember what the user unfolds, for the end of a search that unfolds others."""
        if not self.search.box.text():
            change = self._unfolded.add if self.table.isExpanded(index) else self._unfolded.discard
            change(self.model.row(index).path)

    def chosen_lines(self) -> list[RunRow]:
        """Return the lines that are selected, runs and comparisons, from top to bottom."""
        return [self.model.row(index) for index in self.table.chosen()]

    def chosen(self) -> list[RunRow]:
        """Return the runs that are selected, from top to bottom; a comparison stands for its runs."""
        return self._runs_of(self.chosen_lines())

    def _runs_of(self, lines: list[RunRow]) -> list[RunRow]:
        runs = (run for line in lines for run in self.model.runs_of(line))
        return list({run.path: run for run in runs}.values())

    def choose(self, *paths: str) -> None:
        """Select runs and comparisons by their paths."""
        self.table.choose([self.model.index_of(path) for path in paths])

    # -- what is chosen ------------------------------------------------------------------------------------------------

    @Slot()
    def _show_choice(self) -> None:
        lines = self.chosen_lines()
        rows = self._runs_of(lines)
        possible = actions.possible(lines, rows, self.model.in_training)
        for name, action in self.actions_by_name.items():
            action.setEnabled(name in possible)
        self.chosen_runs.show_runs(lines, rows)
        self.set_status(Status(f"{len(rows)} runs chosen" if len(rows) > 1 else ""))
        self.actions_changed.emit()

    @Slot(list)
    def _read_curves(self, paths: list[str]) -> None:
        if paths:
            self._reader.submit(self.engine.held_out_curves([Path(path) for path in paths]))

    @Slot(object)
    def _on_curve(self, event: Event) -> None:
        match event:
            case HeldOutCurve():
                self.chosen_runs.take(event)
            case Finished():
                self.chosen_runs.show_curves()

    # -- actions -------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Return whether an action makes sense now."""
        return action in ("resume", "denoise") and self.actions_by_name[action].isEnabled()

    def do_open(self) -> None:
        """Show the chosen run on its page."""
        if self.actions_by_name["open"].isEnabled():
            self.run_requested.emit(Path(self.chosen_lines()[0].path), "")

    def do_resume(self) -> None:
        """Go on training the chosen run, on its page; one of a comparison with all that are left there.

        By itself it would be trained for longer than those that it is compared with.
        """
        row = self.chosen()[0]
        self.run_requested.emit(Path(row.sweep or row.path), "resume")

    def do_compare(self) -> None:
        """Show the comparison that the chosen run belongs to."""
        self.run_requested.emit(Path(self.chosen()[0].sweep), "")

    def do_denoise(self) -> None:
        """Denoise by hand with the network of the chosen run."""
        self.run_requested.emit(Path(self.chosen()[0].path), "denoise")

    def do_duplicate(self) -> None:
        """Take the settings of the chosen run or comparison for a new one."""
        (line,) = self.chosen_lines()
        if isinstance(line, Comparison):
            self.run_requested.emit(Path(line.path), "duplicate")
            return
        self.spec_requested.emit(ExperimentSpec.from_json(self.chosen()[0].spec_json))

    def do_rename(self) -> None:
        """Let the name be typed."""
        self.chosen_runs.words.name.setFocus()
        self.chosen_runs.words.name.selectAll()

    def do_folder(self) -> None:
        """Show the files of the chosen run in the system's own program for that."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(self.chosen_lines()[0].path))

    def do_tensorboard(self) -> None:
        """Ask for a folder and write the measurements of the chosen runs for TensorBoard."""
        rows = self.chosen()
        runs = [Path(row.path) for row in rows]
        folder = QFileDialog.getExistingDirectory(self, "Folder for TensorBoard", str(runs[0].parent))
        if folder:
            for run, row in zip(runs, rows, strict=True):
                # Runs of two comparisons may be called alike.
                above = Path(folder, Path(row.sweep).name) if row.sweep else Path(folder)
                self.export_tensorboard(run, above / run.name)

    def export_tensorboard(self, run: Path, folder: Path) -> None:
        """Write the measurements of a run for TensorBoard."""
        self._writer.enqueue(self.engine.export_tensorboard(run, folder))

    def do_discard(self) -> None:
        """Ask, then move the chosen runs to the trash."""
        rows = self.chosen()
        runs = [Path(row.path) for row in rows]
        trash.ask(self, trash.question(rows, list(self.model.runs.values())), partial(self.discard, runs))

    def discard(self, runs: list[Path]) -> None:
        """Move runs to the trash."""
        self._writer.enqueue(self.engine.discard(runs))

    @Slot(str, object, str, tuple)
    def _annotate(self, path: str, name: str | None, note: str, tags: tuple[str, ...]) -> None:
        self._writer.enqueue(self.engine.annotate(Path(path), name=name, note=note, tags=tags))

    @Slot(object)
    def _on_written(self, event: Event) -> None:
        if isinstance(event, Finished):
            self.noticed.emit(event.text)

    def _show_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(list(self.actions_by_name.values()))
        menu.popup(self.cursor().pos())

    def restore(self, name: str, settings: Settings) -> None:
        """Give the columns the widths and the order that they had."""
        self.table.header().restoreState(settings.columns(name))

    def keep(self, name: str, settings: Settings) -> None:
        """Keep widths and order of the columns."""
        settings.set_columns(name, bytes(self.table.header().saveState().data()))

    def exports(self) -> list[Export]:
        """Return what can be written now."""

        def listed(path: Path) -> Job:
            return text_job(self.engine, path, partial(table_text, self.model.found()))

        rows = [Export("List of runs", ".csv", "runs", listed)]
        chosen = self.chosen_runs
        if chosen.columns():
            rows += plot_exports(
                self, chosen.overlay, "Held-out errors", "runs-errors", chosen.spec_json, table=chosen.columns
            )
        return rows

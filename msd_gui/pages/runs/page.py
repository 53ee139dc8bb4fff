"""The runs page: find, compare, annotate, open, resume and discard the runs in the folder of runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QModelIndex, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu

from msd_engine.events import Event, Failed, Finished, HeldOutCurve, RunRow, RunsChanged, Watched
from msd_engine.specs import ExperimentSpec, load_preset
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine, Job
from msd_gui.pages.base import layout
from msd_gui.pages.base.actions import made, set_enabled
from msd_gui.pages.base.exports import plot_exports, text_job
from msd_gui.pages.base.page import Export, Page, Status
from msd_gui.pages.runs import actions, trash
from msd_gui.pages.runs.chosen import ChosenRuns
from msd_gui.pages.runs.columns import COLUMNS, STATUS, table_text
from msd_gui.pages.runs.comparison import Comparison
from msd_gui.pages.runs.elsewhere import Elsewhere
from msd_gui.pages.runs.model import RunsModel
from msd_gui.pages.runs.search import FirstRun, SearchRow
from msd_gui.session.settings import Settings
from msd_gui.views.runs.list import RunList

FIRST_PRESET = "digits-30s"
FIRST_WORDS = "Every training is listed here as a run. There are none yet: these networks came with the program."


class RunsPage(Page):
    """A list of runs, and beside it the curves and notes of the chosen ones."""

    title = "Runs"

    def __init__(self, engine: Engine, clock: ScreenClock) -> None:
        super().__init__(engine, clock)
        self._watching = False
        self._paths_seen: set[str] | None = None
        self._unfolded: set[str] = set()
        self._watcher = self.runner(self._on_runs)
        self._reader = self.runner(self._on_curve)
        self._writer = self.runner(self._on_written, "")
        self._comparer = self.runner(self._on_compared)
        self._away = self.runner(self._on_watched)
        self._asker = self.runner(self._on_written, "")
        self._shipper = self.runner(self._on_shipped)
        self._shipped: tuple[RunRow, ...] = ()
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
        self.elsewhere_action = made(actions.ELSEWHERE, self, of="run_", within=True)
        self.elsewhere_action.triggered.connect(self.do_elsewhere)
        buttons.append(self.elsewhere_action)
        self.search = SearchRow("Search: name, data, #tag, k=8, status …", buttons)
        right = [place for place, column in enumerate(COLUMNS) if column.right]
        self.table = RunList(self.model, [column.width_px for column in COLUMNS], STATUS, right)
        self.table.setObjectName("runs.list")
        self.table.setAccessibleName("Runs")
        # The shortcuts work only in the list: text fields need the same keys.
        self.table.addActions(list(self.actions_by_name.values()))
        self.found_place = layout.with_placeholder(
            self.table, "No run has all of these words in its name, data, tags, status or note.", "Clear the search"
        )
        self.place = layout.with_placeholder(self.found_place, "Reading the folder of runs …")
        self.chosen_runs = ChosenRuns()
        self.first = FirstRun(FIRST_WORDS, "Train on digits")
        self.elsewhere = Elsewhere()
        middle = layout.column(self.search, self.elsewhere, self.first, self.place, stretch=(0, 0, 0, 1))
        layout.lay_out_wide(self, middle, self.chosen_runs)
        self.add_export_menu(self.chosen_runs.overlay)

    def _connect(self) -> None:
        self.search.changed.connect(self._search)
        self.table.selectionModel().selectionChanged.connect(self._show_choice)
        self.table.doubleClicked.connect(self.do_open)
        for folded in (self.table.expanded, self.table.collapsed):
            folded.connect(self._note_fold)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.elsewhere.left.connect(self.leave_elsewhere)
        self.found_place.placeholder.pressed.connect(self.search.box.clear)
        self.first.button.clicked.connect(lambda: self.spec_requested.emit(load_preset(FIRST_PRESET), ""))
        self.chosen_runs.curves_requested.connect(self._read_curves)
        self.chosen_runs.differences.requested.connect(self._compare)
        self.chosen_runs.words.written.connect(self._annotate)

    # -- the list ------------------------------------------------------------------------------------------------------

    def set_watched(self, watched: bool) -> None:
        """Watch the folder of runs only while the page is visible."""
        super().set_watched(watched)
        if watched and not self._watching:
            self._paths_seen = set()
            self._watcher.submit(self.engine.watch_runs())
            if not self._shipped:
                self._shipper.submit(self.engine.shipped_runs())
        elif not watched and self._watching:
            self._watcher.stop()
            self.chosen_runs.words.keep()
        self._watching = watched

    @Slot(object)
    def _on_runs(self, event: Event) -> None:
        if isinstance(event, RunsChanged):
            self._update_runs(event)

    def _update_runs(self, event: RunsChanged) -> None:
        gone = set(event.gone)
        if self._paths_seen is not None:
            self._paths_seen |= {row.path for row in event.rows}
            if event.complete:
                # The user may have changed the folder of runs.
                gone |= {row.path for row in self._own() if row.path not in self._paths_seen}
                self._paths_seen = None
        self.model.update_runs(event.rows, gone)
        self._show_shipped()
        if self.chosen_runs.concerns(gone | {row.path for row in event.rows}):
            self._show_choice()

    def _own(self) -> list[RunRow]:
        """List the runs of the user."""
        return [row for row in self.model.runs.values() if row.status != "shipped"]

    @Slot(object)
    def _on_shipped(self, event: Event) -> None:
        if isinstance(event, RunsChanged):
            self._shipped = event.rows
            self._show_shipped()

    def _show_shipped(self) -> None:
        """Show the shipped networks as long as there are no runs."""
        own = bool(self._own())
        if own:
            self.model.update_runs((), {row.path for row in self._shipped if row.path in self.model.runs})
        elif self._paths_seen is None:
            self.model.update_runs(self._shipped)
        self.first.setVisible(not own and self._paths_seen is None)
        self.place.set_ready(bool(self.model.runs))
        self._count()

    def _search(self, text: str) -> None:
        """Find the runs with all words; expand comparisons with only some found runs during the search."""
        self.model.search(text)
        for index in self.model.comparisons():
            line = self.model.row(index)
            partly = isinstance(line, Comparison) and self.model.rowCount(index) < len(line.runs)
            self.table.setExpanded(index, partly or line.path in self._unfolded)
        self._count()

    def _count(self) -> None:
        own = bool(self._own())
        self.search.set_count(self.model.found_count if own else 0, len(self.model.runs) if own else 0)
        self.found_place.set_ready(self.model.found_count > 0 or not self.model.runs)

    @Slot(QModelIndex)
    def _note_fold(self, index: QModelIndex) -> None:
        """Record lines that the user expands, to restore them after a search."""
        if not self.search.box.text():
            change = self._unfolded.add if self.table.isExpanded(index) else self._unfolded.discard
            change(self.model.row(index).path)

    def chosen_lines(self) -> list[RunRow]:
        """List the selected lines, runs and comparisons, from top to bottom."""
        return [self.model.row(index) for index in self.table.chosen()]

    def chosen(self) -> list[RunRow]:
        """List the selected runs, with those of selected comparisons, from top to bottom."""
        return self._runs_of(self.chosen_lines())

    def _runs_of(self, lines: list[RunRow]) -> list[RunRow]:
        runs = (run for line in lines for run in self.model.runs_of(line))
        return list({run.path: run for run in runs}.values())

    def choose(self, *paths: str) -> None:
        """Select runs and comparisons by their paths."""
        self.table.choose([self.model.index_of(path) for path in paths])

    # -- the selection -------------------------------------------------------------------------------------------------

    @Slot()
    def _show_choice(self) -> None:
        lines = self.chosen_lines()
        rows = self._runs_of(lines)
        possible = actions.possible(lines, rows, self.model.in_training)
        for name, action in self.actions_by_name.items():
            set_enabled(action, name in possible, self.why_not(name))
        self.chosen_runs.show_runs(lines, rows)
        self.set_status(Status(f"{len(rows)} runs chosen" if len(rows) > 1 else ""))
        self.actions_changed.emit()

    @Slot(list)
    def _read_curves(self, paths: list[str]) -> None:
        if paths:
            self._reader.submit(self.engine.held_out_curves([Path(path) for path in paths]))

    @Slot(list)
    def _compare(self, specs_json: list[str]) -> None:
        self._comparer.submit(self.engine.compare_settings(specs_json))

    @Slot(object)
    def _on_compared(self, event: Event) -> None:
        self.chosen_runs.differences.show_found(event)

    @Slot(object)
    def _on_curve(self, event: Event) -> None:
        match event:
            case HeldOutCurve():
                self.chosen_runs.set_curve(event)
            case Finished():
                self.chosen_runs.show_curves()

    # -- actions -------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Check whether an action is allowed now."""
        return action in ("resume", "denoise") and self.actions_by_name[action].isEnabled()

    def why_not(self, action: str) -> str:
        """Explain why a copy is not resumed."""
        copied = action == "resume" and any(run.elsewhere for run in self.chosen())
        return actions.COPIED if copied else ""

    def do_open(self) -> None:
        """Show the chosen run on its page."""
        if self.actions_by_name["open"].isEnabled():
            self.run_requested.emit(Path(self.chosen_lines()[0].path), "")

    def do_resume(self) -> None:
        """Resume the chosen run on its page; a run of a comparison resumes the whole comparison.

        Alone it would train longer than the other runs of the comparison.
        """
        row = self.chosen()[0]
        self.run_requested.emit(Path(row.sweep or row.path), "resume")

    def do_compare(self) -> None:
        """Show the comparison of the chosen run."""
        self.run_requested.emit(Path(self.chosen()[0].sweep), "")

    def do_denoise(self) -> None:
        """Open the network of the chosen run on the denoise page."""
        self.run_requested.emit(Path(self.chosen()[0].path), "denoise")

    def do_duplicate(self) -> None:
        """Use the settings of the chosen run or comparison for a new one."""
        (line,) = self.chosen_lines()
        if isinstance(line, Comparison):
            self.run_requested.emit(Path(line.path), "duplicate")
            return
        self.spec_requested.emit(ExperimentSpec.from_json(self.chosen()[0].spec_json), "")

    def do_rename(self) -> None:
        """Focus the name field."""
        self.chosen_runs.words.name.setFocus()
        self.chosen_runs.words.name.selectAll()

    def do_folder(self) -> None:
        """Show the files of the chosen run in the system's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(self.chosen_lines()[0].path))

    def do_tensorboard(self) -> None:
        """Choose a folder and write the measurements of the chosen runs for TensorBoard."""
        rows = self.chosen()
        runs = [Path(row.path) for row in rows]
        folder = QFileDialog.getExistingDirectory(self, "Folder for TensorBoard", str(runs[0].parent))
        if folder:
            for run, row in zip(runs, rows, strict=True):
                # Runs of two comparisons may have the same name.
                above = Path(folder, Path(row.sweep).name) if row.sweep else Path(folder)
                self.export_tensorboard(run, above / run.name)

    def export_tensorboard(self, run: Path, folder: Path) -> None:
        """Write the measurements of a run for TensorBoard."""
        self._writer.enqueue(self.engine.export_tensorboard(run, folder))

    def do_elsewhere(self) -> None:
        """Ask for an address and watch the runs there."""
        if address := self.elsewhere.question():
            self.watch_elsewhere(address)

    def watch_elsewhere(self, address: str) -> None:
        """Keep copies of the runs at an address in the folder of runs, until the user leaves it."""
        self.elsewhere.begin(address)
        self._away.submit(self.engine.watch_elsewhere(address))

    @Slot()
    def leave_elsewhere(self) -> None:
        """End watching; the copies stay."""
        self._away.stop()
        self.elsewhere.end()

    @Slot(object)
    def _on_watched(self, event: Event) -> None:
        if isinstance(event, Watched):
            self.elsewhere.show_watched(event)
        elif isinstance(event, Failed):
            self.elsewhere.end()

    def do_ask_checkpoint(self) -> None:
        """Ask the trainings elsewhere to save."""
        self._ask("checkpoint")

    def do_ask_stop(self) -> None:
        """Ask the trainings elsewhere to stop."""
        self._ask("stop")

    def _ask(self, request: Literal["stop", "checkpoint"]) -> None:
        for row in self.chosen():
            if row.elsewhere and row.status == "running":
                self._asker.enqueue(self.engine.ask_elsewhere(Path(row.path), request))

    def do_discard(self) -> None:
        """Move the chosen runs to the trash after confirmation."""
        rows = self.chosen()
        runs = [Path(row.path) for row in rows]
        trash.confirm(self, trash.question(rows, list(self.model.runs.values())), partial(self.discard, runs))

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
        """Restore widths and order of the columns."""
        self.table.header().restoreState(settings.columns(name))

    def keep(self, name: str, settings: Settings) -> None:
        """Save widths and order of the columns."""
        settings.set_columns(name, bytes(self.table.header().saveState().data()))

    def exports(self) -> list[Export]:
        """List the exports available now."""

        def listed(path: Path) -> Job:
            return text_job(self.engine, path, partial(table_text, self.model.found()))

        rows = [Export("List of runs", ".csv", "runs", listed)]
        chosen = self.chosen_runs
        if chosen.columns():
            rows += plot_exports(
                self, chosen.overlay, "Held-out errors", "runs-errors", chosen.spec_json, table=chosen.columns
            )
        return rows

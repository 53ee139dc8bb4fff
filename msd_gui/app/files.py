"""Files of the window: opening, dropping, exporting and downloading, one after another in their own thread."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from msd_engine.events import (
    Event,
    Failed,
    Finished,
    Notice,
    Progress,
    Restored,
    RestoredImages,
    RestoredPoints,
    Started,
    SweepFound,
)
from msd_engine.specs import ExperimentSpec
from msd_gui.app.export.dialog import ExportDialog
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine, Job
from msd_gui.bridge.runner import Runner
from msd_gui.pages.base.exports import FigureExport
from msd_gui.pages.base.page import Export, Status
from msd_gui.session.budget import as_long_again
from msd_gui.session.settings import Settings

NOTHING = "Nothing to write yet: train, sample or denoise first"
# Jobs of the denoise page.
_BY_HAND = ("denoise", "inpaint", "interpolate")
KINDS = "Experiments and points (*.png *.gif *.webp *.mp4 *.json *.npz *.csv *.tsv *.txt *.npy);;All files (*)"


def with_suffix(path: Path, suffix: str) -> Path:
    """Append the suffix if it is missing: ``eps0.01`` becomes ``eps0.01.png``."""
    return path if path.suffix.lower() == suffix else path.with_name(path.name + suffix)


class Files(QObject):
    """Runs file jobs in the order of the requests.

    Attributes:
        engine_ready: Emitted with the label of the device once torch is imported.
        warmed_up: Emitted when the imports of all jobs are done or have failed.
        restored: Emitted with a spec, the run folder (None for a file with only a spec), and the action to follow.
        content_restored: Emitted with `RestoredImages` or `RestoredPoints` after `restored`.
        sweep_found: Emitted with the folder of a comparison and the action to follow.
        noticed: Emitted with a sentence for the status bar.
        written: Emitted when a job has finished successfully.
        progressed: Emitted with a `Status`.
        failed: Emitted with a sentence and details, also where a job has only left something out.
        recovered: Emitted with the sentence of the last failure when a later job has ended.
        running_changed: Emitted when the queue becomes busy or empty.
    """

    engine_ready = Signal(str)
    warmed_up = Signal()
    restored = Signal(object, object, str)
    content_restored = Signal(object)
    sweep_found = Signal(object, str)
    noticed = Signal(str)
    written = Signal()
    progressed = Signal(object)
    failed = Signal(str, str)
    recovered = Signal(str)
    running_changed = Signal()

    def __init__(self, window: QWidget, engine: Engine, clock: ScreenClock, settings: Settings) -> None:
        super().__init__(window)
        self._window = window
        self._engine, self._clock = engine, clock
        self._settings = settings
        self._then = (Path(), "")
        self._warming = False
        self._failure = ""
        self._enqueued = self._ended = self._enqueued_then = 0
        self._runner = Runner(clock, self)
        self._runner.event_ready.connect(self._show)
        self._runner.running_changed.connect(self.running_changed)

    @property
    def running(self) -> bool:
        """Whether a job runs or waits."""
        return self._runner.running

    @property
    def can_stop(self) -> bool:
        """Whether the user may stop the job; the import of the engine must finish."""
        return self._runner.running and not self._warming

    def stop(self) -> None:
        """Stop the running job."""
        if self.can_stop:
            self._ended = self._enqueued
            self._runner.stop()

    def close(self) -> None:
        """Stop the running job and end the thread."""
        self._runner.close()

    @Slot(object)
    def _show(self, event: Event) -> None:
        self._count(event)
        match event:
            case Started(job="warm-up"):
                self.engine_ready.emit(event.device)
            case Finished() | Failed() if self._warming:
                self._warming = False
                self.warmed_up.emit()
                self.running_changed.emit()
                if isinstance(event, Failed):
                    self.failed.emit(event.text, event.details)
            case Restored():
                self._on_restored(event)
            case RestoredImages() | RestoredPoints():
                self.content_restored.emit(event)
            case SweepFound():
                path, then = self._then
                folder = Path(event.path)
                self._settings.add_recent(folder)
                self.sweep_found.emit(folder, then if folder == path else "")
            case Notice(details=details) if details:
                self.failed.emit(event.text, details)
            case Progress():
                self.progressed.emit(Status.of(event))
            case Finished(path=path) if path:
                self.noticed.emit(event.text)
                self.written.emit()
            case Failed():
                self.failed.emit(event.text, event.details)
            case _:
                pass

    def _enqueue(self, job: Job) -> None:
        self._enqueued += 1
        self._runner.enqueue(job)

    def _count(self, event: Event) -> None:
        """Withdraw the last failure when a job ends that was enqueued after the failure was shown."""
        if isinstance(event, Finished | Failed):
            self._ended += 1
            if self._failure and self._ended > self._enqueued_then:
                self.recovered.emit(self._failure)
                self._failure = ""
        if isinstance(event, Failed):
            self._failure, self._enqueued_then = event.text, self._enqueued

    def _on_restored(self, event: Restored) -> None:
        spec, run = ExperimentSpec.from_json(event.spec_json), Path(event.run) if event.run else None
        path, then = self._then
        if path != Path():
            self._settings.add_recent(path)
        if run != path:
            then = ""
        if then == "resume":
            spec = as_long_again(spec, event.step, event.elapsed_s)
        if not then and event.job in _BY_HAND:
            then = "denoise"
        self.restored.emit(spec, run, then)

    # -- without dialogs -----------------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Import torch in advance."""
        self._warming = True
        self._enqueue(self._engine.warm_up())

    def open_path(self, path: Path, then: str = "") -> None:
        """Restore the content of a picture, a preset, a sample file or a run folder.

        Args:
            path: The file or folder.
            then: Action to run after opening; empty for none.
        """
        self._then = (path, then)
        self._enqueue(self._engine.restore(path))

    def open_text(self, text: str) -> None:
        """Restore points or settings from text."""
        self._then = (Path(), "")
        self._enqueue(self._engine.restore_text(text))

    def download(self, name: str) -> None:
        """Download a data set to the data folder."""
        self.noticed.emit(f"Downloading {name} …")
        self._enqueue(self._engine.download(name))

    def run_export(self, export: Export, path: Path) -> None:
        """Write one of the page's exports."""
        self._enqueue(export.make(path))

    # -- with dialogs --------------------------------------------------------------------------------------------------

    def choose_file(self) -> None:
        """Let the user choose a file to open."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Open", str(self._settings.last_folder), KINDS)
        if path:
            self._settings.last_folder = Path(path).parent
            self.open_path(Path(path))

    def choose_run(self) -> None:
        """Let the user choose a run folder to open."""
        path = QFileDialog.getExistingDirectory(self._window, "Open run folder", str(self._engine.runs_dir()))
        if path:
            self.open_path(Path(path))

    def choose_save(self, spec: ExperimentSpec) -> None:
        """Let the user choose the file for a spec."""
        path = self._choose_target("Save settings", "experiment", ".json")
        if path is not None:
            self._settings.add_recent(path)
            self._enqueue(self._engine.save("text", path, text=spec.to_json(indent=2)))

    def show_exports(self, exports: list[Export], more: list[QAction], at: QPoint) -> None:
        """Open a menu of exports."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for export in exports:
            formats = ", ".join(suffix[1:].upper() for suffix in export.formats())
            menu.addAction(f"{export.label}  ({formats}) …", partial(self._choose_export, export))
        if not exports:
            menu.addAction(NOTHING).setEnabled(False)
        menu.addSeparator()
        menu.addActions(more)
        menu.popup(at)

    def _choose_export(self, export: Export) -> None:
        if isinstance(export, FigureExport):
            self.open_export(export)
            return
        path = self._choose_target(f"Export: {export.label}", export.name, export.suffix)
        if path is not None:
            self.run_export(export, path)

    def open_export(self, export: FigureExport) -> ExportDialog:
        """Open the dialog of a figure."""
        dialog = ExportDialog(self._window, export, self._clock, self._settings)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.saved.connect(self._on_saved)
        dialog.open()
        return dialog

    @Slot(object)
    def _on_saved(self, path: Path) -> None:
        self.noticed.emit(f"Saved {path.name}.")
        self.written.emit()

    def _choose_target(self, title: str, name: str, suffix: str) -> Path | None:
        """Let the user choose a file to write; append a missing suffix and confirm overwriting."""
        kind = f"{suffix[1:].upper()} (*{suffix})"
        dialog = QFileDialog(self._window, title, str(self._settings.last_folder), kind)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        # The dialog would confirm the typed name, not the written one.
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.selectFile(f"{name}{suffix}")
        path = None
        while path is None and dialog.exec() == QFileDialog.DialogCode.Accepted:
            path = with_suffix(Path(dialog.selectedFiles()[0]), suffix)
            if path.exists() and not self._may_replace(path):
                dialog.selectFile(str(path))
                path = None
        dialog.deleteLater()
        if path is not None:
            self._settings.last_folder = path.parent
        return path

    def _may_replace(self, path: Path) -> bool:
        """Confirm overwriting an existing file."""
        question = f"{path.name} already exists in {path.parent}. Replace it?"
        answer = QMessageBox.question(
            self._window,
            "Replace a file",
            question,
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        return answer == QMessageBox.StandardButton.Yes

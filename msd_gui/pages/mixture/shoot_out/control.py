"""The button that opens the shoot-out of samplers, and the job behind its window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QPushButton

from msd_engine.events import Event, Failed, Finished, Progress
from msd_engine.events.shoot_out.table import ShootOutTable
from msd_engine.specs.search.shoot_out import ShootOutSpec
from msd_gui.bridge.engine import Engine, Job
from msd_gui.pages.base.page import Export
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.mixture.shoot_out.dialog import ShootOutDialog
from msd_gui.theme.tips import wrapped

OPEN = "Shoot-out of samplers…"
_HELP = (
    "Compare samplers on this target with the same number of evaluations of the denoiser: quality against evaluations, "
    "with intervals over seeds."
)
_FILES = ((".svg", "Shoot-out, charts"), (".csv", "Shoot-out, numbers"), (".md", "Shoot-out, table"))


class ShootOut(QObject):
    """A shoot-out in a thread of its own, at low priority; its window may be closed meanwhile.

    Attributes:
        button: Opens the window.
        dialog: The window; None before it is first opened.
        table: The rows so far.
    """

    def __init__(self, page: ResolvedPage, engine: Engine) -> None:
        super().__init__(page)
        self._page, self._engine = page, engine
        self.dialog: ShootOutDialog | None = None
        self.table = ShootOutTable()
        self._spec: ShootOutSpec | None = None
        self._runner = page.runner(self._show, patient=True)
        self._runner.running_changed.connect(self._on_running)
        self.button = QPushButton(OPEN)
        self.button.setObjectName("mixture.shoot-out")
        self.button.setToolTip(wrapped(_HELP))
        self.button.clicked.connect(self.open)
        page.actions_changed.connect(self._follow)

    @Slot()
    def open(self) -> None:
        """Open the window, or bring it to the front."""
        if self.dialog is None:
            self.dialog = ShootOutDialog(self._page.resolved.spec, self._page.window())
            self.dialog.toggled.connect(self._toggle)
            self.dialog.save_asked.connect(self._page.menu_requested)
            self._page.add_export_menu(self.dialog.chart, self.dialog.table)
        self._follow()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    @Slot()
    def _follow(self) -> None:
        """Plan with the present settings of the page."""
        if self.dialog is not None and not self._runner.running:
            self.dialog.plan.show_base(self._page.resolved.spec)

    @Slot()
    def _toggle(self) -> None:
        """Stop, or compare with the present plan."""
        if self._runner.running:
            self._runner.stop()
            return
        now, dialog = self._page.resolved, self.dialog
        if dialog is None or not self._engine.ready:
            return
        if not now.serves:
            dialog.status.setText("There is no network for these settings: train one, or take the exact score.")
            return
        self._spec = dialog.plan.value()
        self.table = ShootOutTable()
        dialog.show_table(self.table)
        dialog.status.setText("Preparing …")
        self._runner.submit(self._engine.shoot_out(self._spec, now.run))

    @Slot(object)
    def _show(self, event: Event) -> None:
        dialog = self.dialog
        if dialog is None:
            return
        match event:
            case ShootOutTable():
                self.table = event
                dialog.show_table(event)
            case Progress():
                dialog.show_progress(event)
            case Finished():
                dialog.status.setText("")
            case Failed():
                dialog.status.setText(event.text)

    @Slot(bool)
    def _on_running(self, running: bool) -> None:
        if self.dialog is None:
            return
        self.dialog.show_running(running=running)
        if not running and self._spec is not None and 0 < self.table.seeds < len(self._spec.seeds):
            self.dialog.status.setText(f"Stopped after {self.table.seeds} of {len(self._spec.seeds)} seeds.")
        if not running:
            self._follow()

    def exports(self) -> list[Export]:
        """List the files of the shoot-out on the screen; none before its first row."""
        table, spec = self.table, self._spec
        if spec is None or not table.rows:
            return []

        def write(path: Path) -> Job:
            return self._engine.export_shoot_out(table, spec, path)

        return [Export(label, suffix, "shoot-out", write) for suffix, label in _FILES]

"""The main window: pages, tool bar, menus, status bar, messages and dropped files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import QActionGroup, QCloseEvent, QCursor, QDragEnterEvent, QDropEvent, QGuiApplication, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from msd_engine.events import Event, Failed, Finished, Progress, Restored, Started
from msd_engine.specs import ExperimentSpec, load_preset
from msd_gui.app import dialogs
from msd_gui.app.actions import DATA_SETS, Actions
from msd_gui.app.launch import EngineLaunch
from msd_gui.app.messages import MessageBar
from msd_gui.app.status import StatusBar
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.runner import Runner
from msd_gui.pages.images import ImagesPage
from msd_gui.pages.mixture import MixturePage
from msd_gui.pages.page import Export, Page, Status
from msd_gui.session.experiment import Experiment
from msd_gui.session.settings import Settings
from msd_gui.theme import Theme, ThemeChoice, app_icon

PAGE_ACTIONS = ("train", "resume", "sample", "stop", "play", "step", "back", "restart", "home")
UNSEEN_MS = 1000


class MainWindow(QMainWindow):
    """The window of the program."""

    def __init__(
        self,
        *,
        data_dir: Path | None = None,
        runs_dir: Path | None = None,
        device: str = "auto",
        theme: ThemeChoice | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Build everything, show nothing.

        Args:
            data_dir: Data folder for this session; by default that of the settings.
            runs_dir: Folder of the runs for this session; by default that of the settings.
            device: ``auto`` or the name of a device.
            theme: ``system``, ``light`` or ``dark`` for this session; by default that of the settings.
            settings: Where choices are kept; by default the user's own.
        """
        super().__init__()
        self.settings = settings if settings is not None else Settings()
        self.theme = Theme(_application(), theme or self.settings.theme)
        self.setWindowTitle("msd-gui")
        self.setWindowIcon(app_icon())
        self.setAcceptDrops(True)
        self.clock = ScreenClock(self)
        self.launch = EngineLaunch(
            data_dir=lambda: data_dir or self.settings.data_dir,
            runs_dir=lambda: runs_dir or self.settings.runs_dir,
            device=device if device != "auto" else self.settings.device,
        )
        self.commands = Actions(self)
        self._files = Runner(self.clock, self)
        self._files.told.connect(self._on_file_event)
        self._files.running_changed.connect(self._update_actions)
        self._closing = False
        self._build()
        self._connect()
        self._restore_session()
        self.clock.start()
        # Importing torch would hold up the first painting: it begins when that is done, or if nobody ever looks.
        self._warm = False
        QTimer.singleShot(UNSEEN_MS, self, self._warm_up)

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        on = {name: self.commands[name] for name in ("play", "step", "restart")}
        self.pages: dict[str, Page] = {
            "mixture": MixturePage(Experiment(load_preset("ncsn-toy"), self), self.launch, self.clock, on),
            "images": ImagesPage(Experiment(load_preset("digits-30s"), self), self.launch, self.clock),
        }
        self.stack = QStackedWidget()
        for page in self.pages.values():
            self.stack.addWidget(page)
        self.messages = MessageBar()
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.messages)
        column.addWidget(self.stack, 1)
        self.setCentralWidget(middle)
        self.status = StatusBar()
        self.setStatusBar(self.status)
        for name, actions in self.commands.menus().items():
            self.menuBar().addMenu(name).addActions(actions)
        self._build_tool_bar()

    def _build_tool_bar(self) -> None:
        bar = QToolBar("Main")
        bar.setObjectName("main-tool-bar")
        bar.setMovable(False)
        bar.setIconSize(QSize(18, 18))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        group = QActionGroup(self)
        for name in self.pages:
            group.addAction(self.commands[f"page_{name}"])
            bar.addAction(self.commands[f"page_{name}"])
        bar.addSeparator()
        self.preset = QComboBox()
        self.preset.setObjectName("preset")
        self.preset.setAccessibleName("Preset")
        self.preset.setPlaceholderText("Own settings")
        self.preset.setToolTip("Load a whole experiment: data, network, training and sampling.")
        self.preset.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        bar.addWidget(self.preset)
        bar.addSeparator()
        for name in ("train", "resume", "sample", "stop"):
            bar.addAction(self.commands[name])
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(gap)
        for name in ("undo", "redo"):
            bar.addAction(self.commands[name])
            button = bar.widgetForAction(self.commands[name])
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        bar.addSeparator()
        bar.addAction(self.commands["export"])
        self.addToolBar(bar)
        self._tool_bar = bar

    def _connect(self) -> None:
        on = self.commands
        for name in PAGE_ACTIONS:
            on[name].triggered.connect(partial(self._act, name))
        for name in self.pages:
            on[f"page_{name}"].triggered.connect(partial(self.show_page, name))
        on["undo"].triggered.connect(lambda: self.page.experiment.undo())
        on["redo"].triggered.connect(lambda: self.page.experiment.redo())
        on["reset"].triggered.connect(lambda: self.page.experiment.reset())
        on["open"].triggered.connect(self._open)
        on["open_run"].triggered.connect(self._open_run)
        on["save_spec"].triggered.connect(self._save_spec)
        on["export"].triggered.connect(self._export)
        on["copy_command"].triggered.connect(self._copy_command)
        for name in DATA_SETS:
            on[f"download_{name}"].triggered.connect(partial(self._download, name))
        on["settings"].triggered.connect(self._edit_settings)
        on["quit"].triggered.connect(self.close)
        on["full_screen"].triggered.connect(lambda full: self.showFullScreen() if full else self.showNormal())
        on["help"].triggered.connect(lambda: dialogs.show_help(self))
        on["about"].triggered.connect(lambda: dialogs.show_about(self))
        self.preset.activated.connect(self._load_preset)
        for page in self.pages.values():
            page.failed.connect(self.show_error)
            page.noticed.connect(self.status.notice)
            page.status_changed.connect(self._update_status)
            page.actions_changed.connect(self._update_actions)
            page.experiment.changed.connect(self._update_actions)
            page.menu_asked.connect(self._show_export_menu)

    # -- pages ---------------------------------------------------------------------------------------------------------

    @property
    def page(self) -> Page:
        """The page on the screen."""
        page = self.stack.currentWidget()
        assert isinstance(page, Page)
        return page

    def show_page(self, name: str) -> None:
        """Bring a page to the front, by its name."""
        page = self.pages[name]
        self.stack.setCurrentWidget(page)
        for other in self.pages.values():
            other.set_watched(other is page)
        self.commands[f"page_{name}"].setChecked(True)
        self.preset.clear()
        for preset in page.presets:
            self.preset.addItem(load_preset(preset).title, preset)
        self.preset.setCurrentIndex(self.preset.findData(self.page.experiment.preset))
        self._update_actions()
        self._update_status()

    def _act(self, name: str) -> None:
        if name == "stop":
            self._files.stop()
        self.page.act(name)
        self._update_actions()

    @Slot()
    def _update_actions(self) -> None:
        page = self.page
        for name in PAGE_ACTIONS:
            self.commands[name].setEnabled(page.can(name) or (name == "stop" and self._files.running))
        self.commands["play"].setChecked(page.playing)
        self.commands["undo"].setEnabled(page.experiment.can_undo)
        self.commands["redo"].setEnabled(page.experiment.can_redo)
        self.commands["export"].setEnabled(bool(page.exports()))
        self.preset.setCurrentIndex(self.preset.findData(page.experiment.preset))

    @Slot()
    def _update_status(self) -> None:
        self.status.show_status(self.page.status)

    def _load_preset(self, index: int) -> None:
        self.page.load(load_preset(self.preset.itemData(index)))

    # -- the engine ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Get the engine ready behind the first picture of the window."""
        super().paintEvent(event)
        if not self._warm:
            QTimer.singleShot(0, self, self._warm_up)

    def _warm_up(self) -> None:
        if self._warm or self._closing:
            return
        self._warm = True
        self.status.set_device("starting the engine …")
        self._files.enqueue(self.launch.warm_up())

    @Slot(object)
    def _on_file_event(self, event: Event) -> None:
        match event:
            case Started(job="warm-up"):
                self.status.set_device(event.device)
                for page in self.pages.values():
                    page.begin()
            case Restored():
                self._show_restored(ExperimentSpec.from_json(event.spec_json), event.run)
            case Progress():
                fraction = event.step / event.total if event.total else None
                self.status.show_status(Status(event.text, "", fraction, event.left_s))
            case Finished(path=path) if path:
                self.status.notice(event.text)
                self._update_status()
            case Failed():
                self.show_error(event.text, event.details)
            case _:
                pass

    def _show_restored(self, spec: ExperimentSpec, run: str) -> None:
        name = "mixture" if spec.data.kind == "mixture" else "images"
        self.show_page(name)
        self.page.load(spec, Path(run) if run else None)
        self.status.notice("The settings were restored." if not run else f"The run {Path(run).name} was opened.")

    # -- files ---------------------------------------------------------------------------------------------------------

    def open_path(self, path: Path) -> None:
        """Restore what a picture, a preset, a sample file or a run folder says."""
        self._files.enqueue(self.launch.restore(path))

    def _download(self, name: str) -> None:
        self.status.notice(f"Downloading {name} …")
        self._files.enqueue(self.launch.download(name))

    def _open(self) -> None:
        kinds = "Experiments (*.png *.gif *.webp *.json *.npz);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self, "Open", str(self.settings.last_folder), kinds)
        if path:
            self.open_path(Path(path))

    def _open_run(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open run folder", str(self.launch.runs_dir()))
        if path:
            self.open_path(Path(path))

    def _save_spec(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save settings", "experiment.json", "JSON (*.json)")
        if path:
            text = self.page.experiment.spec.to_json(indent=2)
            self._files.enqueue(self.launch.save("text", Path(path), text=text))

    def _export(self) -> None:
        button = self._tool_bar.widgetForAction(self.commands["export"])
        self._export_menu().popup(button.mapToGlobal(button.rect().bottomLeft()))

    @Slot()
    def _show_export_menu(self) -> None:
        self._export_menu().popup(QCursor.pos())

    def _export_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for export in self.page.exports():
            menu.addAction(f"{export.label}  ({export.suffix[1:].upper()}) …", partial(self._export_one, export))
        menu.addSeparator()
        menu.addAction(self.commands["copy_command"])
        return menu

    def _export_one(self, export: Export) -> None:
        proposal = self.settings.last_folder / f"{export.name}{export.suffix}"
        path, _ = QFileDialog.getSaveFileName(self, f"Export: {export.label}", str(proposal), f"*{export.suffix}")
        if path:
            target = Path(path)
            if target.suffix.lower() != export.suffix:
                target = target.with_name(target.name + export.suffix)
            self.settings.last_folder = target.parent
            self.run_export(export, target)

    def run_export(self, export: Export, path: Path) -> None:
        """Write one of the things that the page offers."""
        self._files.enqueue(export.make(path))

    def _copy_command(self) -> None:
        line = self.page.command()
        QGuiApplication.clipboard().setText(line)
        self.status.notice(f"Copied: {line}")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept local files and folders."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Restore what the dropped file or folder says."""
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.open_path(Path(url.toLocalFile()))
                event.acceptProposedAction()
                return

    # -- messages and the end ------------------------------------------------------------------------------------------

    @Slot(str, str)
    def show_error(self, text: str, details: str) -> None:
        """Show an error in the window, with details to copy."""
        self.messages.error(text, details)

    def _edit_settings(self) -> None:
        if dialogs.edit_settings(self, self.settings):
            self.theme.set_choice(self.settings.theme)
            self.launch.device = self.settings.device

    def _restore_session(self) -> None:
        self.resize(1280, 800)
        if self.settings.geometry:
            self.restoreGeometry(self.settings.geometry)
        for name, page in self.pages.items():
            spec = self.settings.last_spec(name)
            if spec is not None:
                page.load(spec)
        self.pages["mixture"].set_speed(self.settings.speed_hz)
        self.show_page(self.settings.page if self.settings.page in self.pages else "mixture")

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the session, close all jobs (training is saved) and end the threads."""
        if not self._closing:
            self._closing = True
            self.settings.page = next(name for name, page in self.pages.items() if page is self.page)
            self.settings.speed_hz = self.pages["mixture"].speed()
            self.settings.geometry = bytes(self.saveGeometry().data())
            for name, page in self.pages.items():
                self.settings.set_last_spec(name, page.experiment.spec)
                page.close_jobs()
            self._files.close()
            self.clock.stop()
            self.settings.sync()
        super().closeEvent(event)


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application

"""The main window: tool bar, menus, status bar, messages, and the pages, each built on first access."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QPoint, QSize, QUrl, Slot
from PySide6.QtGui import QCloseEvent, QCursor, QDragEnterEvent, QDropEvent, QPaintEvent, QStatusTipEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from msd_engine.specs import ExperimentSpec
from msd_gui.app import bars
from msd_gui.app.actions import DATA_SETS, Actions
from msd_gui.app.bars import MainBar, RecentMenu
from msd_gui.app.dialogs import Dialogs
from msd_gui.app.files import Files
from msd_gui.app.idle import IdleWork
from msd_gui.app.messages import MessageBar
from msd_gui.app.pages import Pages
from msd_gui.app.routing import Routing
from msd_gui.app.status import StatusBar
from msd_gui.app.tour.guide import Guide
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import ExperimentPage, Page
from msd_gui.pages.base.row import Surroundings
from msd_gui.session.addresses import left_out, local_paths
from msd_gui.session.networks import NetworkStore
from msd_gui.session.settings import Settings
from msd_gui.theme import Theme, ThemeChoice, app_icon

FIRST_PAGE = "mixture"
SIZE = QSize(1280, 800)
# Frame of the window manager, mostly the title bar.
FRAME = QSize(8, 40)


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
        """Build the hidden window with the page in front.

        Args:
            data_dir: Data folder for this session; by default that of the settings.
            runs_dir: Folder of the runs for this session; by default that of the settings.
            device: ``auto`` or the name of a device.
            theme: ``system``, ``light`` or ``dark`` for this session; by default that of the settings.
            settings: The stored choices; by default the user's own.
        """
        super().__init__()
        self.settings = settings if settings is not None else Settings()
        self.theme = Theme(_application(), theme or self.settings.theme)
        self.theme.setParent(self)
        self.setWindowIcon(app_icon())
        self.setAcceptDrops(True)
        self.clock = ScreenClock(self)
        self.engine = Engine(
            data_dir=lambda: data_dir or self.settings.data_dir,
            runs_dir=lambda: runs_dir or self.settings.runs_dir,
            device=device if device != "auto" else self.settings.device,
            threads=self.settings.threads,
            inception=lambda: self.settings.inception,
        )
        self.commands = Actions(self)
        self.files = Files(self, self.engine, self.clock, self.settings)
        self.pages = Pages(
            Surroundings(self.engine, self.clock, self.commands.by_name, NetworkStore(self)), self._adopt
        )
        self.routing = Routing(self.commands, self.files, lambda: self.page, self)
        self.dialogs = Dialogs(self, self.settings, self.theme, self.engine, lambda: self.pages.name_of(self.page))
        self._device = ""
        self._closing = False
        self._build()
        self.tour = Guide(self, self.commands, self.pages, self.clock, self.settings, self.messages)
        self._connect()
        self.resize(first_size(self.screen().availableGeometry().size()))
        if self.settings.geometry:
            self.restoreGeometry(self.settings.geometry)
        self.show_page(self.settings.page if self.settings.page in self.pages else FIRST_PAGE)
        self.clock.start()
        self.idle = IdleWork(self, self._warm_up, self.pages.build_next, lambda: self.page.running)

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.stack = QStackedWidget()
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
        self.recent = RecentMenu(self.settings, self)
        bars.fill(self.menuBar(), self.commands, self.recent)
        self.bar = MainBar(self.commands)
        self.addToolBar(self.bar)

    def _connect(self) -> None:
        on, files = self.commands, self.files
        for name in self.pages:
            on[f"page_{name}"].triggered.connect(partial(self.show_page, name))
        on["open"].triggered.connect(files.choose_file)
        on["paste"].triggered.connect(lambda: files.open_text(QApplication.clipboard().text()))
        on["open_run"].triggered.connect(files.choose_run)
        self.recent.chosen.connect(files.open_path)
        on["export"].triggered.connect(lambda: self._show_exports(self.bar.below("export")))
        for name in DATA_SETS:
            on[f"download_{name}"].triggered.connect(partial(files.download, name))
        on["quit"].triggered.connect(self.close)
        on["full_screen"].triggered.connect(lambda full: self.showFullScreen() if full else self.showNormal())
        self.dialogs.connect_to(on)
        self.bar.preset_chosen.connect(self.routing.load_preset)
        self.routing.noticed.connect(self.status.notice)
        files.engine_ready.connect(self._on_engine_ready)
        files.restored.connect(self.show_experiment)
        files.content_restored.connect(lambda event: self.page.show_restored(event))
        files.sweep_found.connect(self.show_sweep)
        files.noticed.connect(self.status.notice)
        files.written.connect(self._on_written)
        files.progressed.connect(self.status.show_status)
        files.failed.connect(self.show_error)
        files.recovered.connect(self.messages.forget)
        self.status.page_requested.connect(self.show_page)
        files.running_changed.connect(self._update_actions)

    # -- pages ---------------------------------------------------------------------------------------------------------

    @property
    def page(self) -> Page:
        """The page in front."""
        page = self.stack.currentWidget()
        assert isinstance(page, Page)
        return page

    def show_page(self, name: str) -> None:
        """Bring a page to the front, by its name."""
        page = self.pages[name]
        self.stack.setCurrentWidget(page)
        for other in self.pages.built().values():
            other.set_watched(other is page)
        self.commands[f"page_{name}"].setChecked(True)
        self.setWindowTitle(f"{self.commands[f'page_{name}'].text()} – msd-gui")
        self.bar.set_presets(page.presets if isinstance(page, ExperimentPage) else None)
        self._update_actions()
        self._update_status()

    def _adopt(self, name: str, page: Page) -> None:
        """Add a new page and restore its state of the last session."""
        page.failed.connect(self.show_error)
        page.data_missed.connect(self._offer_download)
        page.recovered.connect(self.messages.forget)
        page.noticed.connect(self.status.notice)
        page.status_changed.connect(self._update_status)
        page.actions_changed.connect(self._update_actions)
        page.menu_requested.connect(self._show_export_menu)
        page.run_requested.connect(self.files.open_path)
        page.spec_requested.connect(lambda spec, then: self.show_experiment(spec, None, then))
        page.restore(name, self.settings)
        if isinstance(page, ExperimentPage):
            page.experiment.changed.connect(self._update_actions)
        page.set_watched(False)
        self.stack.addWidget(page)
        if self.engine.ready:
            page.begin()

    def show_experiment(self, spec: ExperimentSpec, run: Path | None = None, then: str = "") -> None:
        """Show an experiment on the page in front if it accepts it, else on the page for its data.

        Args:
            spec: The experiment.
            run: Its run folder, whose network can sample at once.
            then: Action to run afterwards, or name of the page to show; empty for neither.
        """
        if then in self.pages:
            self.show_page(then)
            then = ""
        elif then or not self.page.accepts(spec):
            self.show_page("mixture" if spec.data.kind == "mixture" else "images")
        page = self.page
        assert isinstance(page, ExperimentPage)
        page.load(spec, run)
        self.status.notice("The settings were restored." if run is None else f"The run {run.name} was opened.")
        if then:
            why = page.why_not(then)
            page.act(then)
            if why:
                self.status.notice(why)

    @Slot(object, str)
    def show_sweep(self, folder: Path, then: str = "") -> None:
        """Show a comparison on its page.

        Args:
            folder: Its folder.
            then: Action to run after opening; empty for none.
        """
        from msd_gui.pages.compare.page import ComparePage

        self.show_page("compare")
        page = self.page
        assert isinstance(page, ComparePage)
        page.open_sweep(folder, then)

    @Slot()
    def _update_actions(self) -> None:
        if self.stack.count():
            self.routing.update()
            if isinstance(self.page, ExperimentPage):
                self.bar.set_preset(self.page.experiment.preset)

    @Slot()
    def _on_written(self) -> None:
        self._update_status()
        self.page.files_changed()

    @Slot()
    def _update_status(self) -> None:
        if self.stack.count():
            self.status.show_status(self.page.status)
            if self._device:
                self.status.set_device(self.page.device or self._device)
            busy = {name: page.status.brief for name, page in self.pages.built().items() if page.status.brief}
            self.bar.mark(busy)
            elsewhere = {name: words for name, words in busy.items() if self.pages[name] is not self.page}
            titles = {name: self.commands[f"page_{name}"].text() for name in elsewhere}
            self.status.show_elsewhere({name: f"{titles[name]}: {words}" for name, words in elsewhere.items()})

    # -- the engine ----------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Show the tip of an action in the status bar."""
        if isinstance(event, QStatusTipEvent):
            self.status.show_tip(event.tip())
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Start the engine after the first paint event."""
        super().paintEvent(event)
        self.idle.painted()

    def _warm_up(self) -> None:
        # Reported while the window can show it.
        if trouble := self.settings.sync():
            self.show_error(trouble, "")
        self.status.set_device("starting the engine …")
        self.files.warm_up()

    @Slot(str)
    def _on_engine_ready(self, device: str) -> None:
        self.engine.ready = True
        self._device = device
        self._update_status()
        for page in self.pages.built().values():
            page.begin()
        self.idle.build_pages()

    # -- files ---------------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept local files and folders."""
        if _dragged(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Restore the content of the dropped file or folder, the first of several."""
        paths = _dragged(event.mimeData())
        if paths:
            self.files.open_path(paths[0])
            event.acceptProposedAction()
            if said := left_out(paths):
                self.show_error(said, "")

    def _show_exports(self, at: QPoint) -> None:
        self.files.show_exports(self.page.exports(), [self.commands["copy_command"]], at)

    @Slot()
    def _show_export_menu(self) -> None:
        self._show_exports(QCursor.pos())

    # -- messages and the end ------------------------------------------------------------------------------------------

    @Slot(str, str)
    def show_error(self, text: str, details: str) -> None:
        """Show an error in the window, with details to copy."""
        self.messages.error(text, details)

    @Slot(str, str)
    def _offer_download(self, text: str, name: str) -> None:
        """Report a missing image set with a button that downloads it."""
        download = self.commands[f"download_{name}"]
        self.messages.offer(text, download.text(), download.trigger)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save the session, close all jobs (training is saved) and end the threads."""
        if not self._closing:
            self._closing = True
            self.idle.close()
            self.settings.geometry = bytes(self.saveGeometry().data())
            self.settings.page = self.pages.name_of(self.page)
            for name, page in self.pages.built().items():
                page.keep(name, self.settings)
                page.close_jobs()
            self.files.close()
            self.clock.stop()
            if trouble := self.settings.sync():
                sys.stderr.write(f"msd-gui: {trouble}\n")
            # Slots made of lambdas and partials reference the pages, invisible to Python's collector: pages and
            # their thousands of widgets are freed only with the window itself.
            self.deleteLater()
        super().closeEvent(event)


def first_size(screen: QSize) -> QSize:
    """Return the initial size of the window; with its frame it fits the available screen."""
    return SIZE.boundedTo(screen - FRAME)


def _dragged(data: QMimeData) -> list[Path]:
    return local_paths(address.toString(QUrl.ComponentFormattingOption.FullyEncoded) for address in data.urls())


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application

"""What all pages have in common: runners and answers to the window's actions; some of them show one experiment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from msd_engine.events import Event, Failed, Notice, Progress, Started
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine, Job
from msd_gui.bridge.runner import Runner
from msd_gui.session.experiment import Experiment
from msd_gui.session.settings import Settings

GRACE_MS = 400
"""A job that is younger than this may finish, so that a dragged slider shows whole runs."""

COMPUTING = ("train", "sample", "denoise", "evaluate", "sweep", "reproduce")
"""Jobs that are long enough for their device to matter."""


@dataclass(frozen=True)
class Export:
    """One thing that a page can write.

    Attributes:
        label: What it is, for the menu.
        suffix: File suffix with the dot.
        name: Name of the file without the suffix.
        make: Returns the job that writes the file at a path; called on the screen's thread.
    """

    label: str
    suffix: str
    name: str
    make: Callable[[Path], Job]


@dataclass(frozen=True)
class Status:
    """What the status bar shows of a page.

    Attributes:
        text: What goes on.
        rate: Rates in words, empty where nothing runs.
        fraction: Part of the work that is done, in [0, 1]; None where unknown or idle.
        left_s: Seconds left, NaN where unknown.
    """

    text: str = ""
    rate: str = ""
    fraction: float | None = None
    left_s: float = float("nan")

    @classmethod
    def of(cls, event: Progress, words: str = "") -> Self:
        """Return what is shown of a job on its way.

        Args:
            event: How far it has come.
            words: What takes steps, whose number and rate are shown; without, the event's own words stand alone.
        """
        fraction = event.step / event.total if event.total else None
        if not words:
            return cls(event.text, "", fraction, event.left_s)
        steps = f"{words}, step {event.step} of {event.total}"
        return cls(steps, f"{event.rate:.1f} steps/s", fraction, event.left_s)


class Page(QWidget):
    """A controller: it sees specs and events only.

    Attributes:
        failed: Emitted with a sentence and details where a job went wrong.
        data_missed: Emitted with a sentence and the name of an image set that is not there, but can be fetched.
        noticed: Emitted with a sentence worth reading.
        menu_requested: Emitted when a view was clicked with the right button.
        status_changed: Emitted when `status` or `device` should be read again.
        device: Where the last job that computes does so, in words; empty before the first.
        actions_changed: Emitted when the answers of `can` or `playing` have changed.
        run_requested: Emitted with a run folder for another page to open, and what to do then: an action, the name of
            the page that shows it, or nothing.
        spec_requested: Emitted with an `ExperimentSpec` that another page is to show.
    """

    failed = Signal(str, str)
    data_missed = Signal(str, str)
    noticed = Signal(str)
    menu_requested = Signal()
    status_changed = Signal()
    actions_changed = Signal()
    run_requested = Signal(object, str)
    spec_requested = Signal(object)

    title = ""

    def __init__(self, engine: Engine, clock: ScreenClock) -> None:
        super().__init__()
        self.engine = engine
        self.clock = clock
        self._runners: list[Runner] = []
        self.status = Status()
        self.device = ""

    def runner(
        self,
        show: Callable[[Event], None] | None = None,
        words: str | None = None,
        *,
        apart: tuple[type[Event], ...] = (),
    ) -> Runner:
        """Make a runner whose events go to `show`, and whose failures and notices then go to the window.

        Args:
            show: A method of this page, or of a part of it; it matches the events that it shows. None for nothing.
            words: What takes steps, for the status bar while the job runs: empty for the words of the job itself, None
                where `show` deals with `Progress`.
            apart: `Failed` or `Notice` where `show` alone deals with them.
        """
        runner = Runner(self.clock, self)
        runner.event_ready.connect(self._note_device)
        if show is not None:
            runner.event_ready.connect(show)
        if Failed not in apart:
            runner.event_ready.connect(self._show_failure)
        if Notice not in apart:
            runner.event_ready.connect(self._show_notice)
        if words is not None:
            runner.event_ready.connect(partial(self._show_progress, words))
            runner.running_changed.connect(self._end_progress)
        runner.running_changed.connect(self.actions_changed)
        self._runners.append(runner)
        return runner

    @property
    def running(self) -> bool:
        """Whether any job of this page runs."""
        return any(runner.running for runner in self._runners)

    @Slot(object)
    def _show_failure(self, event: Event) -> None:
        if isinstance(event, Failed) and event.missing:
            self.data_missed.emit(event.text, event.missing)
        elif isinstance(event, Failed):
            self.failed.emit(event.text, event.details)

    @Slot(object)
    def _show_notice(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.noticed.emit(event.text)

    def _show_progress(self, words: str, event: Event) -> None:
        if isinstance(event, Progress):
            self.set_status(Status.of(event, words))

    @Slot(bool)
    def _end_progress(self, running: bool) -> None:
        if not running:
            self.set_status(Status())

    def add_export_menu(self, *views: QWidget) -> None:
        """Let a right click on these views open the menu of exports."""
        for view in views:
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(self.menu_requested)

    def set_status(self, status: Status) -> None:
        """Set what the status bar shows."""
        self.status = status
        self.status_changed.emit()

    @Slot(object)
    def _note_device(self, event: Event) -> None:
        if isinstance(event, Started) and event.job in COMPUTING and event.device != self.device:
            self.device = event.device
            self.status_changed.emit()

    def set_watched(self, watched: bool) -> None:
        """Say whether the page is on the screen: hidden pages get no frames."""
        for runner in self._runners:
            runner.set_watched(watched)

    def close_jobs(self) -> None:
        """Close all jobs, save what they saved, and end the threads."""
        for runner in self._runners:
            runner.close()

    def begin(self) -> None:
        """Called once the engine is there: show something without being asked."""

    def files_changed(self) -> None:
        """Called in front when a file was written or data were fetched: what was missing may be there now."""

    def can(self, _action: str) -> bool:
        """Return whether an action makes sense now."""
        return False

    @property
    def playing(self) -> bool:
        """Whether chains are being played."""
        return False

    def act(self, action: str) -> None:
        """Carry out one of the actions train, resume, sample, denoise, stop, play, step, back, restart, home."""
        method = getattr(self, f"do_{action}", None)
        if method is not None and self.can(action):
            method()

    def takes(self, _spec: ExperimentSpec) -> bool:
        """Return whether the page, when it is in front, shows such an experiment itself where one is opened."""
        return False

    def restore(self, name: str, settings: Settings) -> None:
        """Take up what was kept when the program was left; called once, when the page was built.

        Args:
            name: Name of the page in the settings.
            settings: Where it is kept.
        """

    def keep(self, name: str, settings: Settings) -> None:
        """Keep what the next launch takes up again.

        Args:
            name: Name of the page in the settings.
            settings: Where to keep it.
        """

    def exports(self) -> list[Export]:
        """Return what can be written now."""
        return []


class ExperimentPage(Page):
    """A page that shows one experiment and lets it be changed, with undo."""

    presets: tuple[str, ...] = ()

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock) -> None:
        super().__init__(engine, clock)
        self.experiment = experiment
        experiment.setParent(self)

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment, from a preset, a file or a run folder."""
        raise TypeError(f"{type(self).__name__} must say how it loads {spec.title!r} and {run}.")

    def command(self) -> str:
        """Return the `msd` line that makes what is shown."""
        return ""

    def restore(self, name: str, settings: Settings) -> None:
        """Load the spec that the page had."""
        spec = settings.last_spec(name)
        if spec is not None:
            self.load(spec)

    def keep(self, name: str, settings: Settings) -> None:
        """Keep the spec."""
        settings.set_last_spec(name, self.experiment.spec)

"""Base classes of pages: runners and actions, and the experiment of pages with one."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from msd_engine.events import Event, Failed, Finished, Notice, Progress, RestoredImages, RestoredPoints, Started
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine, Job
from msd_gui.bridge.runner import Runner
from msd_gui.session.experiment import Experiment
from msd_gui.session.settings import Settings

GRACE_MS = 400
"""A younger job may finish before the next one, so that a dragged slider shows whole runs."""

COMPUTING = ("train", "sample", "denoise", "evaluate", "scores", "sweep", "reproduce", "noises")
"""Jobs whose device the status bar names."""


@dataclass(frozen=True)
class Export:
    """One kind of file that a page can write.

    Attributes:
        label: Title in the menu.
        suffix: File suffix with the dot.
        name: File name without the suffix.
        make: Creates the job that writes the file; called on the GUI thread.
    """

    label: str
    suffix: str
    name: str
    make: Callable[[Path], Job]

    def formats(self) -> tuple[str, ...]:
        """Return the suffixes to choose from."""
        return (self.suffix,)


@dataclass(frozen=True)
class Status:
    """Content of the status bar for a page.

    Attributes:
        text: Present activity.
        rate: Rates as text; empty without a job.
        fraction: Progress in [0, 1]; None if unknown or idle.
        left_s: Seconds left; NaN if unknown.
    """

    text: str = ""
    rate: str = ""
    fraction: float | None = None
    left_s: float = float("nan")

    @property
    def brief(self) -> str:
        """The activity with its share done in a few words; empty without a running job."""
        if self.fraction is None:
            return ""
        return f"{self.text.partition(',')[0]} {100 * self.fraction:.0f} %"

    @classmethod
    def of(cls, event: Progress, words: str = "") -> Self:
        """Describe the progress of a job; with `words`, the name of the activity, add its step and rate."""
        fraction = event.step / event.total if event.total else None
        if not words:
            return cls(event.text, "", fraction, event.left_s)
        steps = f"{words}, step {event.step} of {event.total}"
        return cls(steps, f"{event.rate:.1f} steps/s", fraction, event.left_s)


class Page(QWidget):
    """A controller; it knows only specs and events.

    Attributes:
        failed: Emitted with a sentence and details after a failure of a job.
        recovered: Emitted with the sentence of a failure after a later job of the same kind has succeeded or failed.
        data_missed: Emitted with a sentence and the name of a missing image set that can be downloaded.
        noticed: Emitted with a sentence for the message bar.
        menu_requested: Emitted after a right click on a view.
        status_changed: Emitted when `status` or `device` changed.
        device: Device of the last computing job as text; empty before the first.
        actions_changed: Emitted when the results of `can` or `playing` changed.
        run_requested: Emitted with a run folder for another page, and the next step: an action, the name of the page,
            or nothing.
        spec_requested: Emitted with an `ExperimentSpec` for another page, and the next step, as above.
    """

    failed = Signal(str, str)
    recovered = Signal(str)
    data_missed = Signal(str, str)
    noticed = Signal(str)
    menu_requested = Signal()
    status_changed = Signal()
    actions_changed = Signal()
    run_requested = Signal(object, str)
    spec_requested = Signal(object, str)

    title = ""

    def __init__(self, engine: Engine, clock: ScreenClock) -> None:
        super().__init__()
        self.engine = engine
        self.clock = clock
        self._runners: list[Runner] = []
        self._failures: dict[Runner, str] = {}
        self.status = Status()
        self.device = ""

    def runner(
        self,
        show: Callable[[Event], None] | None = None,
        words: str | None = None,
        *,
        apart: tuple[type[Event], ...] = (),
        patient: bool = False,
    ) -> Runner:
        """Create a runner that sends its events to `show`, and its failures and notices then to the window.

        Args:
            show: A method of this page or of one of its parts; None for no receiver.
            words: Name of the activity for the status bar: empty for the job's own text, None if `show` handles
                `Progress`.
            apart: `Failed` or `Notice` if only `show` handles them.
            patient: Whether its jobs leave the processor to all others.
        """
        runner = Runner(self.clock, self, patient=patient)
        runner.event_ready.connect(self._note_device)
        if show is not None:
            runner.event_ready.connect(show)
        if Failed not in apart:
            runner.event_ready.connect(partial(self._show_failure, runner))
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

    def _show_failure(self, runner: Runner, event: Event) -> None:
        if isinstance(event, Failed | Finished) and (before := self._failures.pop(runner, "")):
            self.recovered.emit(before)
        if isinstance(event, Failed):
            self._failures[runner] = event.text
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
        """Open the menu of exports on a right click on these views."""
        for view in views:
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(self.menu_requested)

    def set_status(self, status: Status) -> None:
        """Set the content of the status bar."""
        self.status = status
        self.status_changed.emit()

    @Slot(object)
    def _note_device(self, event: Event) -> None:
        if isinstance(event, Started) and event.job in COMPUTING and event.device != self.device:
            self.device = event.device
            self.status_changed.emit()

    def set_watched(self, watched: bool) -> None:
        """Set whether the page is visible; hidden pages receive no frames."""
        for runner in self._runners:
            runner.set_watched(watched)

    def close_jobs(self) -> None:
        """Close all jobs, keep their saved results, and end the threads."""
        for runner in self._runners:
            runner.close()

    def begin(self) -> None:
        """Show the first content; called once when the engine is ready."""

    def files_changed(self) -> None:
        """Retry with new files; called on the visible page after a download or an export."""

    def can(self, _action: str) -> bool:
        """Check whether an action is allowed now."""
        return False

    def why_not(self, _action: str) -> str:
        """Explain in one sentence why an action is not allowed; empty if it is allowed or the reason is unknown."""
        return ""

    @property
    def playing(self) -> bool:
        """Whether chains are playing."""
        return False

    def act(self, action: str) -> None:
        """Carry out one of the page's actions, such as train, sample, step or home."""
        method = getattr(self, f"do_{action}", None)
        if method is not None and self.can(action):
            method()

    def accepts(self, _spec: ExperimentSpec) -> bool:
        """Check whether the page, if visible, shows such an experiment when one is opened."""
        return False

    def show_restored(self, event: RestoredImages | RestoredPoints) -> None:
        """Show the content of an opened file, whose settings the page has loaded."""

    def restore(self, name: str, settings: Settings) -> None:
        """Restore the state of the last session under the page's name; called once after construction."""

    def keep(self, name: str, settings: Settings) -> None:
        """Save the state for the next session under the page's name."""

    def exports(self) -> list[Export]:
        """List the exports available now."""
        return []


class ExperimentPage(Page):
    """A page for one experiment, with undo."""

    presets: tuple[str, ...] = ()

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock) -> None:
        super().__init__(engine, clock)
        self.experiment = experiment
        experiment.setParent(self)
        self._writer = self.runner()

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment, from a preset, a file or a run folder."""
        raise TypeError(f"{type(self).__name__} must say how it loads {spec.title!r} and {run}.")

    def command(self) -> str:
        """Build the `msd` command that reproduces the page."""
        return ""

    def file_of(self, name: str, text: str) -> Path:
        """Write a text beside the runs, for a command that cannot hold it, and return the file."""
        file = self.engine.runs_dir() / f"{name}-{zlib.crc32(text.encode()):08x}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        self._writer.enqueue(self.engine.save("text", file, text=text))
        return file

    def restore(self, name: str, settings: Settings) -> None:
        """Load the spec of the last session."""
        spec = settings.last_spec(name)
        if spec is not None:
            self.load(spec)

    def keep(self, name: str, settings: Settings) -> None:
        """Save the spec."""
        settings.set_last_spec(name, self.experiment.spec)

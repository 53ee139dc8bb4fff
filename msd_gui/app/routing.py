"""Routes the window's actions to the page in front and enables those that apply there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication

from msd_engine.specs import load_preset
from msd_gui.app.actions import Actions
from msd_gui.app.files import Files
from msd_gui.pages.base.page import ExperimentPage, Page

PAGE_ACTIONS = (
    *("train", "resume", "sample", "denoise", "stop"),
    *("play", "step", "back", "level_on", "level_back", "restart", "home"),
)
EXPERIMENT_ACTIONS = ("undo", "redo", "reset", "save_spec", "copy_command")


class Routing(QObject):
    """Routes actions to the page in front.

    Attributes:
        noticed: Emitted with a sentence for the status bar.
    """

    noticed = Signal(str)

    def __init__(self, commands: Actions, files: Files, page: Callable[[], Page], parent: QObject) -> None:
        """Connect the actions.

        Args:
            commands: The window's actions.
            files: Receives requests to stop and to save.
            page: Returns the page in front.
            parent: Owner.
        """
        super().__init__(parent)
        self._commands = commands
        self._files = files
        self._page = page
        for name in PAGE_ACTIONS:
            commands[name].triggered.connect(partial(self._act, name))
        for name in EXPERIMENT_ACTIONS:
            commands[name].triggered.connect(partial(self._act_on_experiment, name))

    def _act(self, name: str) -> None:
        if name == "stop":
            self._files.stop()
        self._page().act(name)
        self.update()

    def _act_on_experiment(self, name: str) -> None:
        page = self._page()
        if not isinstance(page, ExperimentPage):
            return
        match name:
            case "undo":
                page.experiment.undo()
            case "redo":
                page.experiment.redo()
            case "reset":
                page.experiment.reset()
            case "save_spec":
                self._files.choose_save(page.experiment.spec)
            case _:
                line = page.command()
                QGuiApplication.clipboard().setText(line)
                self.noticed.emit(f"Copied: {line}")

    @Slot(str)
    def load_preset(self, name: str) -> None:
        """Load a preset on the page in front."""
        page = self._page()
        if isinstance(page, ExperimentPage):
            page.load(load_preset(name))

    def update(self) -> None:
        """Enable the actions that apply to the page in front."""
        page = self._page()
        for name in PAGE_ACTIONS:
            can = page.can(name) or (name == "stop" and self._files.can_stop)
            self._commands.set_enabled(name, can, "" if can else page.why_not(name))
        self._commands["play"].setChecked(page.playing)
        experiment = page.experiment if isinstance(page, ExperimentPage) else None
        allowed = dict.fromkeys(EXPERIMENT_ACTIONS, experiment is not None)
        if experiment is not None:
            allowed |= {"undo": experiment.can_undo, "redo": experiment.can_redo}
        for name, on in allowed.items():
            # Each only once: toggling a button triggers a layout of the tool bar.
            self._commands[name].setEnabled(on)

"""The current spec of a page, with its history."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.specs import ExperimentSpec, load_preset, preset_names
from msd_gui.session.history import History


@cache
def _presets_by_title() -> dict[tuple[str, str], str]:
    specs = {name: load_preset(name) for name in preset_names()}
    return {(spec.data.kind, spec.title): name for name, spec in specs.items()}


class Experiment(QObject):
    """The editable spec of a page, with undo and redo.

    Attributes:
        changed: Emitted with the new `ExperimentSpec` after every change.
    """

    changed = Signal(object)

    def __init__(self, spec: ExperimentSpec) -> None:
        """Start with a spec, the first target of `reset`."""
        super().__init__()
        self._history = History(spec)
        self._loaded = spec

    @property
    def spec(self) -> ExperimentSpec:
        """The current spec."""
        return self._history.value

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to redo."""
        return self._history.can_redo

    @property
    def preset(self) -> str:
        """Name of the preset of the spec, by its title; empty for none."""
        return _presets_by_title().get((self.spec.data.kind, self.spec.title), "")

    @property
    def reset_spec(self) -> ExperimentSpec:
        """The target of `reset` and double clicks: the preset, or else the last loaded spec."""
        return load_preset(self.preset) if self.preset else self._loaded

    def set(self, spec: ExperimentSpec, source: str = "") -> None:
        """Set a changed spec.

        Args:
            spec: The new spec; an equal one changes nothing.
            source: Origin of the change, such as a field's path: quick changes from one source are one undo step.
        """
        before = self.spec
        self._history.push(spec, source)
        self._emit_change(before)

    def load(self, spec: ExperimentSpec) -> None:
        """Load another experiment from a preset or a file; undo restores the previous one."""
        self._loaded = spec
        self.set(spec)

    @Slot()
    def reset(self) -> None:
        """Restore the preset, as one undo step."""
        self.set(self.reset_spec)

    @Slot()
    def begin_edit(self) -> None:
        """Begin a drag: all changes until `end_edit` are one undo step."""
        self._history.begin()

    @Slot()
    def end_edit(self) -> None:
        """End a drag."""
        self._history.end()

    @Slot()
    def undo(self) -> None:
        """Undo the last change."""
        before = self.spec
        self._history.undo()
        self._emit_change(before)

    @Slot()
    def redo(self) -> None:
        """Redo the last undone change."""
        before = self.spec
        self._history.redo()
        self._emit_change(before)

    def _emit_change(self, before: ExperimentSpec) -> None:
        if self.spec != before:
            self.changed.emit(self.spec)

"""Controls for some fields of a spec, made from their declarations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from msd_engine.specs import Declaration, ExperimentSpec, SpecError, declarations
from msd_gui.widgets.controls.choice import Choice
from msd_gui.widgets.controls.control import Control
from msd_gui.widgets.controls.seed_box import SeedBox
from msd_gui.widgets.controls.slider import NumberSlider
from msd_gui.widgets.controls.toggle import Toggle
from msd_gui.widgets.panels.section import Section
from msd_gui.widgets.panels.titles import titled

Group = tuple[str, Sequence[str]]
Rule = Callable[[ExperimentSpec, Any], dict[str, Any]]


def make_control(declaration: Declaration) -> Control:
    """Return a control for a declared field.

    Returns:
        A list for words, a check box for booleans, a slider for numbers with a slider range, else a seed box.

    Raises:
        ValueError: No control fits the field.
    """
    if declaration.choices:
        return Choice(declaration)
    if declaration.type is bool:
        return Toggle(declaration)
    if declaration.slider is not None:
        return NumberSlider(declaration)
    if declaration.type is int:
        return SeedBox(declaration)
    raise ValueError(f"There is no control for {declaration.path}.")


class SpecForm(QWidget):
    """A column of controls that edits some fields of a spec and keeps the others.

    It hides fields that another field excludes, such as the friction of another sampler.

    While the spec refuses the values of the controls, a sentence appears under the invalid control and `value` stays
    the last valid spec.

    Attributes:
        edited: Emitted with the new spec and the path of the field that the user changed.
        editing_started: Emitted with the path when a drag begins.
        editing_finished: Emitted with the path when a drag ends.
    """

    edited = Signal(object, str)
    editing_started = Signal(str)
    editing_finished = Signal(str)

    def __init__(self, groups: Iterable[Group], spec: ExperimentSpec) -> None:
        """Build the controls.

        Args:
            groups: Headings, which may be empty, with the dotted paths under them.
            spec: The first spec; it determines the fields.

        Raises:
            SpecError: A path is not a field of the spec.
        """
        super().__init__()
        self._spec = spec
        self._reset: ExperimentSpec | None = None
        self._controls: dict[str, Control] = {}
        self._messages: dict[str, QLabel] = {}
        self._rows: dict[str, QWidget] = {}
        self._sections: dict[str, Section] = {}
        self._pending: dict[str, Any] = {}
        self._refused: tuple[Mapping[str, str], Mapping[tuple[str, str], str]] = ({}, {})
        self._rules: dict[str, Rule] = {}
        declared = {declaration.path: declaration for declaration in declarations(spec, absent=True)}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for heading, paths in groups:
            section = Section(heading)
            self._sections[heading] = section
            column.addWidget(section)
            for path in paths:
                spec.get(path)
                section.add_row(self._make_row(declared[path]))
        column.addStretch(1)
        self._show()
        self.set_reset(spec)

    def value(self) -> ExperimentSpec:
        """Return the last valid spec."""
        return self._spec

    def setValue(self, spec: ExperimentSpec) -> None:
        """Show a spec without emitting `edited`.

        Raises:
            SpecError: Its kind of data or network differs from the first one.
        """
        if spec == self._spec:
            return
        kinds = (self._spec.data.kind, self._spec.network.kind)
        if (spec.data.kind, spec.network.kind) != kinds:
            raise SpecError("data.kind", f"These controls are for data and network of the kinds {' and '.join(kinds)}.")
        self._spec = spec
        self._pending.clear()
        self._show()

    def set_reset(self, spec: ExperimentSpec) -> None:
        """Set the values that double-clicks restore, from a spec with the same kinds of data and network."""
        if spec == self._reset:
            return
        self._reset = spec
        for path, control in self._controls.items():
            control.set_reset(spec.get(path))

    def control(self, path: str) -> Control:
        """Return the control of a field; raise KeyError if there is none."""
        return self._controls[path]

    def slider(self, path: str) -> NumberSlider:
        """Return the slider of a field; raise KeyError if there is none."""
        control = self._controls[path]
        if not isinstance(control, NumberSlider):
            raise KeyError(path)
        return control

    def section(self, heading: str) -> Section:
        """Return the group with a heading, to fold it or to add a row."""
        return self._sections[heading]

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all controls, from top to bottom."""
        return tuple(self._controls)

    def set_refused(self, fields: Mapping[str, str], choices: Mapping[tuple[str, str], str]) -> None:
        """Hide fields without effect and disable some choices, with the reason in their tooltips; show all others.

        Args:
            fields: One sentence by dotted path.
            choices: One sentence by dotted path and choice.
        """
        before, self._refused = self._refused, (fields, choices)
        if self._refused == before:
            return
        for path, control in self._controls.items():
            if fields.get(path) != before[0].get(path):
                control.set_enabled(path not in fields, fields.get(path, ""))
        for path, word in {*choices, *before[1]}:
            shown, why = self._controls.get(path), choices.get((path, word))
            if isinstance(shown, Choice) and why != before[1].get((path, word)):
                shown.set_item_enabled(word, why is None, why or "")
        self._show_rows()

    def set_rule(self, path: str, rule: Rule) -> None:
        """Change other fields together with one field.

        Args:
            path: Dotted path of the field that the user changes.
            rule: Maps the spec so far and the new value to the other new values, by path.
        """
        self._rules[path] = rule

    def add_below(self, path: str, widget: QWidget, focused: QWidget) -> None:
        """Put a widget below a control and next to it in the order of the Tab key.

        Args:
            path: Dotted path of the control.
            widget: The widget.
            focused: Its part that takes the keyboard focus.
        """
        control = self._controls[path]
        last = control.box if isinstance(control, NumberSlider) else control.focusProxy()
        row = control.parentWidget()
        layout = row.layout() if row is not None else None
        assert last is not None
        assert layout is not None
        layout.addWidget(widget)
        QWidget.setTabOrder(last, focused)

    def errors(self) -> dict[str, str]:
        """Return the visible sentences by the path of their control."""
        return {path: label.text() for path, label in self._messages.items() if label.text()}

    def _make_row(self, declaration: Declaration) -> QWidget:
        path = declaration.path
        row, control, message = QWidget(self), make_control(declaration), QLabel()
        message.setProperty("role", "error")
        message.setWordWrap(True)
        message.hide()
        column = QVBoxLayout(row)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(control)
        column.addWidget(message)
        self._controls[path], self._rows[path] = control, row
        self._messages[path] = message
        control.valueChanged.connect(partial(self._on_changed, path))
        control.editing_started.connect(partial(self.editing_started.emit, path))
        control.editing_finished.connect(partial(self.editing_finished.emit, path))
        control.rejected.connect(partial(self._say, path))
        return row

    def _on_changed(self, path: str, value: Any) -> None:
        """Apply the change with previously refused ones, else alone, else show why it is refused."""
        along = self._rules[path](self._spec, value) if path in self._rules else {}
        change = {path: value, **along}
        self._pending.pop(path, None)
        try:
            spec, taken = self._spec.replace_all({**self._pending, **change}), {*self._pending, *change}
        except SpecError:
            try:
                spec, taken = self._spec.replace_all(change), set(change)
            except SpecError as error:
                self._pending[path] = value
                self._say(path, str(error))
                return
        for name in taken:
            self._pending.pop(name, None)
            if name in self._messages:
                self._say(name, "")
        if spec == self._spec:
            return
        self._spec = spec
        for name in along:
            if name in self._controls:
                self._controls[name].setValue(spec.get(name))
        self._show_rows()
        self.edited.emit(spec, path)

    def _show(self) -> None:
        for path, control in self._controls.items():
            control.setValue(self._spec.get(path))
            self._say(path, "")
        self._show_rows()

    def _show_rows(self) -> None:
        """Show the rows of fields with an effect; hide those that other fields exclude or make idle."""
        parts = {path.rpartition(".")[0] for path in self._rows}
        absents = {part: self._spec.get(part).absent for part in parts}
        for path, row in self._rows.items():
            part, _, name = path.rpartition(".")
            absent = name in absents[part]
            if absent:
                self._pending.pop(path, None)
            row.setVisible(not absent and path not in self._refused[0])

    def _say(self, path: str, sentence: str) -> None:
        """Show a sentence under a control, with display titles instead of paths."""
        label = self._messages[path]
        label.setText(titled(sentence))
        label.setVisible(bool(sentence))

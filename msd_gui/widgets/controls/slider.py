"""A slider with a number box, made from the declaration of a field."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from msd_engine.specs import Declaration
from msd_gui.widgets.controls.control import Control
from msd_gui.widgets.controls.number_box import NumberBox
from msd_gui.widgets.controls.scale import SliderScale
from msd_gui.widgets.controls.track import Track


class NumberSlider(Control):
    """Title, symbol and unit; below them a slider and a number box.

    Numbers outside the slider's range, but inside the bounds of the field, may be typed: the slider then stands at its
    end. A double click on the title or the slider resets.
    """

    def __init__(self, declaration: Declaration) -> None:
        """Build the control.

        Args:
            declaration: Of a number with a slider range.
        """
        super().__init__(declaration)
        self._scale = SliderScale.of(declaration)
        self._value: float = declaration.default
        self.label = self.make_label()
        self._trailing = QLabel(self)
        self._trailing.setProperty("role", "trailing")
        self.track = Track(self)
        self.box = NumberBox(
            whole=declaration.type is int,
            low=declaration.low,
            high=declaration.high,
            step=self._scale.stepped,
            parent=self,
        )
        for part in (self.track, self.box):
            part.setAccessibleName(declaration.title)
        self._mark: tuple[float, str] | None = None
        self.setFocusProxy(self.track)
        self._arrange()
        self._connect()
        self.setValue(declaration.default)

    def value(self) -> Any:
        """Return the number, an int or a float as declared."""
        return self._value

    def setValue(self, value: Any) -> None:
        """Show a number without telling anyone."""
        self._value = int(value) if self.declaration.type is int else float(value)
        self.track.set_fraction(self._scale.fraction(self._value))
        self.box.setValue(self._value)

    def set_marker(self, value: float | None, label: str = "") -> None:
        """Mark a number on the slider beyond which it is dangerous.

        Args:
            value: The number; None, or one beyond the slider's right end, shows no mark.
            label: Short text at the mark, such as ``r = 2``.
        """
        shown = value is not None and value < self._scale.high
        self._mark = (value, label) if value is not None else None
        self.track.set_mark(self._scale.fraction(value) if shown and value is not None else None, label)

    def marker(self) -> tuple[float, str] | None:
        """Return number and text of the mark, None where there is none."""
        return self._mark

    def set_trailing(self, text: str, severity: str = "") -> None:
        """Show a text at the right of the title.

        Args:
            text: Such as ``r = ε/σ²  0.10``.
            severity: Empty, ``warning`` or ``error``: its colour.
        """
        self._trailing.setText(text)
        if self._trailing.property("severity") != severity:
            self._trailing.setProperty("severity", severity)
            # A style sheet looks at properties only when told to.
            self._trailing.style().polish(self._trailing)

    def trailing(self) -> str:
        """Return the text at the right of the title."""
        return self._trailing.text()

    def _arrange(self) -> None:
        top, bottom, column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        top.addWidget(self.label)
        top.addStretch(1)
        top.addWidget(self._trailing)
        bottom.setSpacing(6)
        bottom.addWidget(self.track, 1)
        # A mark on the track needs room above it: the box stays beside the groove.
        bottom.addWidget(self.box, 0, Qt.AlignmentFlag.AlignBottom)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addLayout(bottom)

    def _connect(self) -> None:
        self.track.moved.connect(self._on_moved)
        self.track.stepped.connect(self._on_stepped)
        self.track.drag_started.connect(self.editing_started)
        self.track.drag_finished.connect(self.editing_finished)
        self.track.double_clicked.connect(self.reset)
        self.box.typed.connect(self.change_value)
        self.box.refused.connect(self.reject_number)
        self.box.left.connect(self.track.setFocus)

    @Slot(float)
    def _on_moved(self, fraction: float) -> None:
        self.change_value(self._scale.value(fraction))

    @Slot(int, bool)
    def _on_stepped(self, count: int, page: bool) -> None:
        self.change_value(self._scale.stepped(self._value, count, page=page))

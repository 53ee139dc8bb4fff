"""Editing of the data of the mixture page: modes pulled in the plane, and points drawn in it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from msd_engine.specs import ExperimentSpec, MixtureSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.pages.base import layout
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.mixture.beside import Beside
from msd_gui.pages.mixture.density import FieldPainter
from msd_gui.pages.mixture.play.player import Player
from msd_gui.session.rules import data_rule
from msd_gui.theme.tips import wrapped
from msd_gui.views.plane.editing.shape import Array, Shape
from msd_gui.views.plane.editing.view import EditablePlane

MOST_DRAWN = 3000
# Decimals of places in data units, as in files.
_DECIMALS = 4
_MODES = (
    "Drag the dot of a mode to move it, a dot on its ellipse to widen and turn it, and turn the wheel over it for its "
    "weight. A double click adds a mode, Delete takes the chosen one away. Density, arrows and chains follow."
)
_POINTS = "Press and drag in the plane to draw points, which become the data: the first stroke begins a new set."


class Editing(QObject):
    """The tools for the data in the plane.

    Attributes:
        modes: Turns the handles of the mixture on.
        points: Turns the pen on.
        bar: What can be done with the chosen mode.
    """

    def __init__(
        self,
        page: ResolvedPage,
        clock: ScreenClock,
        player: Player,
        fields: FieldPainter,
        beside: Beside,
        plane: EditablePlane,
    ) -> None:
        """Edit nothing until a tool is taken.

        Args:
            page: Its experiment has the data.
            clock: The screen's clock: drawn points become data once per tick.
            player: Its chains know the mixture in numbers.
            fields: Frames the data, but not those under a hand.
            beside: Is quiet during a drag.
            plane: Has the handles and the pen.
        """
        super().__init__(page)
        self._page, self._player, self._fields, self._beside, self._plane = page, player, fields, beside, plane
        self._waiting: list[tuple[float, float]] = []
        self._own: MixtureSpec | None = None
        self.modes = _tool("Edit modes", "mixture.edit_modes", _MODES)
        self.points = _tool("Draw points", "mixture.draw_points", _POINTS)
        self.bar = QWidget()
        buttons = []
        for text, change in (
            ("Add mode", lambda: plane.add_mode()),
            ("Split mode", plane.split_mode),
            ("Delete mode", plane.delete_mode),
        ):
            button = QPushButton(text)
            button.setObjectName(f"mixture.{text.lower().replace(' ', '_')}")
            button.clicked.connect(change)
            buttons.append(button)
        layout.fill_row(self.bar, *buttons)
        self.bar.hide()
        self.modes.toggled.connect(lambda on: self._take(self.modes, self.points, on))
        self.points.toggled.connect(lambda on: self._take(self.points, self.modes, on))
        plane.began.connect(self._begin)
        plane.ended.connect(self._end)
        plane.shaped.connect(self._on_shaped)
        plane.drawn.connect(self._on_drawn)
        clock.tick.connect(self._on_tick)
        page.experiment.changed.connect(self.follow)

    @Slot()
    def follow(self) -> None:
        """Show the handles of the present data; let the frame follow data that come from elsewhere."""
        spec = self._page.experiment.spec.data
        self._fields.hold_frame = spec is self._own
        if spec is not self._own:
            self._plane.set_shape(self._shape())

    def _take(self, tool: QToolButton, other: QToolButton, on: bool) -> None:
        if on:
            other.setChecked(False)
        self.bar.setVisible(self.modes.isChecked())
        self._plane.set_tool("modes" if self.modes.isChecked() else "points" if self.points.isChecked() else "")
        if tool is self.modes and on:
            shape = self._shape()
            self._plane.set_shape(shape)
            if shape is None:
                self._page.noticed.emit("A set of points has no modes: choose a mixture as the target to edit it.")

    def _shape(self) -> Shape | None:
        """Return the present mixture in numbers; None for points, and before chains have named it."""
        data = self._page.experiment.spec.data
        assert isinstance(data, MixtureSpec)
        if data.is_points:
            return None
        if data.weights is not None and data.means is not None and data.covariances is not None:
            weights = np.array(data.weights)
            return Shape(weights / weights.sum(), np.array(data.means), np.array(data.covariances))
        history = self._player.buffer.newest
        modes = history.modes
        if modes is None or history.spec is None or history.spec.data != data:
            return None
        return Shape(modes.weights, modes.means, modes.covariances)

    @Slot()
    def _on_tick(self) -> None:
        if self.modes.isChecked() and self._plane.shape_missing:
            # The mixture of a name is known in numbers when its chains begin.
            self._plane.set_shape(self._shape())
        if self._waiting:
            self._add_points()

    @Slot()
    def _begin(self) -> None:
        self._beside.quiet = True
        self._page.experiment.begin_edit()

    @Slot()
    def _end(self) -> None:
        self._on_tick()
        self._page.experiment.end_edit()
        self._beside.quiet = False

    @Slot(object)
    def _on_shaped(self, shape: Shape) -> None:
        """Write the mixture out."""
        self._set(
            {
                "name": "custom",
                "weights": tuple(shape.weights.round(6).tolist()),
                "means": _rows(shape.means.round(_DECIMALS)),
                "covariances": tuple(map(_rows, shape.covariances.round(2 * _DECIMALS))),
            },
            "data.modes",
        )

    @Slot(object)
    def _on_drawn(self, at: Array) -> None:
        self._waiting.append((round(float(at[0]), _DECIMALS), round(float(at[1]), _DECIMALS)))

    def _add_points(self) -> None:
        data = self._page.experiment.spec.data
        assert isinstance(data, MixtureSpec)
        before = data.points or ()
        points = (*before, *self._waiting)[:MOST_DRAWN]
        if len(points) < 2:
            return
        self._waiting = []
        if len(before) >= MOST_DRAWN:
            self._page.noticed.emit(f"At most {MOST_DRAWN:,} points are drawn by hand: open a file with more of them.")
            return
        self._set({"name": "points", "points": points}, "data.points")

    def _set(self, fields: dict[str, object], source: str) -> None:
        """Take data that were made by hand."""
        spec = self._page.experiment.spec
        data = MixtureSpec.from_fields({"kind": "mixture"} | fields)
        along = data_rule(spec, data.name) | {"title": "", "branch": None}
        changed: ExperimentSpec = spec.replace_all({"data": data} | along)
        self._own = changed.data if isinstance(changed.data, MixtureSpec) else None
        self._page.experiment.set(changed, source)


def _rows(numbers: Array) -> tuple[tuple[float, ...], ...]:
    """Return the rows of numbers with shape (n, 2) as a spec holds them."""
    return tuple(map(tuple, numbers.tolist()))


def _tool(text: str, name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setObjectName(name)
    button.setCheckable(True)
    button.setToolTip(wrapped(tip))
    return button

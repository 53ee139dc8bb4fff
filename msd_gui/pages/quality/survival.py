"""How many chains have lived, by setting, over the samplings of this session; and how far apart the samples lie."""

from __future__ import annotations

from collections import Counter

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from msd_engine.events import Verdicts
from msd_engine.events.verdicts import in_words
from msd_gui.pages.base import layout
from msd_gui.pages.base.readings import survival_severity
from msd_gui.views.curves.bars import class_shares
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Reading, Readings

MOST_ROWS = 8
SHARES_PX = 150


class SurvivalPanel(QWidget):
    """Figures of the last samples beside the data, and the yield by k, ε and L.

    Attributes:
        by_setting: How many chains have lived, and of how many, by (k, ε, L).
    """

    def __init__(self) -> None:
        """Say what will be there."""
        super().__init__()
        self.by_setting: dict[tuple[int, float, int], tuple[int, int]] = {}
        self._last: Verdicts | None = None
        self._placeholder = QLabel("How many chains have lived, and how far apart they lie, will stand here.")
        self._placeholder.setWordWrap(True)
        self._placeholder.setProperty("role", "muted")
        self.spread = Readings("Spread of the samples", ("", "samples", "data"))
        self.shares = class_shares()
        self.shares.setFixedHeight(SHARES_PX)
        self.table = Readings("Yield by setting", ("k · r · L", "lived", "of"))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        for widget in (layout.heading("Samples"), self._placeholder, self.spread, self.shares, self.table):
            box.addWidget(widget)
        self.spread.hide()
        self.shares.hide()
        self.table.hide()

    def take(self, event: Verdicts) -> None:
        """Count the chains of one sampling; those of a setting add up, but for chains that are judged again."""
        key = (event.k, event.step_ratio, event.levels)
        lived, count = self.by_setting.pop(key, (0, 0))
        last, self._last = self._last, event
        if last is not None and event.features and not last.features and event.spec_json == last.spec_json:
            # The same chains, judged by features too.
            lived, count = lived - last.lived, count - len(last.verdict)
        self.by_setting[key] = (lived + event.lived, count + len(event.verdict))
        self._placeholder.hide()
        self.spread.show()
        self.table.show()
        self.spread.set_readings(_spread(event))
        self.shares.setVisible(bool(event.class_names))
        if event.class_names:
            self.shares.set_shares(event.class_names, event.shares, event.real_shares)
        newest = list(reversed(self.by_setting.items()))[:MOST_ROWS]
        self.table.set_readings(tuple(_row(*setting, *counts) for setting, counts in newest))

    def clear(self) -> None:
        """Forget what was counted: it belongs to other data."""
        self.by_setting.clear()
        self._last = None
        self._placeholder.show()
        for part in (self.spread, self.shares, self.table):
            part.hide()


def _spread(event: Verdicts) -> tuple[Reading, ...]:
    dead = in_words(Counter(event.dead.values()))
    return (
        Reading(
            "Mean distance of pairs",
            number(event.mean_distance),
            number(event.data_mean_distance),
            f"‖x_i − x_j‖ averaged over pairs, in data units (pixels in [-1, 1]); in [0, 1] pixels, as NCSNv2 gives "
            f"it, {number(event.mean_distance / 2)} and {number(event.data_mean_distance / 2)}.",
        ),
        Reading(
            "Living chains",
            f"{event.lived} of {len(event.verdict)}",
            "",
            f"{f'Dead: {dead}.' if dead else 'All chains have lived.'} {event.left_out}".strip(),
            survival_severity(event.lived, len(event.verdict)),
        ),
    )


def _row(k: int, step_ratio: float, levels: int, lived: int, count: int) -> Reading:
    return Reading(
        f"{k} · {number(step_ratio)} · {levels}",
        f"{lived} ({100 * lived / count:.0f} %)",
        str(count),
        f"All chains of this session with k = {k}, r = {number(step_ratio)} and L = {levels}.",
        survival_severity(lived, count),
    )

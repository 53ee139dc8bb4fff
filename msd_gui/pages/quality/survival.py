"""Survival of chains by setting, over the samplings of this session, and the spread of the last samples."""

from __future__ import annotations

from collections import Counter

from PySide6.QtWidgets import QVBoxLayout, QWidget

from msd_engine.events import Verdicts
from msd_engine.events.verdicts import in_words
from msd_gui.pages.base import layout
from msd_gui.pages.base.readings import survival_severity
from msd_gui.session.made import Made
from msd_gui.views.curves.bars import class_shares
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Reading, Readings

MOST_ROWS = 8
SHARES_PX = 150


class SurvivalPanel(QWidget):
    """Figures of the last samples beside the data, and survival by setting.

    Attributes:
        by_setting: Numbers of surviving and of all chains, by `Made.key`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.by_setting: dict[tuple[object, ...], tuple[int, int]] = {}
        self._words: dict[tuple[object, ...], dict[str, str]] = {}
        self._last: Verdicts | None = None
        self.heading = layout.heading("Samples")
        self.heading.setWordWrap(True)
        self.spread = Readings("Spread of the samples", ("", "samples", "data"))
        self.shares = class_shares()
        self.shares.setFixedHeight(SHARES_PX)
        self.table = Readings("Survival by setting", ("k, and differences", "survived", "of"))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        for widget in (self.heading, self.spread, self.shares, self.table):
            box.addWidget(widget)
        self.hide()

    def add(self, event: Verdicts, made: Made | None) -> None:
        """Add the chains of one sampling to those of the same setting.

        Args:
            event: Verdicts on the chains; a second judgement of the same chains replaces the first.
            made: Settings and network of the chains; None if unknown.
        """
        if made is None:
            return
        key = made.key
        self._words[key] = made.settings()
        lived, count = self.by_setting.pop(key, (0, 0))
        last, self._last = self._last, event
        if last is not None and event.features and not last.features and event.spec_json == last.spec_json:
            # The same chains, judged by features too.
            lived, count = lived - last.lived, count - len(last.verdict)
        self.by_setting[key] = (lived + event.lived, count + len(event.verdict))
        self.show()
        self.spread.set_readings(_spread(event))
        self.shares.setVisible(bool(event.class_names))
        if event.class_names:
            self.shares.set_shares(event.class_names, event.shares, event.real_shares)
        newest = list(reversed(self.by_setting.items()))[:MOST_ROWS]
        words = [self._words[key] for key, _ in newest]
        self.table.set_readings(
            tuple(_row(own, words, *counts) for own, (_, counts) in zip(words, newest, strict=True))
        )

    def set_older(self, words: str) -> None:
        """Name differences between the settings of the samples and the present ones."""
        self.heading.setText(f"Samples {words}".strip())

    def clear(self) -> None:
        """Remove the counts, for other data."""
        self.by_setting.clear()
        self._last = None
        self.hide()


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
            "Surviving chains",
            f"{event.lived} of {len(event.verdict)}",
            "",
            f"{f'Dead: {dead}.' if dead else 'All chains survived.'} {event.left_out}".strip(),
            survival_severity(event.lived, len(event.verdict)),
        ),
    )


def _row(own: dict[str, str], every: list[dict[str, str]], lived: int, count: int) -> Reading:
    """Format a row with k and the settings that differ between rows; the tool tip names all settings."""
    own = {path: words for path, words in own.items() if path not in ("sampling.chains", "sampling.seed")}
    named = [
        words for path, words in own.items() if path == "training.k" or any(one.get(path) != words for one in every)
    ]
    return Reading(
        ", ".join(named),
        f"{lived} ({100 * lived / count:.0f} %)",
        str(count),
        f"All chains of this session {', '.join(own.values())}.",
        survival_severity(lived, count),
    )

"""What is shown beside the settings: chains of earlier settings or networks are named and dimmed."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from msd_gui.bridge.clock import ScreenClock
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.mixture.play.history import ChainHistory
from msd_gui.pages.mixture.play.player import Player
from msd_gui.session.made import Made
from msd_gui.session.resolve import Resolved
from msd_gui.theme.tips import wrapped
from msd_gui.views.base.veil import Veil
from msd_gui.widgets.panels.elided import ElidedLabel

# New chains usually replace the old ones sooner.
LATE_S = 0.5


class Beside(QObject):
    """Compares the shown chains with the present settings.

    Attributes:
        label: Names the differences; empty if there are none.
        quiet: Whether nothing is said, because a line of words would move the plane under a hand.
        replaced: Emitted with the `Made` of other chains when they are shown.
    """

    replaced = Signal(object)

    def __init__(self, page: ResolvedPage, clock: ScreenClock, player: Player, *views: QWidget) -> None:
        """Create the label; `views` show the chains of the player."""
        super().__init__(page)
        self._page, self._player = page, player
        self._veils = [Veil(view) for view in views]
        self._shown: ChainHistory | None = None
        self._now: Resolved | None = None
        # What was drawn with other settings and the present ones; None where they agree.
        self._pair: tuple[Made, Made] | None = None
        self._words, self._others, self._since_s = "", False, 0.0
        self.quiet = False
        self.label = ElidedLabel("trailing")
        self.label.setProperty("severity", "warning")
        self.label.hide()
        clock.tick.connect(self._on_tick)

    @property
    def faded(self) -> bool:
        """Whether the views are dimmed."""
        return any(not veil.isHidden() for veil in self._veils)

    @property
    def words(self) -> str:
        """How the shown chains were drawn where the present settings differ; empty if they agree."""
        if self._pair is not None and not self._words:
            made, now = self._pair
            # Where nothing else differs there is no network for the present settings.
            self._words = made.differences(now) or f"by {made.words}"
        return self._words

    @Slot()
    def _on_tick(self) -> None:
        shown, now = self._player.buffer.shown, self._page.resolved
        if shown is not self._shown or now is not self._now:
            others = shown is not self._shown
            self._shown, self._now = shown, now
            if others and shown.made is not None:
                self.replaced.emit(shown.made)
            self._compare(shown.made, now.made)
        self._show(time.perf_counter() - self._since_s >= LATE_S)

    def _compare(self, made: Made | None, now: Made) -> None:
        before = self._pair
        # Chains of older weights of the same network do not fade.
        self._others = made is not None and made.chains != now.chains
        differ = made is not None and (self._others or made.network != now.network)
        self._pair, self._words = (made, now) if made is not None and differ else None, ""
        if before is None:
            self._since_s = time.perf_counter()

    def _show(self, late: bool) -> None:
        shows = self._pair is not None and late and not self.quiet
        words = f"Drawn {self.words}" if shows else ""
        if words != self.label.text():
            self.label.setText(words)
            self.label.setToolTip(wrapped(f"These chains were drawn {self.words}.") if words else "")
            self.label.setVisible(bool(words))
        on = bool(words) and self._others
        if on != self.faded:
            for veil in self._veils:
                veil.set_on(on)

"""The guided tour: leads from stop to stop, waits for the thing to do, and never blocks the window."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Slot
from PySide6.QtGui import QGuiApplication, QShortcut
from PySide6.QtWidgets import QComboBox, QMainWindow, QPushButton, QScrollArea, QToolButton, QWidget

from msd_gui.app.actions import Actions
from msd_gui.app.messages import MessageBar
from msd_gui.app.pages import PAGES, Pages
from msd_gui.app.tour.callout import Callout, Ring
from msd_gui.app.tour.stops import Stop, tour_words
from msd_gui.bridge.clock import ScreenClock
from msd_gui.pages.base.page import ExperimentPage
from msd_gui.session.settings import Settings
from msd_gui.widgets.panels.card import Card
from msd_gui.widgets.panels.section import Section

_ACTION = "action."
_TITLES = {row.name: row.title for row in PAGES}
# Ticks of the clock between two searches for a widget that is not on the screen yet.
_SEARCH_TICKS = 10
_USED = (QEvent.Type.MouseButtonRelease, QEvent.Type.KeyRelease)


class Guide(QObject):
    """The tour of one window.

    Attributes:
        callout: The words of the present stop.
        ring: The frame around its widget.
    """

    def __init__(
        self,
        window: QMainWindow,
        commands: Actions,
        pages: Pages,
        clock: ScreenClock,
        settings: Settings,
        messages: MessageBar,
    ) -> None:
        """Wait to be asked for.

        Args:
            window: The window.
            commands: Its actions; those of the pages bring a page to the front.
            pages: Its pages.
            clock: The screen's clock: frame and words follow their widget with it.
            settings: Remembers that the tour was offered.
            messages: Shows the offer.
        """
        super().__init__(window)
        self._window, self._commands, self._pages = window, commands, pages
        self._clock, self._settings, self._messages = clock, settings, messages
        self.ring, self.callout = Ring(window), Callout(window)
        self._stops = tour_words().stops
        self._place = -1
        self._target: QWidget | None = None
        self._value: object = None
        self._changed = self._done = False
        self._ticks = 0
        self._stop_keys = commands["stop"].shortcuts()
        # The window's own Esc stops jobs: it rests while the tour is on.
        self._escape = QShortcut(Qt.Key.Key_Escape, window)
        self._escape.setEnabled(False)
        self._escape.activated.connect(self.leave)
        commands["tour"].triggered.connect(self.start)
        for name in {stop.target.removeprefix(_ACTION) for stop in self._stops if stop.target.startswith(_ACTION)}:
            commands[name].triggered.connect(partial(self._on_action, name))
        self.callout.next_pressed.connect(lambda: self._go(self._place + 1))
        self.callout.back_pressed.connect(lambda: self._go(self._place - 1))
        self.callout.leave_pressed.connect(self.leave)
        self.callout.return_pressed.connect(self._return)

    # -- from the offer to the end -------------------------------------------------------------------------------------

    def offer(self) -> None:
        """Offer the tour above the pages, at the first launch only."""
        if self._settings.tour_offered:
            return
        self._settings.tour_offered = True
        card = Card("info", "", tour_words().offer, "Take the tour", dismissible=False)
        later = QPushButton("Not now")
        later.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = card.layout()
        assert row is not None
        row.addWidget(later)
        self._messages.add(card)
        card.action.connect(self.start)
        for answered in (card.action, later.clicked):
            answered.connect(card.hide)
            answered.connect(card.deleteLater)

    @property
    def stop(self) -> Stop | None:
        """The present stop; None while the tour is off, and after the last one."""
        return self._stops[self._place] if 0 <= self._place < len(self._stops) else None

    @Slot()
    def start(self) -> None:
        """Go to the first stop."""
        if self._place < 0:
            self._clock.tick.connect(self._follow)
            self._commands["stop"].setShortcuts([])
            self._escape.setEnabled(True)
        self._go(0)
        self.callout.next.setFocus()

    @Slot()
    def leave(self) -> None:
        """End the tour; nothing that was done is taken back."""
        if self._place < 0:
            return
        self._watch(None)
        self._place = -1
        self._clock.tick.disconnect(self._follow)
        self._escape.setEnabled(False)
        self._commands["stop"].setShortcuts(self._stop_keys)
        self.ring.hide()
        self.callout.hide()

    def _go(self, place: int) -> None:
        self._watch(None)
        if place > len(self._stops):
            self.leave()
            return
        self._place, self._changed, self._done, self._ticks = place, False, False, 0
        if self.stop is not None:
            self._return()
        self._show_words()
        self._follow()
        self.callout.show()

    @Slot()
    def _return(self) -> None:
        """Bring the page of the stop to the front."""
        stop = self.stop
        if stop is not None and not self._in_front(stop):
            self._commands[f"page_{stop.page}"].trigger()

    def _show_words(self) -> None:
        stop, count = self.stop, len(self._stops)
        self.callout.back.setEnabled(self._place > 0)
        if stop is None:
            self.callout.set_words("The end", tour_words().end, "", "Close")
        elif self._done:
            self.callout.set_words(f"✓ {stop.title}", stop.shows, f"{self._place + 1} of {count}", "Next")
        else:
            self.callout.set_words(stop.title, stop.do, f"{self._place + 1} of {count}", "Next")

    # -- the widget ----------------------------------------------------------------------------------------------------

    def _in_front(self, stop: Stop) -> bool:
        page = self._pages.built().get(stop.page)
        return page is not None and page.isVisible()

    def _search(self, stop: Stop) -> QWidget | None:
        """Return the widget of a stop, with its section unfolded and scrolled into view; None if there is none."""
        page = self._pages[stop.page]
        if stop.target.startswith(_ACTION):
            action = self._commands[stop.target.removeprefix(_ACTION)]
            buttons = [*page.findChildren(QToolButton), *self._window.findChildren(QToolButton)]
            found: list[QWidget] = [one for one in buttons if one.defaultAction() is action]
        else:
            found = page.findChildren(QWidget, stop.target)
        for widget in found:
            above = widget.parentWidget()
            while above is not None and above is not page:
                if isinstance(above, Section):
                    above.set_open(True)
                elif isinstance(above, QScrollArea):
                    above.ensureWidgetVisible(widget)
                above = above.parentWidget()
        return next((widget for widget in found if widget.isVisible()), None)

    def _watch(self, widget: QWidget | None) -> None:
        """Notice what is done with a widget, in place of the one before."""
        for one, on in ((self._target, False), (widget, True)):
            for part in () if one is None else (one, *one.findChildren(QWidget)):
                part.installEventFilter(self) if on else part.removeEventFilter(self)
        self._target = widget
        if widget is not None:
            self._value = self._field()

    def _field(self) -> object:
        """Return the value of the stop's field, or the row of its list; None if its target is neither."""
        if isinstance(self._target, QComboBox):
            return self._target.currentIndex()
        stop = self.stop
        page = self._pages[stop.page] if stop is not None else None
        if stop is None or not isinstance(page, ExperimentPage):
            return None
        section, _, name = stop.target.partition(".")
        return getattr(getattr(page.experiment.spec, section, None), name, None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note the use of a widget that is no field."""
        if event.type() in _USED and self._value is None and self._place >= 0:
            self._changed = True
        return super().eventFilter(watched, event)

    def _on_action(self, name: str) -> None:
        if self.stop is not None and self.stop.target == _ACTION + name:
            self._changed = True

    @Slot()
    def _follow(self) -> None:
        """Keep frame and words beside the widget, and tell what was done."""
        stop = self.stop
        front = stop is not None and self._in_front(stop)
        if stop is not None and front and (self._target is None or not self._target.isVisible()):
            if self._ticks % _SEARCH_TICKS == 0:
                self._watch(self._search(stop))
            self._ticks += 1
        if front and not self._done and not QGuiApplication.mouseButtons():
            self._done = self._changed or (self._target is not None and self._field() != self._value)
            if self._done:
                self._show_words()
        self.callout.set_elsewhere("" if stop is None or front else _TITLES[stop.page])
        seen = self._seen() if front else None
        self.ring.surround(seen)
        self.callout.stand_beside(seen, self._window.centralWidget().geometry())

    def _seen(self) -> QRect | None:
        """Return the visible part of the widget in the window; None if there is none."""
        if self._target is None or not self._target.isVisible():
            return None
        part = self._target.visibleRegion().boundingRect()
        if part.isEmpty():
            return None
        return part.translated(self._target.mapTo(self._window, QPoint(0, 0)))

"""The status bar: device, rate, current activity, progress and remaining time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton

from msd_gui.pages.base.page import Status
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.controls.numbers import duration
from msd_gui.widgets.panels.elided import ElidedLabel

NOTICE_MS = 5000


class StatusBar(QStatusBar):
    """One line at the bottom of the window.

    Attributes:
        page_requested: Emitted with the name of a hidden page after a click on its job.
    """

    page_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self._device = QLabel()
        self._device.setToolTip("Where the engine computes")
        self._text = ElidedLabel()
        self._rate = QLabel()
        self._left = QLabel()
        self._bar = QProgressBar()
        self._bar.setFixedWidth(160)
        self._bar.setMaximumHeight(14)
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self.setContentsMargins(8, 0, 8, 0)
        self.addWidget(self._device)
        self.addWidget(self._text, 1)
        self._elsewhere: dict[str, QToolButton] = {}
        for widget in (self._rate, self._left, self._bar):
            self.addPermanentWidget(widget)
        self._bar.hide()
        self._status = Status()
        self._notice = self._tip = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(NOTICE_MS)
        self._timer.timeout.connect(self._drop_notice)

    def notice(self, text: str) -> None:
        """Show a sentence for some seconds, then the current activity again."""
        self._notice = text
        self._show_text()
        self._timer.start()

    def show_tip(self, text: str) -> None:
        """Show the tip of the action under the pointer in place of the sentence; nothing for an empty one.

        Qt's own temporary messages hide the labels, and a new item of the bar shows them through the message.
        """
        self._tip = text
        self._show_text()

    def _show_text(self) -> None:
        self._text.setText(self._tip or self._notice or self._status.text)
        self._text.setToolTip(wrapped(self._notice) if self._notice else "")

    def text(self) -> str:
        """Return the displayed sentence."""
        return self._text.text()

    def hideEvent(self, event: QHideEvent) -> None:
        """End a notice with the window."""
        self._timer.stop()
        self._drop_notice()
        super().hideEvent(event)

    def _drop_notice(self) -> None:
        self._notice = ""
        self._show_text()

    def show_elsewhere(self, jobs: Mapping[str, str]) -> None:
        """Show the jobs of hidden pages, each as a button that goes there; the words by the name of the page."""
        for name in jobs.keys() - self._elsewhere.keys():
            button = QToolButton()
            button.setObjectName(f"elsewhere.{name}")
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolTip("Runs on another page: click to go there.")
            button.clicked.connect(partial(self.page_requested.emit, name))
            self.addPermanentWidget(button)
            self._elsewhere[name] = button
        for name, button in self._elsewhere.items():
            words = jobs.get(name, "")
            if words != button.text():
                button.setText(words)
            button.setVisible(bool(words))

    def elsewhere(self) -> dict[str, str]:
        """Return the shown jobs of hidden pages, by the name of the page."""
        return {name: button.text() for name, button in self._elsewhere.items() if not button.isHidden()}

    def set_device(self, text: str) -> None:
        """Set the label of the device."""
        self._device.setText(text)

    def show_status(self, status: Status) -> None:
        """Show the status of a page."""
        self._status = status
        self._show_text()
        self._rate.setText(status.rate)
        known = math.isfinite(status.left_s)
        self._left.setText(f"{duration(math.ceil(max(status.left_s, 0)), digits=0)} left" if known else "")
        self._bar.setVisible(status.fraction is not None)
        if status.fraction is not None:
            self._bar.setValue(round(1000 * status.fraction))

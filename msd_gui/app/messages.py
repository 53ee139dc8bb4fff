"""Messages at the top of the window: errors that stay until they are closed, and notices that go by themselves."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from msd_gui.app import crash
from msd_gui.widgets.card import Card

NOTICE_MS = 6000
MOST_ERRORS = 3


class MessageBar(QWidget):
    """A column of cards, empty most of the time."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(1)
        self._notice: Card | None = None
        self._errors: list[Card] = []
        self._timer = QTimer(self, singleShot=True, interval=NOTICE_MS)
        self._timer.timeout.connect(self._drop_notice)

    def notice(self, text: str) -> None:
        """Show a sentence for some seconds."""
        if not text:
            return
        self._drop_notice()
        self._notice = self._add(Card("info", "", text))
        self._timer.start()

    def error(self, text: str, details: str) -> None:
        """Show an error until it is closed; the same one is not shown twice."""
        if any(card.text() == text for card in self._errors):
            return
        card = Card("error", "", text, "Details…" if details else "")
        card.action.connect(lambda: self._show_details(text, details))
        card.dismissed.connect(lambda: self._forget(card))
        self._errors.append(self._add(card))
        while len(self._errors) > MOST_ERRORS:
            self._errors.pop(0).deleteLater()

    def errors(self) -> list[str]:
        """Return the errors on the screen."""
        return [card.text() for card in self._errors]

    def _add(self, card: Card) -> Card:
        self._column.addWidget(card)
        return card

    def _forget(self, card: Card) -> None:
        if card in self._errors:
            self._errors.remove(card)
        card.deleteLater()

    def _drop_notice(self) -> None:
        if self._notice is not None:
            self._notice.deleteLater()
            self._notice = None

    def _show_details(self, text: str, details: str) -> None:
        whole = crash.report(text, details)
        dialog = QDialog(self)
        dialog.setWindowTitle("Details")
        dialog.resize(720, 420)
        column = QVBoxLayout(dialog)
        view = QPlainTextEdit(whole)
        view.setReadOnly(True)
        column.addWidget(view)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(whole))
        buttons.rejected.connect(dialog.reject)
        column.addWidget(buttons)
        dialog.open()

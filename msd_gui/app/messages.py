"""Errors at the top of the window until the user closes them, with details to copy."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from msd_gui.app import crash
from msd_gui.widgets.panels.card import Card
from msd_gui.widgets.panels.titles import titled

MOST_ERRORS = 3


class MessageBar(QWidget):
    """A column of cards, empty most of the time."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(1)
        self._errors: list[Card] = []

    def error(self, text: str, details: str) -> None:
        """Show an error until it is closed, with details to copy; ignore duplicates."""
        self._add(text, "Details…" if details else "", lambda: self._show_details(text, details))

    def offer(self, text: str, remedy: str, remedy_action: Callable[[], None]) -> None:
        """Show an error with a button that fixes it and closes the message.

        Args:
            text: The error, in one sentence.
            remedy: Label of the button.
            remedy_action: Called by the button.
        """
        card = self._add(text, remedy, remedy_action)
        if card is not None:
            card.action.connect(lambda: self._forget(card))

    def add(self, card: Card) -> None:
        """Show a card that is no error, until its owner deletes it."""
        self._column.addWidget(card)

    def _add(self, text: str, button: str, press: Callable[[], None]) -> Card | None:
        text = titled(text)
        if any(card.text() == text for card in self._errors):
            return None
        card = Card("error", "", text, button)
        card.action.connect(press)
        card.dismissed.connect(lambda: self._forget(card))
        self._column.addWidget(card)
        self._errors.append(card)
        while len(self._errors) > MOST_ERRORS:
            self._errors.pop(0).deleteLater()
        return card

    @Slot(str)
    def forget(self, text: str) -> None:
        """Remove an error that is no longer true."""
        for card in [card for card in self._errors if card.text() == titled(text)]:
            self._forget(card)

    def errors(self) -> list[str]:
        """Return the displayed errors."""
        return [card.text() for card in self._errors]

    def _forget(self, card: Card) -> None:
        if card in self._errors:
            self._errors.remove(card)
        card.hide()
        card.deleteLater()

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

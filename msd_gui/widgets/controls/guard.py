"""Event filter of controls: the wheel scrolls the panel, and shortcuts do not steal keys."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget


class KeyGuard(QObject):
    """Filter the events of one widget.

    The wheel changes the widget only while it has the focus, and otherwise scrolls the panel behind it. Keys that the
    focused widget uses do not trigger shortcuts of the window, such as → for a single step.
    """

    def __init__(self, widget: QWidget, keys: Iterable[Qt.Key] = ()) -> None:
        """Start to filter."""
        super().__init__(widget)
        self._widget = widget
        self._keys = frozenset(keys)
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Redirect the wheel of an unfocused widget; reserve the focused widget's keys."""
        kind = event.type()
        if kind == QEvent.Type.Wheel and not self._widget.hasFocus():
            event.ignore()
            return True
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            if plain and event.key() in self._keys:
                event.accept()
                return True
        return False


PRESS_KEYS = (Qt.Key.Key_Space,)
LIST_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End)
SLIDER_KEYS = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
)

"""Actions as rows: each gives a menu entry, a button, a shortcut and a tool tip."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from msd_gui.theme import GLYPHS, icon
from msd_gui.theme.tips import wrapped


@dataclass(frozen=True)
class ActionRow:
    """One action.

    Attributes:
        name: Identifier; `Page.act` calls the page's method ``do_<name>``.
        menu: Menu of the window; empty for none.
        text: Text of the menu entry.
        keys: Shortcuts; the menu shows the first.
        help: One sentence for tooltip and status bar.
        checkable: Whether it switches on and off.
        word: Short text beside the icon in a tool bar.
        begins: Whether a separator precedes it in the menu.
        glyph: Name of the icon; the action's name by default.
    """

    name: str
    menu: str
    text: str
    keys: tuple[str, ...]
    help: str
    checkable: bool = False
    word: str = ""
    begins: bool = False
    glyph: str = ""


def made(row: ActionRow, owner: QObject, *, of: str = "", within: bool = False) -> QAction:
    """Make an action.

    Args:
        row: Declaration.
        owner: Qt parent.
        of: Prefix of the name in the objectName, after ``action.``.
        within: Whether its keys work only in the widget with the action instead of the whole window.
    """
    action = QAction(row.text, owner)
    glyph = row.glyph or row.name
    if glyph in GLYPHS:
        action.setIcon(icon(glyph))
    action.setObjectName(f"action.{of}{row.name}")
    action.setIconText(row.word or row.text)
    action.setShortcuts([QKeySequence(key) for key in row.keys])
    context = Qt.ShortcutContext.WidgetShortcut if within else Qt.ShortcutContext.WindowShortcut
    action.setShortcutContext(context)
    action.setCheckable(row.checkable)
    keys = QKeySequence(row.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if row.keys else ""
    plain = f"{row.help}  ({keys})" if keys else row.help
    action.setToolTip(wrapped(plain))
    action.setProperty("plain", plain)
    action.setStatusTip(row.help)
    return action


def set_enabled(action: QAction, enabled: bool, why_not: str = "") -> None:
    """Enable an action, or disable it with the reason, one sentence, in its tooltip."""
    action.setEnabled(enabled)
    plain = str(action.property("plain"))
    words = wrapped(f"{plain}\n{why_not}" if why_not else plain)
    if words != action.toolTip():
        action.setToolTip(words)

"""Actions, declared in rows: menu entry, button, shortcut and tool tip are made from them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from msd_gui.theme import GLYPHS, icon


@dataclass(frozen=True)
class ActionRow:
    """One action.

    Attributes:
        name: What it is called in the program; `Page.act` of it calls the page's method ``do_<name>``.
        menu: Menu of the window that it stands in; empty for none.
        text: Text of the menu entry.
        keys: Shortcuts, the first is shown.
        help: One sentence for tooltip and status bar.
        checkable: Whether it is on or off.
        word: Short text beside the icon in a tool bar.
        begins: Whether it begins a group of its menu.
        glyph: Name of its icon; by default that of the action, where there is one.
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
        row: Its row.
        owner: Owns it.
        of: What its objectName begins with after ``action.``.
        within: Whether its keys belong to the widget that it is added to alone, and not to the whole window.
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
    action.setToolTip(f"{row.help}  ({keys})" if keys else row.help)
    action.setStatusTip(row.help)
    return action

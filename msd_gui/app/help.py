"""The help window: an explanation of each page, a list of contents, and shortcuts made from the actions."""

from __future__ import annotations

import re
from importlib.resources import files

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QListWidgetItem, QTextBrowser, QWidget

from msd_gui.app.actions import TABLE
from msd_gui.app.pages import PAGES

_PARTS_PX = 170
_MARGIN_PX = 14
_HEADING = re.compile(r'<h[23]><a name="(?P<name>[\w-]+)"></a>(?P<title>[^<]+)</h[23]>')


def help_html() -> str:
    """Return the help page with the sections of all pages and the table of shortcuts."""
    text = (files("msd_resources") / "help" / "help.html").read_text(encoding="utf-8")
    pages = "\n".join((files("msd_gui.pages") / row.name / "help.html").read_text(encoding="utf-8") for row in PAGES)
    rows = "".join(
        f"<tr><td>{', '.join(QKeySequence(key).toString() for key in row.keys)}</td><td>&nbsp;&nbsp;</td>"
        f"<td>{row.help}</td></tr>"
        for row in TABLE
        if row.keys
    )
    return text.replace("<!-- pages -->", pages).replace("<!-- shortcuts -->", f"<table>{rows}</table>")


def parts(html: str) -> dict[str, str]:
    """Return the headings of the help page by anchor name; sections on pages use the page's name.

    Args:
        html: The output of `help_html`.
    """
    return {found["name"]: found["title"] for found in _HEADING.finditer(html)}


class HelpWindow(QDialog):
    """The help beside the window: contents at the left, text at the right."""

    def __init__(self, parent: QWidget) -> None:
        """Build the hidden window."""
        super().__init__(parent)
        self.setWindowTitle("Help")
        self.resize(880, 680)
        html = help_html()
        self.list = QListWidget()
        self.list.setObjectName("help.parts")
        self.list.setAccessibleName("Parts of the help")
        self.list.setFixedWidth(_PARTS_PX)
        self.list.setSpacing(3)
        for name, title in parts(html).items():
            item = QListWidgetItem(title, self.list)
            item.setData(Qt.ItemDataRole.UserRole, name)
        self.browser = QTextBrowser()
        self.browser.setObjectName("help.text")
        self.browser.setAccessibleName("Help")
        self.browser.setOpenExternalLinks(True)
        self.browser.document().setDocumentMargin(_MARGIN_PX)
        self.browser.setHtml(html)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.list)
        row.addWidget(self.browser, 1)
        self.list.currentItemChanged.connect(self._go)

    def show_part(self, name: str) -> None:
        """Open the help at a section.

        Args:
            name: Name of a page or another section; an unknown one opens the beginning.
        """
        names = [self.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.list.count())]
        self.list.setCurrentRow(names.index(name) if name in names else 0)
        self.show()
        self.raise_()
        self.activateWindow()
        self._go(self.list.currentItem())

    def showEvent(self, event: QShowEvent) -> None:
        """Scroll to the section once the text has its width."""
        super().showEvent(event)
        self._go(self.list.currentItem())

    @Slot()
    def _go(self, item: QListWidgetItem | None = None) -> None:
        if item is not None and self.isVisible():
            self.browser.scrollToAnchor(item.data(Qt.ItemDataRole.UserRole))

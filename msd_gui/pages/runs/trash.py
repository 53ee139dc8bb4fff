"""Confirmation before runs are moved to the trash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMessageBox, QWidget

from msd_engine.events import RunRow


def question(rows: Sequence[RunRow], every: Sequence[RunRow]) -> str:
    """Build the question, with what becomes of comparisons that lose some of their runs, and of runs elsewhere."""
    title = {row.sweep: row.sweep_title for row in rows if row.sweep}
    gone, there = (Counter(row.sweep for row in which if row.sweep) for which in (rows, every))
    whole = [title[sweep] for sweep in title if gone[sweep] == there[sweep]]
    copied = [row for row in rows if row.elsewhere]
    # A copy of a comparison is not resumed here.
    resumed = title.keys() - {row.sweep for row in copied}
    torn = [title[sweep] for sweep in title if gone[sweep] < there[sweep] and sweep in resumed]
    count = f"the run “{rows[0].name}”" if len(rows) == 1 else f"{len(rows)} runs"
    if gone.total() == len(rows) and len(whole) == len(title) == 1:
        number = "its only run" if len(rows) == 1 else f"its {len(rows)} runs"
        words = f"Move the comparison “{whole[0]}” with {number} to the trash?"
    else:
        words = f"Move {count} to the trash" + (f", and with them the whole of {_named(whole)}?" if whole else "?")
    if torn:
        named, (they, own) = _named(torn), ("it resumes", "its") if len(torn) == 1 else ("they resume", "their")
        words += f" {named[0].upper()}{named[1:]} will train {own} missing runs again when {they}."
    if copied:
        words += " Of a run elsewhere only the copy goes."
    return words


def _named(titles: Sequence[str]) -> str:
    *names, last = (f"“{title}”" for title in titles)
    return f"the comparisons {', '.join(names)} and {last}" if names else f"the comparison {last}"


def confirm(parent: QWidget, words: str, discard: Callable[[], None]) -> None:
    """Show a question in a dialog, and call `discard` if the answer is yes."""
    yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
    box = QMessageBox(QMessageBox.Icon.Question, "Move to trash", words, yes | no, parent)
    # Names may contain markup characters.
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.button(yes).setText("Move to trash")
    box.button(no).setText("Keep")
    for button in (yes, no):
        # Qt's icons for yes and no do not fit.
        box.button(button).setIcon(QIcon())
    box.button(yes).clicked.connect(lambda: discard())
    box.open()

"""Details of one run, and the user's name, tags and note."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QLineEdit, QPlainTextEdit, QWidget

from msd_engine.events import RunRow
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.runs.columns import count, moment, percent
from msd_gui.pages.runs.comparison import Comparison, states
from msd_gui.widgets.controls.numbers import duration, number
from msd_gui.widgets.panels.readings import Reading, Readings

_REST_MS = 1200
_NOTE_PX = 84
_LONGEST_NAME, _LONGEST_TAG, _MOST_TAGS = 200, 40, 32


class RunWords(QWidget):
    """Fields for name, tags and note of a run or a comparison.

    Attributes:
        written: Emitted with the path of the run, its new name (empty to reset it, None to keep it), note and tags.
    """

    written = Signal(str, object, str, tuple)

    def __init__(self) -> None:
        super().__init__()
        self._row: RunRow | None = None
        self.name, self.tags, self.note = QLineEdit(), QLineEdit(), QPlainTextEdit()
        self.name.setMaxLength(_LONGEST_NAME)
        self.tags.setPlaceholderText("words separated by spaces")
        self.note.setPlaceholderText("Purpose and results of the run")
        self.note.setFixedHeight(_NOTE_PX)
        self.note.setTabChangesFocus(True)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        for word, field in (("Name", self.name), ("Tags", self.tags), ("Note", self.note)):
            field.setObjectName(f"run.{word.lower()}")
            field.setAccessibleName(word)
            form.addRow(word, field)
        self.name.editingFinished.connect(self.keep)
        self.tags.editingFinished.connect(self.keep)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self.keep)
        self.note.textChanged.connect(self._rest.start)
        self.note.installEventFilter(self)
        self.show_run(None)

    def show_run(self, row: RunRow | None) -> None:
        """Show a run, or none, after saving the edits of the previous one."""
        before = self._row
        if before is not None and (row is None or row.path != before.path):
            self.keep()
        same = before is not None and row is not None and row.path == before.path
        # Do not overwrite text while the user types.
        typing = same and self._said() != self._words(before)
        self._row = row
        self.setEnabled(row is not None)
        if not typing:
            name, note, tags = self._words(row)
            for field, text in ((self.name, name), (self.tags, " ".join(tags))):
                if field.text() != text:
                    field.setText(text)
            if self.note.toPlainText() != note:
                self.note.setPlainText(note)
            self._rest.stop()

    def keep(self) -> None:
        """Emit the edits, if there are any."""
        self._rest.stop()
        if self._row is not None and self._said() != self._words(self._row):
            name, note, tags = self._said()
            folder = self._row.path.replace("\\", "/").rsplit("/", 1)[-1]
            new = None if name == self._row.name else "" if name == folder else name
            self.written.emit(self._row.path, new, note, tags)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Save the note when it loses the focus."""
        if watched is self.note and event.type() == QEvent.Type.FocusOut:
            self.keep()
        return super().eventFilter(watched, event)

    def _said(self) -> tuple[str, str, tuple[str, ...]]:
        tags = dict.fromkeys(word.lstrip("#")[:_LONGEST_TAG] for word in self.tags.text().replace(",", " ").split())
        return self.name.text().strip(), self.note.toPlainText(), tuple(tag for tag in tags if tag)[:_MOST_TAGS]

    @staticmethod
    def _words(row: RunRow | None) -> tuple[str, str, tuple[str, ...]]:
        return ("", "", ()) if row is None else (row.name, row.note, row.tags)


class RunFigures(QWidget):
    """All figures of a run, in rows."""

    def __init__(self) -> None:
        super().__init__()
        self._readings = Readings("Figures of the run", ("", "", ""))
        self._where = QLabel()
        self._where.setProperty("role", "muted")
        self._where.setWordWrap(True)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(self._readings)
        form.addRow(self._where)

    def show_run(self, row: RunRow | None) -> None:
        """Show a run, or nothing."""
        self._readings.setVisible(row is not None)
        # Zero-width spaces allow line breaks within the path.
        path = "" if row is None else row.path.replace("/", "/\u200b").replace("\\", "\\\u200b")
        self._where.setText("" if row is None else f"{moment(row.created)}\n{path}")
        if row is not None:
            self._readings.set_readings(_rows_of_all(row) if isinstance(row, Comparison) else _rows(row))


def _copies(row: RunRow) -> str:
    return ExperimentSpec.from_json(row.spec_json).copies if row.spec_json else f"k = {row.k or '–'}"


def _rows(row: RunRow) -> tuple[Reading, ...]:
    by = f"By the features {row.features}." if row.features else "Not measured yet."
    return (
        Reading("Data, copies", f"{row.data or '–'}, {_copies(row)}"),
        *([Reading("Comparison", row.sweep_title, "", f"One of the runs in {row.sweep}.")] if row.sweep else []),
        Reading("Network", f"{count(row.parameters)} parameters" if row.parameters else "not saved yet"),
        Reading("Training", f"{row.step:,} steps, {duration(row.elapsed_s)}"),
        Reading("Held-out error", number(row.held_out, 4)),
        Reading("Survival", percent(row.alive), "", "Share of surviving chains; known after samples were judged."),
        Reading("Distance", number(row.distance), "", by),
        *(Reading(name.replace("_", " "), words) for name, words in row.figures),
    )


def _rows_of_all(row: Comparison) -> tuple[Reading, ...]:
    ks = sorted({run.k for run in row.runs if run.k})
    return (
        Reading("Data", row.data or "–"),
        Reading("Copies k", ", ".join(map(str, ks)) or "–"),
        Reading("Runs", row.how_many, "", states(row)),
        Reading("Training in all", f"{row.step:,} steps, {duration(row.elapsed_s)}"),
        Reading("Held-out error", _between([run.held_out for run in row.runs], lambda value: number(value, 4))),
        Reading("Survival", _between([run.alive for run in row.runs], percent)),
        Reading("Distance", _between([run.distance for run in row.runs], number), "", row.features),
    )


def _between(values: Sequence[float], words: Callable[[float], str]) -> str:
    """Format the least and the largest of the known values."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "–"
    least, most = words(min(known)), words(max(known))
    return least if least == most else f"{least} to {most}"

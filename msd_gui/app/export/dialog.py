"""The dialog of exports: a live preview beside size, furniture, format and name of the file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from msd_engine.events import Event, Failed, Finished, Preview, Progress
from msd_engine.events.figures import LEAST_DPI, LEAST_MM, MOST_DPI, MOST_MM, Sheet
from msd_gui.app.export.picture import PreviewPicture, image_of
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Palette
from msd_gui.bridge.runner import Runner
from msd_gui.pages.base.exports import FigureExport
from msd_gui.session.settings import Settings
from msd_gui.theme import DARK, LIGHT
from msd_gui.views.base.colour_maps import paper

# A dragged or typed number has come to rest.
_REST_MS = 150
_WORDS = {
    ".png": "PNG, pixels with the settings inside",
    ".svg": "SVG, lines and text",
    ".pdf": "PDF, lines and text",
    ".gif": "GIF, animation with the settings inside",
    ".mp4": "MP4, film with the settings inside",
    ".webp": "WebP, animation with the settings inside",
}
_NO_VIDEO = "MP4 needs the package av: pip install av"
_COLOURS = {"light": "Light, for paper", "dark": "Dark, for slides"}


@dataclass(frozen=True)
class Choice:
    """What the user chooses for one kind of export.

    Attributes:
        suffix: The format.
        sheet: Size and furniture.
        with_caption: Whether the caption is drawn.
        colours: ``light`` or ``dark``.
    """

    suffix: str
    sheet: Sheet
    with_caption: bool = False
    colours: str = "light"

    def as_dict(self) -> dict[str, Any]:
        """Return the values to remember, by name; a caption belongs to one figure, and colours begin light."""
        sheet = self.sheet
        numbers = {"width_mm": sheet.width_mm, "dpi": sheet.dpi, "columns": sheet.columns}
        return numbers | {"suffix": self.suffix, "labels": sheet.labels, "with_caption": self.with_caption}

    @classmethod
    def remembered(cls, export: FigureExport, known: dict[str, Any]) -> Choice:
        """Return the choices of the last export of a kind; what is missing or impossible is as usual."""
        usual = export.sheet

        def value(name: str, low: float, high: float, other: float) -> float:
            found = known.get(name)
            if isinstance(found, bool) or not isinstance(found, int | float):
                return other
            return float(found) if low <= found <= high else other

        sheet = Sheet(
            value("width_mm", LEAST_MM, MOST_MM, usual.width_mm),
            value("dpi", LEAST_DPI, MOST_DPI, usual.dpi),
            int(value("columns", 0, 1e4, usual.columns)),
            known.get("labels") is not False,
        )
        suffix = known.get("suffix")
        return cls(suffix if suffix in export.suffixes else export.suffix, sheet, known.get("with_caption") is True)


class ExportDialog(QDialog):
    """Preview and choices of one figure.

    Attributes:
        saved: Emitted with the path of a written file.
    """

    saved = Signal(object)

    def __init__(self, parent: QWidget, export: FigureExport, clock: ScreenClock, settings: Settings) -> None:
        """Freeze the figure and draw the first preview."""
        super().__init__(parent)
        self.setWindowTitle(f"Export: {export.label}")
        self._export, self._settings = export, settings
        self._draft = export.draft()
        self._path = Path()
        self._previewer, self._writer, self._copier = (Runner(clock, self) for _ in range(3))
        self._copier.event_ready.connect(self._show_copied)
        self._previewer.event_ready.connect(self._show_preview)
        self._writer.event_ready.connect(self._show_written)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self.draw)
        self._build(Choice.remembered(export, settings.export_choice(export.name)))
        self.draw()

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self, choice: Choice) -> None:
        self.picture = PreviewPicture()
        self.size_line, self.status = QLabel(), QLabel()
        self.size_line.setProperty("role", "muted")
        self.status.setWordWrap(True)
        self.format = QComboBox()
        for suffix in self._export.suffixes:
            self.format.addItem(_WORDS[suffix], suffix)
        self._refuse_video()
        self.format.setCurrentIndex(self.format.findData(choice.suffix))
        self.width_mm, self.dpi = QDoubleSpinBox(), QSpinBox()
        self.width_mm.setRange(LEAST_MM, MOST_MM)
        self.width_mm.setDecimals(1)
        self.width_mm.setSuffix(" mm")
        self.width_mm.setValue(choice.sheet.width_mm)
        self.dpi.setRange(int(LEAST_DPI), int(MOST_DPI))
        self.dpi.setSuffix(" dpi")
        self.dpi.setValue(round(choice.sheet.dpi))
        self.columns = QSpinBox()
        self.columns.setRange(0, max(1, self._draft.most_columns))
        self.columns.setSpecialValueText("automatic")
        self.columns.setValue(choice.sheet.columns)
        self.labels = QCheckBox("Labels and legend")
        self.labels.setChecked(choice.sheet.labels)
        self.with_caption = QCheckBox("Caption")
        self.with_caption.setChecked(choice.with_caption)
        self.caption = QLineEdit(self._draft.caption)
        self.caption.setCursorPosition(0)
        self.caption.setEnabled(choice.with_caption)
        self.colours = QComboBox()
        for name, words in _COLOURS.items():
            self.colours.addItem(words, name)
        self.folder, self.name = QLineEdit(str(self._settings.last_folder)), QLineEdit(self._export.name)
        self.save_button, self.show_button = QPushButton("Save"), QPushButton("Show in folder")
        self.copy_button, self.close_button = QPushButton("Copy picture"), QPushButton("Close")
        self.browse = QPushButton("Browse …")
        self.save_button.setDefault(True)
        self.show_button.hide()
        self._name_parts()
        self._arrange()
        self._connect()

    def _name_parts(self) -> None:
        """Give every control the name that screen readers and tests use, and its help."""
        for name, box, title, words in (
            ("format", self.format, "Format", "PNG keeps the pixels, SVG and PDF the lines; the settings go into PNG."),
            ("width_mm", self.width_mm, "Width", "Width of the figure on paper. One column is about 85 mm."),
            ("dpi", self.dpi, "Resolution", "Pixels per inch of paper. Print needs 300, a screen 96."),
            ("columns", self.columns, "Columns of the grid", "Number of images side by side."),
            ("labels", self.labels, "Labels and legend", "Draw the legend and the words beside images."),
            ("with_caption", self.with_caption, "Caption", "Draw the text below the figure."),
            ("caption", self.caption, "Text of the caption", "Text below the figure."),
            ("colours", self.colours, "Colours", "A paper needs light colours, whatever the colours of the window."),
            ("folder", self.folder, "Folder", "Folder of the file."),
            ("name", self.name, "Name", "Name of the file; its format is added."),
            ("save", self.save_button, "Save the file", "Write what the preview shows."),
            ("show", self.show_button, "Show in folder", "Open the folder of the file."),
            ("copy", self.copy_button, "Copy the picture", "Copy the preview to the clipboard."),
            ("browse", self.browse, "Choose the folder", "Choose the folder of the file."),
        ):
            box.setObjectName(f"export.{name}")
            box.setAccessibleName(title)
            box.setToolTip(words)

    def _arrange(self) -> None:
        form = QFormLayout()
        form.addRow("Format", self.format)
        form.addRow("Width", self.width_mm)
        form.addRow("Resolution", self.dpi)
        if self._draft.most_columns:
            form.addRow("Columns", self.columns)
        form.addRow("", self.labels)
        form.addRow(self.with_caption, self.caption)
        form.addRow("Colours", self.colours)
        folder = QHBoxLayout()
        folder.addWidget(self.folder, 1)
        folder.addWidget(self.browse)
        form.addRow("Folder", folder)
        form.addRow("Name", self.name)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy_button)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.save_button)
        right = QVBoxLayout()
        right.addLayout(form)
        right.addWidget(self.status)
        right.addWidget(self.show_button)
        right.addStretch(1)
        right.addLayout(buttons)
        left = QVBoxLayout()
        left.addWidget(self.picture, 1)
        left.addWidget(self.size_line)
        row = QHBoxLayout(self)
        row.addLayout(left, 3)
        row.addLayout(right, 2)
        self.resize(980, 560)

    def _connect(self) -> None:
        for box in (self.width_mm, self.dpi, self.columns):
            box.valueChanged.connect(self._changed)
        for check in (self.labels, self.with_caption):
            check.toggled.connect(self._changed)
        self.with_caption.toggled.connect(self.caption.setEnabled)
        self.caption.textChanged.connect(self._changed)
        self.colours.currentIndexChanged.connect(self._changed)
        self.browse.clicked.connect(self._choose_folder)
        self.save_button.clicked.connect(self.save)
        self.show_button.clicked.connect(self._show_folder)
        self.copy_button.clicked.connect(self._copy)
        self.close_button.clicked.connect(self.reject)

    def _refuse_video(self) -> None:
        """Grey MP4 out where it cannot be written."""
        row = self.format.findData(".mp4")
        if row >= 0 and find_spec("av") is None:
            self.format.model().item(row).setEnabled(False)  # type: ignore[attr-defined]
            self.format.setItemText(row, _NO_VIDEO)

    # -- what is chosen ------------------------------------------------------------------------------------------------

    def choice(self) -> Choice:
        """Return the present choices."""
        caption = self.caption.text() if self.with_caption.isChecked() else ""
        columns = self.columns.value() if self._draft.most_columns else 0
        sheet = Sheet(self.width_mm.value(), float(self.dpi.value()), columns, self.labels.isChecked(), caption)
        colours = str(self.colours.currentData())
        return Choice(str(self.format.currentData()), sheet, self.with_caption.isChecked(), colours)

    def path(self) -> Path:
        """Return the file to write: the name with the suffix of the format, in the folder."""
        suffix, name = self.choice().suffix, self.name.text().strip() or self._export.name
        return Path(self.folder.text()).expanduser() / (name if name.lower().endswith(suffix) else name + suffix)

    # -- the preview ---------------------------------------------------------------------------------------------------

    @Slot()
    def _changed(self) -> None:
        self.save_button.setText("Save")
        self.show_button.hide()
        self._rest.start()

    @Slot()
    def draw(self) -> None:
        """Draw the figure with the present choices, in a thread."""
        choice = self.choice()
        self._rest.stop()
        self.size_line.setText("Drawing …")
        wide = round(max(self.picture.width(), self.picture.sizeHint().width()) * self.devicePixelRatioF())
        self._previewer.submit(self._draft.preview(choice.sheet, _palette(choice), wide))

    @Slot(object)
    def _show_preview(self, event: Event) -> None:
        match event:
            case Preview():
                self.picture.set_pixels(event.pixels)
                high, wide = event.size
                frames = f", picture {event.frame} of {event.frames}" if event.frames > 1 else ""
                self.size_line.setText(f"{wide:,} × {high:,} pixels{frames}")
            case Failed():
                self.size_line.setText(event.text)

    # -- the file ------------------------------------------------------------------------------------------------------

    @Slot()
    def save(self) -> None:
        """Write the file; ask by the button itself before another file is replaced."""
        path, choice = self.path(), self.choice()
        if path.exists() and self._path != path:
            # The next press replaces it.
            self._path = path
            self.status.setText(f"{path.name} already exists in {path.parent}. Press Replace to write over it.")
            self.save_button.setText("Replace")
            return
        self._path = path
        self._settings.set_export_choice(self._export.name, choice.as_dict())
        if path.parent.is_dir():
            self._settings.last_folder = path.parent
        self.status.setText("Writing …")
        self.save_button.setEnabled(False)
        self._writer.submit(self._draft.save(path, choice.sheet, _palette(choice)))

    @Slot(object)
    def _show_written(self, event: Event) -> None:
        match event:
            case Progress():
                self.status.setText(f"{event.text}, {event.step} of {event.total} …")
            case Finished():
                self.status.setText(event.text)
                self.show_button.show()
                self.saved.emit(self._path)
            case Failed():
                self.status.setText(event.text)
        if isinstance(event, Finished | Failed):
            self.save_button.setEnabled(True)
            self.save_button.setText("Save")
            self._path = Path()

    @Slot()
    def _choose_folder(self) -> None:
        found = QFileDialog.getExistingDirectory(self, "Folder", self.folder.text())
        if found:
            self.folder.setText(found)

    @Slot()
    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.path().parent)))

    @Slot()
    def _copy(self) -> None:
        """Draw the picture in its full size for the clipboard; of an animation the last one."""
        choice = self.choice()
        self._copier.submit(self._draft.preview(choice.sheet, _palette(choice), 0))

    @Slot(object)
    def _show_copied(self, event: Event) -> None:
        match event:
            case Preview():
                QGuiApplication.clipboard().setImage(image_of(event.pixels).copy())
                self.status.setText("Copied.")
            case Failed():
                self.status.setText(event.text)

    def done(self, result: int) -> None:
        """End the threads with the dialog."""
        self._rest.stop()
        for runner in (self._previewer, self._writer, self._copier):
            runner.close()
        super().done(result)


def _palette(choice: Choice) -> Palette:
    return paper(DARK if choice.colours == "dark" else LIGHT)

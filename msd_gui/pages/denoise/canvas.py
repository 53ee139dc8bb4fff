"""The canvas of the denoise page with its tools: brush, eraser, mask, clear, open, and held-out images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QColorDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from msd_gui.pages.base import layout
from msd_gui.session.addresses import left_out, local_paths
from msd_gui.theme import icon
from msd_gui.theme.tips import wrapped
from msd_gui.views.images.drawing import DrawingView, Tool
from msd_gui.widgets.panels.elided import ElidedLabel

TOOLS: tuple[tuple[Tool, str, str], ...] = (
    ("draw", "Draw", "Draw with the mouse: light strokes as in the data."),
    ("erase", "Erase", "Erase strokes: paint with the dark background."),
    ("mask", "Mask", "Mark the part to inpaint; the rest is kept."),
    ("unmask", "Unmask", "Remove the mark."),
)
# Radius of the brush in tenths of a pixel of the picture: sliders have whole numbers.
_LEAST_TENTHS, _MOST_TENTHS = 4, 50
# Radius for the strokes of handwritten digits, as a fraction of the picture's width.
_BRUSH = 0.043
_LEAST_CANVAS_PX = 150
_KINDS = "Pictures (*.png *.jpg *.jpeg *.gif *.webp *.bmp *.tif *.tiff);;All files (*)"


class Easel(QWidget):
    """A picture with drawing tools.

    Attributes:
        began: Emitted at the start of a stroke.
        drawn: Emitted with the picture after each move of the brush, and after clearing.
        masked: Emitted with the mask, likewise.
        ended: Emitted at the end of a stroke.
        file_chosen: Emitted with the path of a picture to open.
        refused: Emitted with a sentence about dropped files that are not opened.
        held_out_requested: Emitted with +1 or −1 for the next or previous held-out image.
    """

    began = Signal()
    drawn = Signal(object)
    masked = Signal(object)
    ended = Signal()
    file_chosen = Signal(object)
    refused = Signal(str)
    held_out_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.canvas = DrawingView()
        self.canvas.setObjectName("easel.canvas")
        self.canvas.setMinimumHeight(_LEAST_CANVAS_PX)
        self.setAcceptDrops(True)
        self._tools = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        self._colour = QColor("white")
        self.radius = QSlider(Qt.Orientation.Horizontal)
        self.radius.setObjectName("easel.radius")
        self.radius.setAccessibleName("Radius of the brush")
        self.radius.setToolTip("Radius of the brush, in pixels of the picture")
        self.radius.setRange(_LEAST_TENTHS, _MOST_TENTHS)
        self.radius.setMaximumWidth(90)
        self._radius_text = QLabel()
        self._radius_text.setProperty("role", "muted")
        self._build()
        self.canvas.stroke_began.connect(self.began)
        self.canvas.drawn.connect(lambda: self.drawn.emit(self.canvas.picture()))
        self.canvas.masked.connect(lambda: self.masked.emit(self.canvas.marked()))
        self.canvas.stroke_ended.connect(self.ended)
        self.radius.valueChanged.connect(self._set_radius)
        self.radius.setValue(round(10 * _BRUSH * self.canvas.picture().shape[2]))
        self._set_radius(self.radius.value())
        self.use("draw")

    def _build(self) -> None:
        tools, bottom = QWidget(), QHBoxLayout()
        top = QHBoxLayout(tools)
        top.setContentsMargins(0, 0, 0, 0)
        for row in (top, bottom):
            row.setSpacing(2)
        for tool, word, help_ in TOOLS:
            button = self._button(tool, word, help_)
            button.setCheckable(True)
            # With auto-raise, as in a tool bar, every style shows the chosen tool.
            button.setAutoRaise(True)
            self._tools.addButton(button)
            button.clicked.connect(lambda _on, tool=tool: self.use(tool))
            top.addWidget(button)
        top.addStretch(1)
        self._button("colour", "Colour", "Choose the colour of the brush.").clicked.connect(self._choose_colour)
        brush = layout.row(self.radius, self._radius_text, self.buttons["colour"], stretch=(1, 0, 0))
        self._button("clear", "Clear", "Clear the picture and the mask.").clicked.connect(self.clear)
        self._button("browse", "Open…", "Open a picture, or drop one here: it is cropped and scaled to the data.")
        self._button("back", "", "Previous held-out image.")
        self._button("step", "", "Next held-out image.")
        self.buttons["browse"].clicked.connect(self._choose_file)
        self.buttons["back"].clicked.connect(lambda: self.held_out_requested.emit(-1))
        self.buttons["step"].clicked.connect(lambda: self.held_out_requested.emit(1))
        self.source = ElidedLabel("muted")
        for name in ("clear", "browse"):
            bottom.addWidget(self.buttons[name])
        bottom.addWidget(self.source, 1)
        for part in (self.buttons["back"], self.buttons["step"]):
            bottom.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(layout.FoldingRow(tools, brush))
        column.addWidget(self.canvas, 1)
        column.addLayout(bottom)

    def _button(self, name: str, word: str, help_: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"easel.{name}")
        button.setText(word)
        button.setIcon(icon(name)) if not word or name == "browse" else None
        style = Qt.ToolButtonStyle
        # Beside text, room for an icon is kept even where there is none.
        with_word = style.ToolButtonTextOnly if button.icon().isNull() else style.ToolButtonTextBesideIcon
        button.setToolButtonStyle(with_word if word else style.ToolButtonIconOnly)
        button.setToolTip(wrapped(help_))
        button.setAccessibleName(word or help_)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.buttons[name] = button
        return button

    # -- dropped pictures ----------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept local files; the window accepts folders."""
        if _files(event.mimeData()):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the dropped file as a picture."""
        paths = _files(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.file_chosen.emit(paths[0])
            if sentence := left_out(paths):
                self.refused.emit(sentence)

    # -- picture and mask ----------------------------------------------------------------------------------------------

    def show_picture(self, picture: NDArray[np.uint8], source: str) -> None:
        """Show a picture, unless the mouse is drawing on it.

        Args:
            picture: With shape (C, H, W), uint8.
            source: Its origin in a few words.
        """
        self.source.setText(source)
        self.buttons["colour"].setVisible(len(picture) == 3)
        if not self.canvas.drawing:
            if picture.shape != self.canvas.picture().shape:
                self.radius.setValue(round(10 * _BRUSH * picture.shape[2]))
            self.canvas.set_picture(picture)

    def show_mask(self, mask: NDArray[np.bool_]) -> None:
        """Show a mask, shape (H, W), unless the mouse is painting it."""
        if not self.canvas.drawing:
            self.canvas.set_marked(mask)

    def use(self, tool: Tool) -> None:
        """Choose a tool."""
        self.canvas.tool = tool
        self.buttons[tool].setChecked(True)

    @Slot()
    def clear(self) -> None:
        """Clear the picture and the mask."""
        picture = np.zeros_like(self.canvas.picture())
        self.began.emit()
        self.canvas.set_picture(picture)
        self.canvas.set_marked(np.zeros(picture.shape[1:], np.bool_))
        self.drawn.emit(picture)
        self.masked.emit(self.canvas.marked())
        self.ended.emit()

    @Slot(int)
    def _set_radius(self, tenths: int) -> None:
        self.canvas.radius = tenths / 10
        self._radius_text.setText(f"{tenths / 10:.1f} px")
        self.canvas.update()

    @Slot()
    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", str(Path.home()), _KINDS)
        if path:
            self.file_chosen.emit(Path(path))

    @Slot()
    def _choose_colour(self) -> None:
        colour = QColorDialog.getColor(self._colour, self, "Colour of the brush")
        if colour.isValid():
            self._colour = colour
            self.canvas.colour = (colour.red(), colour.green(), colour.blue())


def _files(data: QMimeData) -> list[Path]:
    """List the dragged local files."""
    addresses = (url.toString(QUrl.ComponentFormattingOption.FullyEncoded) for url in data.urls())
    return [path for path in local_paths(addresses) if path.is_file()]

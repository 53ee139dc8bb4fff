"""The frame that all pages share: controls on the left, the picture in the middle, figures on the right."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from msd_gui.views.base.placeholder import Placeholder, PlaceholderStack

# Least and usual width. A laptop with doubled pixels has 960 of them beside each other, and 540 from top to bottom.
CONTROLS_PX = 282, 292
FIGURES_PX = 280, 316
# The middle is not made narrower or lower than that: it scrolls.
MIDDLE_PX, LOWEST_PX = 388, 280
# Room for a sentence of three lines, and for a button below it.
EMPTY_PX, EMPTY_BUTTON_PX = 64, 36


def heading(text: str) -> QLabel:
    """Return a small heading for a part of a column."""
    label = QLabel(text)
    label.setProperty("role", "title")
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def column(*widgets: QWidget, stretch: tuple[int, ...] = ()) -> QWidget:
    """Stack widgets from top to bottom.

    Args:
        widgets: From top to bottom.
        stretch: Share of the free height of each; by default none has any and the rest stays empty below.

    Returns:
        A widget that holds them.
    """
    holder = QWidget()
    box = QVBoxLayout(holder)
    box.setContentsMargins(8, 6, 8, 6)
    box.setSpacing(6)
    for index, widget in enumerate(widgets):
        box.addWidget(widget, stretch[index] if stretch else 0)
    if not any(stretch):
        box.addStretch(1)
    return holder


def row(*widgets: QWidget, stretch: tuple[int, ...]) -> QWidget:
    """Put widgets beside each other.

    Args:
        widgets: From left to right.
        stretch: Share of the free width of each.

    Returns:
        A widget that holds them.
    """
    holder = QWidget()
    box = QHBoxLayout(holder)
    box.setContentsMargins(0, 0, 0, 0)
    for widget, share in zip(widgets, stretch, strict=True):
        box.addWidget(widget, share)
    return holder


class Area(QScrollArea):
    """A part of a page that scrolls when the window is low.

    Args:
        widget: What is in it.
        least_px: Width to which it shrinks in a narrow window.
        most_px: Width that it takes where there is room; 0 for all that is left.
    """

    def __init__(self, widget: QWidget, least_px: int, most_px: int = 0) -> None:
        super().__init__()
        self._least_px, self._most_px = least_px, most_px
        self.setWidget(widget)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        if most_px:
            self.setMaximumWidth(most_px)
            self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def sizeHint(self) -> QSize:
        """Return the usual width of a column, and no more than the middle needs."""
        height_px = self.minimumSizeHint().height()
        return QSize(self._most_px or self.minimumSizeHint().width(), height_px)

    def minimumSizeHint(self) -> QSize:
        """Return a width at which nothing is cut in a column, and what the middle needs unless that is too much."""
        if self._most_px:
            return QSize(self._least_px, LOWEST_PX)
        least = self.widget().minimumSizeHint()
        return QSize(min(least.width(), self._least_px), min(least.height(), LOWEST_PX))


def lay_out(page: QWidget, controls: QWidget, middle: QWidget, figures: QWidget) -> None:
    """Give a page its three columns; more room goes to the middle."""
    middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    box = QHBoxLayout(page)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(0)
    box.addWidget(Area(column(controls), *CONTROLS_PX))
    box.addWidget(Area(middle, MIDDLE_PX), 1)
    box.addWidget(Area(figures, *FIGURES_PX))


def lay_out_wide(page: QWidget, middle: QWidget, figures: QWidget) -> None:
    """Give a page without controls two columns; more room goes to the first."""
    middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    box = QHBoxLayout(page)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(0)
    box.addWidget(Area(middle, MIDDLE_PX), 1)
    box.addWidget(Area(figures, *FIGURES_PX))


def with_placeholder(view: QWidget, sentence: str, button: str = "", height_px: int = 0) -> PlaceholderStack:
    """Return a place that says what will be seen there until there is something to see.

    Args:
        view: What will be seen.
        sentence: What it will be.
        button: What the button says that brings it; empty for none.
        height_px: Fixed height of the view; 0 lets it grow.

    Returns:
        The place, which shows the sentence.
    """
    empty_px = EMPTY_PX + (EMPTY_BUTTON_PX if button else 0)
    return PlaceholderStack(view, Placeholder(sentence, button), height_px=height_px, empty_px=empty_px)

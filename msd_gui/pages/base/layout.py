"""Layout of all pages: controls on the left, pictures in the middle, figures on the right."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from msd_gui.views.base.placeholder import Placeholder, PlaceholderStack
from msd_gui.widgets.panels.elided import ElidedLabel

# Least and usual width. A laptop with doubled pixels has a screen of 960 × 540.
CONTROLS_PX = 286, 292
FIGURES_PX = 280, 316
_SETTLING_MS = 500
# Below this width and height the middle scrolls.
MIDDLE_PX, LOWEST_PX = 388, 280
# Room for a sentence of three lines, and for a button below it.
EMPTY_PX, EMPTY_BUTTON_PX = 64, 36


def heading(text: str, *, elided: bool = False) -> QLabel:
    """Create a small heading for a part of a column; `elided` for a long one that must not widen it."""
    label = ElidedLabel() if elided else QLabel()
    label.setText(text)
    label.setProperty("role", "title")
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def column(*widgets: QWidget, stretch: tuple[int, ...] = ()) -> QWidget:
    """Stack widgets from top to bottom.

    Args:
        widgets: From top to bottom.
        stretch: Share of the free height for each; by default the free height stays empty below.
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


def stacked(*widgets: QWidget) -> QWidget:
    """Stack widgets without margins."""
    holder = QWidget()
    box = QVBoxLayout(holder)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(2)
    for widget in widgets:
        box.addWidget(widget)
    return holder


def box_of(holder: QWidget) -> QBoxLayout:
    """Return the layout of a row or column, for widgets that come later."""
    box = holder.layout()
    assert isinstance(box, QBoxLayout)
    return box


def fill_row(holder: QWidget, *widgets: QWidget) -> None:
    """Put widgets side by side into a widget, with equal shares of its width."""
    box = QHBoxLayout(holder)
    box.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        box.addWidget(widget, 1)


def row(*widgets: QWidget, stretch: tuple[int, ...]) -> QWidget:
    """Put widgets side by side, from left to right; `stretch` has the share of the free width for each."""
    holder = QWidget()
    box = QHBoxLayout(holder)
    box.setContentsMargins(0, 0, 0, 0)
    for widget, share in zip(widgets, stretch, strict=True):
        box.addWidget(widget, share)
    return holder


class FoldingRow(QWidget):
    """Two widgets side by side, or one below the other where the width does not suffice.

    Args:
        first: Gets the free width.
        second: The other one.
        share: Whether the second gets as much of it.
    """

    def __init__(self, first: QWidget, second: QWidget, *, share: bool = False) -> None:
        super().__init__()
        self._parts = first, second
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.addWidget(first, 1)
        self._box.addWidget(second, int(share))

    def minimumSizeHint(self) -> QSize:
        """Leave room for the wider of the two, and the present height."""
        width = max(part.minimumSizeHint().width() for part in self._parts)
        return QSize(width, self._box.minimumSize().height())

    def event(self, event: QEvent) -> bool:
        """Fold or unfold at another width, and where a part needs another width."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._fold()
        return super().event(event)

    def _fold(self) -> None:
        needed = sum(part.minimumSizeHint().width() for part in self._parts) + self._box.spacing()
        direction = QBoxLayout.Direction.TopToBottom if self.width() < needed else QBoxLayout.Direction.LeftToRight
        if direction != self._box.direction():
            self._box.setDirection(direction)


class Area(QScrollArea):
    """A part of a page that scrolls in a small window.

    Args:
        widget: Content.
        least_px: Width in a narrow window.
        most_px: Width in a wide window; 0 for all free width.
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
        """Give a column its usual width, and the middle its least size."""
        height_px = self.minimumSizeHint().height()
        return QSize(self._most_px or self.minimumSizeHint().width(), height_px)

    def minimumSizeHint(self) -> QSize:
        """Give a column a width that cuts nothing, and the middle its least size up to a bound."""
        if self._most_px:
            return QSize(self._least_px, LOWEST_PX)
        least = self.widget().minimumSizeHint()
        # In a low window the content scrolls, and must fit beside the bar.
        width = least.width() + self.verticalScrollBar().sizeHint().width()
        return QSize(min(width, self._least_px), min(least.height(), LOWEST_PX))


def reveal(widget: QWidget) -> None:
    """Scroll the part of the page that holds a widget until the widget is seen, from its top if it is higher.

    What the widget shows may take its room a moment later: it stays in sight meanwhile.
    """
    above = widget.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    if above is None:
        return
    area, bar = above, above.verticalScrollBar()

    def scroll() -> None:
        top = widget.mapTo(area.widget(), QPoint(0, 0)).y()
        bar.setValue(min(top, max(bar.value(), top + widget.height() - area.viewport().height())))

    scroll()
    # By then its own place is known, too.
    following = bar.rangeChanged.connect(lambda: QTimer.singleShot(0, area, scroll))
    QTimer.singleShot(_SETTLING_MS, area, lambda: bar.rangeChanged.disconnect(following))


def lay_out(page: QWidget, controls: QWidget, middle: QWidget, figures: QWidget) -> None:
    """Give a page three columns; the middle gets the free width."""
    middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    box = QHBoxLayout(page)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(0)
    box.addWidget(Area(column(controls), *CONTROLS_PX))
    box.addWidget(Area(middle, MIDDLE_PX), 1)
    box.addWidget(Area(figures, *FIGURES_PX))


def lay_out_wide(page: QWidget, middle: QWidget, figures: QWidget) -> None:
    """Give a page without controls two columns; the first gets the free width."""
    middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    box = QHBoxLayout(page)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(0)
    box.addWidget(Area(middle, MIDDLE_PX), 1)
    box.addWidget(Area(figures, *FIGURES_PX))


def lay_out_controls(page: QWidget, controls: QWidget, middle: QWidget) -> None:
    """Give a page without a column of figures two columns; the second gets the free width and does not scroll."""
    box = QHBoxLayout(page)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(0)
    box.addWidget(Area(controls, *CONTROLS_PX))
    box.addWidget(middle, 1)


def with_placeholder(view: QWidget, sentence: str, button: str = "", height_px: int = 0) -> PlaceholderStack:
    """Wrap a view in a placeholder until it has data.

    Args:
        view: The view.
        sentence: Text of the placeholder.
        button: Text of its button; empty for none.
        height_px: Fixed height of the view; 0 lets it grow.
    """
    empty_px = EMPTY_PX + (EMPTY_BUTTON_PX if button else 0)
    return PlaceholderStack(view, Placeholder(sentence, button), height_px=height_px, empty_px=empty_px)

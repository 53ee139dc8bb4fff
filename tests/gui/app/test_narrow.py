"""No page scrolls sideways and no text is cut in a small window, a large one, light or dark."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)

from msd_engine.specs import load_preset
from msd_gui.pages.base.layout import Area
from msd_gui.session.resolve import Problem, Remedy
from msd_gui.widgets.panels.elided import ElidedCombo, ElidedLabel

# 1920 × 1080 at 200 %, and the usual laptops.
LOOKS = [((960, 540), "light"), ((960, 540), "dark"), ((1280, 800), "light"), ((1366, 768), "dark")]
# Pixels by which a style may draw a frame or an antialiased letter beyond its hint.
TOLERANCE_PX = 1


LABELS = ("Back to 4", "Use the pretrained network for k = 3", "Use the exact score", "Train for every k")
PROBLEM = Problem(
    "This network has k = 4",
    "k = 3 is set, but 20261127-031500-digits-k4 needs 4 copies.",
    tuple(Remedy(label) for label in LABELS),
)


def words_px(combo: QComboBox) -> tuple[int, int]:
    """Return the width of the chosen words and that of their place."""
    option = QStyleOptionComboBox()
    combo.initStyleOption(option)
    kind, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
    place = combo.style().subControlRect(kind, option, part, combo)
    return combo.fontMetrics().horizontalAdvance(combo.currentText()), place.width()


def is_cut(widget: QWidget) -> bool:
    """Return whether a text does not fit into its widget; a line with an ellipsis does."""
    if isinstance(widget, ElidedLabel | ElidedCombo):
        return False
    if isinstance(widget, QLabel) and widget.wordWrap():
        return widget.heightForWidth(widget.width()) > widget.height() + TOLERANCE_PX
    if isinstance(widget, QLabel | QAbstractButton):
        return bool(widget.text()) and widget.sizeHint().width() > widget.width() + TOLERANCE_PX
    if isinstance(widget, QComboBox):
        needed, there = words_px(widget)
        return needed > there + TOLERANCE_PX
    return False


def faults(window) -> list[str]:
    """Describe what is cut or scrolls sideways in the visible page and in the tool bar."""
    for _ in range(3):
        QApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    parts = [part for place in (window.page, window.bar) for part in place.findChildren(QWidget) if part.isVisible()]
    areas = [area for area in parts if isinstance(area, Area)]
    assert areas
    wide = [area for area in areas if area.widget().width() > area.viewport().width()]
    cut = [part.currentText() if isinstance(part, QComboBox) else part.text() for part in parts if is_cut(part)]
    return [f"{area.widget().width()} px in {area.viewport().width()} px" for area in wide] + cut


def states(window):
    """Bring each page to the front, and some of them also to other states; give each a name."""
    for name in window.pages:
        window.show_page(name)
        yield name
        if name == "denoise":
            window.page.tabs.setCurrentIndex(1)
            yield "chains by hand"
        if name == "compare":
            places = window.page.form.place.place
            for row in range(1, places.count()):
                places.setCurrentIndex(row)
                yield places.currentText()
        if name == "images":
            # Whichever networks ship: a card that offers all that can be done.
            window.page.card.show_problem(PROBLEM)
            yield "card of the network"
            window.page.card.show_problem(None)
        if name == "denoise":
            # Colours have one more tool.
            window.page.experiment.set(load_preset("cifar10-20min"))
            yield "colours"


def test_no_page_scrolls_sideways_and_no_text_is_cut(window):
    found = {}
    for screen, theme in LOOKS:
        window.theme.set_choice(theme)
        for state in states(window):
            window.resize(*screen)
            listed = faults(window)
            assert (window.width(), window.height()) == screen
            if listed:
                found[screen, theme, state] = listed
    assert found == {}

"""Habits of plots: the wheel in a column that scrolls, and round numbers on logarithmic axes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from msd_gui.views.base.log_axis import LogAxis
from msd_gui.views.curves.losses import LossView


@pytest.fixture
def column(qtbot):
    """Plots in a column that is too long for its area."""
    area, panel = QScrollArea(), QWidget()
    rows = QVBoxLayout(panel)
    plots = [LossView() for _ in range(4)]
    for plot in plots:
        plot.setFixedHeight(200)
        rows.addWidget(plot)
    area.setWidget(panel)
    area.setWidgetResizable(True)
    area.resize(360, 300)
    qtbot.addWidget(area)
    with qtbot.waitExposed(area):
        area.show()
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() > 0)
    return area, plots


def turn_wheel(plot, modifiers=Qt.KeyboardModifier.NoModifier):
    place = plot.mapTo(plot.window(), plot.rect().center())
    QTest.wheelEvent(plot.window().windowHandle(), QPointF(place), QPoint(0, -120), QPoint(), modifiers)
    QApplication.processEvents()


def test_the_wheel_over_a_plot_scrolls_its_column(column):
    area, plots = column
    before = plots[0].box.viewRange()
    turn_wheel(plots[0])
    assert area.verticalScrollBar().value() > 0
    assert plots[0].box.viewRange() == before


def test_the_wheel_with_control_zooms(column):
    area, plots = column
    before = plots[0].box.viewRange()
    turn_wheel(plots[0], Qt.KeyboardModifier.ControlModifier)
    assert area.verticalScrollBar().value() == 0
    assert plots[0].box.viewRange() != before


def test_the_wheel_zooms_where_nothing_scrolls(qtbot):
    plot = LossView()
    qtbot.addWidget(plot)
    with qtbot.waitExposed(plot):
        plot.show()
    before = plot.box.viewRange()
    turn_wheel(plot)
    assert plot.box.viewRange() != before


@given(
    st.floats(min_value=-8, max_value=8), st.floats(min_value=1e-6, max_value=3), st.floats(min_value=60, max_value=900)
)
def test_ticks_of_logarithmic_axes_are_round_and_distinct(low, span, size):
    axis = LogAxis("bottom")
    axis.set_logarithmic(True)
    spacing, places = axis.tickValues(low, low + span, size)[0]
    words = axis.tickStrings(places, 1.0, spacing)
    assert len(places) >= 1 or spacing < 0
    assert len(words) == len(set(words))
    for place, word in zip(places, words, strict=True):
        # What is written stands where it belongs: it was not rounded for the sake of the words.
        assert math.log10(float(word)) == pytest.approx(place, abs=1e-6 + 1e-3 * span)


def test_a_narrow_span_has_round_numbers():
    axis = LogAxis("bottom")
    axis.set_logarithmic(True)
    (pair,) = axis.tickValues(math.log10(44.8), math.log10(55.3), 320)
    assert axis.tickStrings(pair[1], 1.0, pair[0]) == ["46", "48", "50", "52", "54"]
    (pair,) = axis.tickValues(math.log10(83.85), math.log10(83.95), 320)
    assert axis.tickStrings(pair[1], 1.0, pair[0]) == ["83.86", "83.88", "83.9", "83.92", "83.94"]

"""Figures and spans of time as people read them."""

from __future__ import annotations

import math

import pytest

from msd_gui.widgets.controls.numbers import duration, number


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 3, "0"),
        (0.05, 3, "0.05"),
        (0.00025, 3, "0.00025"),
        (1.234e-5, 3, "1.23e-05"),
        (-2.3456, 3, "-2.35"),
        (1.23456, 5, "1.2346"),
        (999.7, 3, "1000"),
        (1234.4, 3, "1234"),
        (123.4, 2, "123"),
        (-99_999.0, 3, "-99999"),
        (123_456.0, 3, "1.23e+05"),
        (math.nan, 3, "–"),
        (math.inf, 3, "∞"),
        (-math.inf, 3, "−∞"),
    ],
)
def test_a_figure_has_an_exponent_only_where_it_is_very_large_or_small(value, digits, text):
    assert number(value, digits) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8.06, "8.1 s"), (125.0, "2:05 min"), (3 * 3600 + 20 * 60, "3:20 h"), (math.nan, "–")],
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text


def test_a_duration_may_have_whole_seconds():
    assert duration(8, digits=0) == "8 s"

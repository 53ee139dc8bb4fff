"""Figures and spans of time as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msd_gui.widgets.controls.numbers import duration, number, read_number


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


@pytest.mark.parametrize("text", ["1e-3", "0.001", "0,001", " .001 ", "1·10^-3", "1 × 10^−3", "1*10^-3", "10e-4"])
def test_one_number_in_many_writings(text):
    assert read_number(text, whole=False) == 1e-3


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    "text",
    ["10000", "1e4", "10 000", "10\u00a0000", "10\u202f000", "10'000", "10’000", "10_000", "10,000", "+10000", "1E+4"],
)
def test_ten_thousand_in_many_writings(text, whole):
    found = read_number(text, whole=whole)
    assert found == 10_000
    assert type(found) is (int if whole else float)


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1,234,567", ".", 1_234_567), ("1.234.567", ".", 1_234_567), ("12,34,567", ".", 1_234_567),
        ("1,234.5", ".", 1234.5), ("1.234,5", ".", 1234.5), ("1,5", ".", 1.5), ("12,25", ",", 12.25),
        ("1.125", ".", 1.125), ("1,125", ",", 1.125), ("1,125", ".", 1125), ("10,0000", ".", 10), ("−2", ".", -2),
        ("0,125", ".", 0.125), ("0.125", ",", 0.125), ("1234,567", ".", 1234.567), ("10.", ".", 10),
    ],
)  # fmt: skip
def test_commas_and_points_are_read_by_what_stands_around_them(text, decimal, value):
    assert read_number(text, whole=False, decimal=decimal) == value


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("text", ["20.000", "1.250"])
def test_what_could_be_two_whole_numbers_is_refused(text, decimal):
    with pytest.raises(ValueError, match="it could be"):
        read_number(text, whole=True, decimal=decimal)


@pytest.mark.parametrize(("text", "decimal"), [("20.000", "."), ("20.000", ","), ("10,000", ","), ("1.125", ",")])
def test_what_could_be_two_numbers_is_refused(text, decimal):
    with pytest.raises(ValueError, match=r"it could be [\d.]+ or \d+; write one of these"):
        read_number(text, whole=False, decimal=decimal)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no number"), ("e", "no number"), ("one", "no number"), ("nan", "no number"), ("inf", "no number"),
        ("--1", "no number"), ("1.2.3", "no number"), ("1 2", "no number"), ("1,2,3", "no number"),
        ("0x10", "no number"), ("1e3.5", "no number"), ("٣", "no number"), ("5%", "no number"), ("1..2", "no number"),
        ("1e999", "too large"), ("1e-999", "too small"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused_with_the_reason(text, why):
    with pytest.raises(ValueError, match=why):
        read_number(text, whole=False)


def test_whole_numbers_may_be_written_as_powers_but_have_no_fraction():
    assert read_number("1e3", whole=True) == 1000
    assert read_number("2.0", whole=True) == 2
    with pytest.raises(ValueError, match="no whole number"):
        read_number("1.5", whole=True)


def read_or_why(text, **kinds):
    try:
        return read_number(text, **kinds)
    except ValueError as error:
        return str(error)


@given(st.integers(min_value=-(10**17), max_value=10**17), st.sampled_from([",", ".", " ", "'", "_", ""]))
def test_a_grouped_whole_number_is_itself_or_refused(value, sign):
    found = read_or_why(f"{value:,}".replace(",", sign), whole=True)
    assert found == value or (sign == "." and f"or {abs(value)};" in found)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([".", ","]))
def test_any_float_comes_back_to_the_bit_or_is_refused(value, decimal):
    found = read_or_why(repr(value).replace(".", decimal), whole=False, decimal=decimal)
    assert found == value or "it could be" in found

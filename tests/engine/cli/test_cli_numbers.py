"""Whole numbers on the command line."""

import re

import pytest

from msd_engine.cli.fields import whole_number


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("1e6", 1_000_000), ("1.5e3", 1500), ("-5", -5), ("2E2", 200)])
def test_whole_numbers_may_be_written_as_powers(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", [" ", "1e-1", "1.25e1", "20.000", "10,000", "0x10", "1_000", "²", "nan", "1e999"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        whole_number(text)

"""Numbers and durations as text, and text as numbers; knows no engine, so that views may use it too."""

from __future__ import annotations

import math
import re

FEWEST_DIGITS, MOST_DIGITS = 4, 9


def format_number(value: float) -> str:
    """Write a number with as few digits as tell what it is.

    At least four significant digits are kept (fewer where the rest are zeros), and more near one, where decays such as
    0.9999 differ from one in their last digits only.

    Args:
        value: The number.

    Returns:
        Text such as ``0.003``, ``1.5e-6`` or ``23500``.
    """
    if isinstance(value, int):
        return str(value)
    text = ""
    for digits in range(FEWEST_DIGITS, MOST_DIGITS + 1):
        text = f"{value:.{digits}g}"
        if abs(float(text) - value) <= 1e-3 * min(abs(value), abs(1.0 - value)) or value == 0.0:
            break
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return mantissa
    whole = f"{value:.0f}"
    return whole if len(whole) <= 6 and float(whole) == float(text) else f"{mantissa}e{int(exponent)}"


def number(value: float, digits: int = 3) -> str:
    """Write a figure to be read.

    Args:
        value: The figure.
        digits: Digits that count.

    Returns:
        Text without an exponent up to 99 999 and down to 0.0001; a dash for NaN and ∞ for infinity.
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+0" in text and abs(value) < 1e5 else text


def duration(seconds: float, digits: int = 1) -> str:
    """Write a span of time: ``8.1 s``, ``2:05 min`` or ``3:20 h``; a dash for NaN.

    Args:
        seconds: The span.
        digits: Digits after the point where it is under a minute.
    """
    if math.isnan(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.{digits}f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d} h"


def parse_number(text: str, *, whole: bool) -> float | None:
    """Read a number as people write it.

    Args:
        text: Such as ``1e-3``, ``0,5`` or ``−2``.
        whole: Whether only whole numbers are meant.

    Returns:
        The number, an int where `whole`; None where the text is none.
    """
    plain = text.strip().replace("−", "-").replace(",", ".")
    plain = re.sub(r"\s*[·×*]\s*10\s*\^?\s*", "e", plain)
    try:
        value = float(plain)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    if whole:
        return int(value) if value == int(value) else None
    return value

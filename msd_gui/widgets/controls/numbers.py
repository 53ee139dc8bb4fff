"""Numbers and durations as text, and text as numbers; knows no engine, so that views may use it too."""

from __future__ import annotations

import math
import re
from decimal import Decimal

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


def read_number(text: str, *, whole: bool, decimal: str = ".") -> float:
    """Read a number as people write it.

    Understood are ``1e-3``, ``1·10^-3``, ``−2`` and groups of thousands, set apart by spaces, apostrophes, points or
    commas. The program itself writes a decimal point; what could be meant in two ways is refused.

    Args:
        text: What was typed.
        whole: Whether only whole numbers are meant.
        decimal: Decimal sign of the user's language, a point or a comma.

    Returns:
        The number, an int where `whole`.

    Raises:
        ValueError: The text is no number, or could be two; the message says which.
    """
    plain = re.sub(r"\s*[·×*]\s*10\s*\^?\s*", "e", text.strip().replace("−", "-"))
    found = re.fullmatch(r"([+-]?)([0-9][0-9\s.,'’_]*|[.,][0-9]+)(?:e([+-]?[0-9]{1,4}))?", plain, re.IGNORECASE)
    digits = _point_alone(found[2].strip(), whole=whole, decimal=decimal) if found else ""
    if not found or not digits:
        raise ValueError("it is no number")
    exact = Decimal(f"{found[1]}{digits}e{found[3] or 0}")
    value = float(exact)
    if math.isinf(value) or (value == 0.0 and exact):
        raise ValueError("it is too large" if math.isinf(value) else "it is too small to be told from 0")
    if not whole:
        return value
    if exact != exact.to_integral_value():
        raise ValueError("it is no whole number")
    return int(exact)


def _point_alone(digits: str, *, whole: bool, decimal: str) -> str:
    """Return digits with a decimal point at most; empty where the groups are none of thousands."""
    spaced = re.sub(r"(?<=[0-9])[\s'’_](?=[0-9]{3}(?![0-9]))", "", digits)
    if not re.fullmatch(r"[0-9.,]+", spaced):
        return ""
    signs = re.findall("[.,]", spaced)
    if not signs:
        return spaced
    last = signs[-1]
    if len(set(signs)) == 2:
        # The last sign is the decimal one, those before it set thousands apart.
        front, _, rest = spaced.rpartition(last)
        return (
            f"{front.replace(signs[0], '')}.{rest}" if _is_grouped(front, signs[0]) and signs.count(last) == 1 else ""
        )
    if len(signs) > 1:
        return spaced.replace(last, "") if _is_grouped(spaced, last) else ""
    front, _, rest = spaced.partition(last)
    if not _is_grouped(spaced, last) or front.startswith("0"):
        return f"{front or 0}.{rest}"
    # One sign before three digits: 10,000 is ten thousand here and ten there.
    if last == "," and decimal == ".":
        return front + rest
    if last == decimal and not whole and rest != "000":
        return f"{front}.{rest}"
    raise ValueError(f"it could be {_shortened(front, rest)} or {front}{rest}; write one of these")


def _shortened(front: str, rest: str) -> str:
    return f"{front}.{rest}".rstrip("0").rstrip(".")


def _is_grouped(digits: str, sign: str) -> bool:
    """Return whether a sign sets groups of three digits apart, or groups of two before the last one as in India."""
    return re.fullmatch(rf"[0-9]{{1,3}}(\{sign}[0-9]{{2,3}})*\{sign}[0-9]{{3}}", digits) is not None

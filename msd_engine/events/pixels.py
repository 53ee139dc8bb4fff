"""Conversion of pixels: data units in [-1, 1] in the engine, bytes in files and on screens."""

from __future__ import annotations

from typing import Any


def to_grey(x: Any) -> Any:
    """Round data units to whole grey values from 0 to 255; clip values outside [-1, 1], keep NaN.

    Args:
        x: Array or tensor of any shape, floating point.

    Returns:
        The same shape and type, not yet cast to uint8.
    """
    return ((x.clip(-1.0, 1.0) + 1.0) * 127.5).round()


def to_data(grey: Any) -> Any:
    """Scale grey values to data units: the inverse of `to_grey`.

    Args:
        grey: Array or tensor of any shape with values from 0 to 255; float32 arrays and uint8 tensors give float32.

    Returns:
        The same shape, in [-1, 1].
    """
    x = grey / 127.5
    x -= 1.0
    return x

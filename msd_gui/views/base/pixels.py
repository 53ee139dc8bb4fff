"""Conversion of image arrays to Qt images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage


def to_uint8(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert images to 8-bit values.

    Args:
        images: uint8 values, returned unchanged, or floats in [-1, 1]; of any shape. Values that are not finite
            become black.

    Returns:
        The same shape, uint8.
    """
    if images.dtype == np.uint8:
        return images
    scaled = np.clip(np.nan_to_num(images, nan=-1.0), -1.0, 1.0)
    return np.asarray(scaled * 127.5 + 128.0, dtype=np.float32).clip(0, 255).astype(np.uint8)


def to_rgb32(images: NDArray[Any]) -> NDArray[np.uint32]:
    """Convert images to Qt's 32-bit colours.

    Args:
        images: With shape (..., C, H, W), C = 1 or 3, as for `to_uint8`.

    Returns:
        0xffrrggbb values with shape (..., H, W).
    """
    bytes_ = to_uint8(images).astype(np.uint32)
    red, green, blue = (bytes_[..., min(c, bytes_.shape[-3] - 1), :, :] for c in range(3))
    return np.uint32(0xFF000000) | red << np.uint32(16) | green << np.uint32(8) | blue


def image_of_rgb32(pixels: NDArray[np.uint32]) -> QImage:
    """Return a QImage that owns its memory, from 0xffrrggbb values with shape (H, W)."""
    held = np.ascontiguousarray(pixels)
    height, width = held.shape
    # Copied: a QImage on foreign memory is valid only as long as that memory.
    return QImage(held.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()

"""Views on the screen, and what is painted there."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage


def shown(qtbot, view, width=500, height=440):
    qtbot.addWidget(view)
    view.resize(width, height)
    with qtbot.waitExposed(view):
        view.show()
    return view


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width()).copy()


def channels(image: QImage) -> np.ndarray:
    return pixels(image).view(np.uint8).reshape(image.height(), image.width(), 4)[..., :3].astype(int)


def rgb(colour: str) -> int:
    return 0xFF000000 | int(colour[1:], 16)

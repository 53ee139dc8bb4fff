"""Named colours: one meaning, one colour, in every view.

Data are grey, exact results blue, learned ones orange, the chosen chain magenta. Colour-blind people can distinguish
the four, and every colour of text has a contrast of at least 4.5 : 1 on every surface (WCAG 2.1, 1.4.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import QColor, QPalette

SchemeName = Literal["light", "dark"]

# Size of small text relative to the application's font.
SMALL_FONT = 0.86


@dataclass(frozen=True)
class Colours:
    """All named colours of one scheme, as ``#RRGGBB``.

    Attributes:
        scheme: ``light`` or ``dark``.
        window: Surface of the window and its panels.
        base: Surface of plots, lists and text boxes.
        raised: Surface of buttons and cards.
        border: Lines around things; not for text.
        text: Ordinary text.
        muted: Secondary text and axes.
        accent: Selection and focus.
        on_accent: Text on the accent.
        data: Data.
        exact: Exact results: density, posterior mean, MMSE.
        learned: Results of a trained network.
        chosen: The chosen chain, its copies and its path.
        warning: Warnings.
        error: Errors.
        good: Good results.
    """

    scheme: SchemeName
    window: str
    base: str
    raised: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    data: str
    exact: str
    learned: str
    chosen: str
    warning: str
    error: str
    good: str


LIGHT = Colours(
    scheme="light",
    window="#F4F5F7",
    base="#FFFFFF",
    raised="#ECEEF1",
    border="#C3C8CF",
    text="#1B1F24",
    muted="#565D67",
    accent="#0063A6",
    on_accent="#FFFFFF",
    data="#666B72",
    exact="#0068B0",
    learned="#AD5200",
    chosen="#880077",
    warning="#7A5B00",
    error="#B42318",
    good="#0B7254",
)

DARK = Colours(
    scheme="dark",
    window="#1F2226",
    base="#16181C",
    raised="#2A2E33",
    border="#474D55",
    text="#E6E8EB",
    muted="#A4ABB5",
    accent="#6CB8F0",
    on_accent="#10161C",
    data="#B4BAC2",
    exact="#5DB7F5",
    learned="#F5A742",
    chosen="#FF5CCB",
    warning="#E3C14B",
    error="#FF8B7E",
    good="#4CCBA0",
)


def colours_of(palette: QPalette) -> Colours:
    """Return the named colours of a palette: `DARK` if its window is dark, else `LIGHT`."""
    return DARK if palette.color(QPalette.ColorRole.Window).lightnessF() < 0.5 else LIGHT


def with_alpha(colour: str, alpha: float) -> QColor:
    """Return a colour ``#RRGGBB`` with an opacity from 0 to 1."""
    result = QColor(colour)
    result.setAlphaF(alpha)
    return result

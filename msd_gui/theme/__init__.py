"""Colours with one meaning in every view, light and dark, and icons."""

from msd_gui.theme.colours import (
    DARK,
    LIGHT,
    SMALL_FONT,
    Colours,
    colours_of,
    with_alpha,
)
from msd_gui.theme.icons import GLYPHS, app_icon, icon
from msd_gui.theme.palette import THEME_CHOICES, Theme, ThemeChoice, make_palette, readable, style_sheet

__all__ = [
    "DARK",
    "GLYPHS",
    "LIGHT",
    "SMALL_FONT",
    "THEME_CHOICES",
    "Colours",
    "Theme",
    "ThemeChoice",
    "app_icon",
    "colours_of",
    "icon",
    "make_palette",
    "readable",
    "style_sheet",
    "with_alpha",
]

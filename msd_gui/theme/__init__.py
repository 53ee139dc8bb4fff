"""Colours with one meaning in every view, light and dark, and the icons."""

from msd_gui.theme.colours import (
    DARK,
    LARGE_FONT,
    LIGHT,
    NORMAL_PX,
    SMALL_FONT,
    THICK_PX,
    THIN_PX,
    Colours,
    colours_of,
    with_alpha,
)
from msd_gui.theme.icons import GLYPHS, app_icon, icon
from msd_gui.theme.palette import THEME_CHOICES, Theme, ThemeChoice, make_palette, readable, style_sheet

__all__ = [
    "DARK",
    "GLYPHS",
    "LARGE_FONT",
    "LIGHT",
    "NORMAL_PX",
    "SMALL_FONT",
    "THEME_CHOICES",
    "THICK_PX",
    "THIN_PX",
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

"""Colours that everyone can read and tell apart, and a scheme that follows the system or the choice."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPalette
from PySide6.QtWidgets import QApplication

from msd_gui.theme import DARK, GLYPHS, LIGHT, Theme, app_icon, colours_of, icon, make_palette, style_sheet

SURFACES = ("window", "base", "raised")
TEXTS = ("text", "muted", "accent", "data", "exact", "learned", "chosen", "warning", "error", "good")
THINGS = ("data", "exact", "learned", "chosen")
# Machado, Oliveira & Fernandes (2009), severity 1.0, on linear RGB.
SIGHTS = {
    "full": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour: str) -> np.ndarray:
    """Linear RGB of ``#RRGGBB`` (IEC 61966-2-1)."""
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.1."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def cielab(rgb: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of linear sRGB under D65."""
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    x = np.array(to_xyz) @ rgb / [0.95047, 1.0, 1.08883]
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda c: c.scheme)
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("name", TEXTS)
def test_every_text_colour_is_readable_on_every_surface(colours, surface, name):
    assert contrast(getattr(colours, name), getattr(colours, surface)) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda c: c.scheme)
def test_text_on_the_accent_is_readable(colours):
    assert contrast(colours.on_accent, colours.accent) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda c: c.scheme)
@pytest.mark.parametrize("sight", SIGHTS)
def test_data_exact_learned_and_chosen_stay_apart_for_every_eye(colours, sight):
    observed = {n: cielab(np.clip(np.array(SIGHTS[sight]) @ linear(getattr(colours, n)), 0, 1)) for n in THINGS}
    for one, other in itertools.combinations(THINGS, 2):
        assert np.linalg.norm(observed[one] - observed[other]) >= 15, (one, other)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda c: c.scheme)
def test_a_palette_reports_its_colours(colours):
    assert colours_of(make_palette(colours)) is colours


@pytest.fixture
def app(qapp):
    palette, sheet, style = QPalette(qapp.palette()), qapp.styleSheet(), qapp.style().objectName()
    yield qapp
    qapp.setStyle(style)
    qapp.setPalette(palette)
    qapp.setStyleSheet(sheet)


def test_theme_choice_changes_the_application_and_is_reported_once(app, qtbot):
    theme = Theme(app, "light")
    assert colours_of(QApplication.palette()) is LIGHT
    with qtbot.waitSignal(theme.changed) as received:
        theme.set_choice("dark")
    assert received.args == [DARK]
    assert colours_of(QApplication.palette()) is DARK
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_choice("dark")
    theme.deleteLater()


def test_theme_follows_the_system_while_it_runs(app, qtbot):
    theme = Theme(app, "system")
    with qtbot.waitSignal(theme.changed):
        app.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.colours is DARK
    theme.deleteLater()


@pytest.mark.parametrize("name", GLYPHS)
def test_every_icon_draws_something_in_the_palettes_colour(app, name):
    theme = Theme(app, "dark")
    image = icon(name).pixmap(QSize(24, 24)).toImage()
    inked = [image.pixelColor(x, y) for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha() > 200]
    assert inked
    assert min(colour.lightnessF() for colour in inked) > 0.5
    theme.deleteLater()


def test_icon_follows_a_change_of_scheme(app):
    theme = Theme(app, "light")
    play = icon("play")
    light = play.pixmap(QSize(24, 24)).toImage()
    theme.set_choice("dark")
    assert play.pixmap(QSize(24, 24)).toImage() != light
    assert play.pixmap(QSize(24, 24), QIcon.Mode.Disabled).toImage() != play.pixmap(QSize(24, 24)).toImage()
    theme.deleteLater()


def test_icon_of_a_named_colour_is_drawn_in_it(app):
    theme = Theme(app, "light")
    plain, red = (icon("stop", colour).pixmap(QSize(24, 24)).toImage() for colour in ("", "error"))
    assert red != plain
    assert red.pixelColor(12, 12).name() == QColor(theme.colours.error).name()
    theme.deleteLater()


def test_unknown_icon_is_refused():
    with pytest.raises(KeyError, match="sparkle"):
        icon("sparkle")


def test_app_icon_is_drawn(app):
    image = app_icon().pixmap(QSize(64, 64)).toImage()
    assert image.pixelColor(41, 37).name() != image.pixelColor(20, 40).name()


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_boxes_to_tick_are_seen_on_the_window_and_their_tick_on_them(qapp, colours):
    (path,) = re.findall(r'url\("([^"]+)"\)', style_sheet(colours, 10.0))
    tick = QImage(path)
    assert not tick.isNull()
    inked = [tick.pixelColor(x, y) for x in range(tick.width()) for y in range(tick.height())]
    assert {colour.name() for colour in inked if colour.alpha() == 255} == {colours.on_accent.lower()}
    for line, ground in ((colours.muted, colours.window), (colours.on_accent, colours.accent)):
        assert contrast(line, ground) > 3

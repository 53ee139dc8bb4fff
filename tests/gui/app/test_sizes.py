"""The window fits small screens: its first size, its least size with every page built, and what must stay in sight."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QApplication

from msd_gui.app.window import FRAME, SIZE, first_size

SCREENS = [(1366, 768), (1280, 720), (1024, 600), (960, 540)]


@pytest.mark.parametrize("screen", [*SCREENS, (1920, 1080), (2560, 1440)])
def test_the_first_window_fits_the_screen(screen):
    size = first_size(QSize(*screen)) + FRAME
    assert size.width() <= screen[0]
    assert size.height() <= screen[1]
    if screen[0] > 1300 and screen[1] > 900:
        assert first_size(QSize(*screen)) == SIZE


@pytest.fixture
def whole(window):
    """The window with every page built."""
    for name in window.pages:
        window.show_page(name)
        QApplication.processEvents()
    return window


def test_the_least_size_with_every_page_built_fits_a_small_screen(whole):
    least = whole.minimumSizeHint()
    assert least.width() <= 1024
    assert least.height() <= 560


@pytest.mark.parametrize("screen", SCREENS)
def test_play_bar_and_status_bar_stay_visible(whole, screen):
    whole.resize(first_size(QSize(*screen)))
    for name in whole.pages:
        whole.show_page(name)
        QApplication.processEvents()
        assert whole.size() == first_size(QSize(*screen)), "no page makes the window larger"
        parts = [whole.status, whole.bar]
        if name == "mixture":
            parts += [whole.page.transport, whole.page.timeline]
        for part in parts:
            place = QRect(part.mapTo(whole, QPoint()), part.size())
            assert whole.rect().contains(place)
            assert part.visibleRegion().boundingRect() == part.rect()


def test_the_buttons_stay_where_they_are_from_page_to_page(whole):
    whole.resize(SIZE)
    places = set()
    for name in whole.pages:
        whole.show_page(name)
        QApplication.processEvents()
        places.add(tuple(whole.bar.widgetForAction(whole.commands[one]).x() for one in ("train", "sample", "stop")))
    assert len(places) == 1

"""The guided tour: offered once, points at real widgets, goes on when the thing is done, and blocks nothing."""

from __future__ import annotations

import pytest
from hands import WAIT_MS
from PySide6.QtCore import QCoreApplication, QPoint, QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QToolButton

from msd_gui.app.pages import PAGES
from msd_gui.app.tour.callout import beside
from msd_gui.app.tour.stops import tour_words

STOPS = tour_words().stops
INSIDE = QRect(0, 80, 960, 420)


def follow(window):
    window.clock.tick.emit()


def place_of(widget, window):
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def arrive(qtbot, window, number):
    """Wait until the frame surrounds the widget of a stop."""
    tour = window.tour
    assert tour.stop is STOPS[number]
    qtbot.waitUntil(lambda: tour.ring.isVisible(), timeout=WAIT_MS)
    return tour._target


def action_of(button):
    return button.defaultAction().objectName() if isinstance(button, QToolButton) and button.defaultAction() else ""


def offers(window):
    return [one for one in window.messages.findChildren(QPushButton) if one.isVisible()]


def test_eight_stops_lead_over_all_pages_in_five_minutes():
    assert len(STOPS) == 8
    assert {stop.page for stop in STOPS} == {row.name for row in PAGES}
    words = " ".join(f"{stop.title} {stop.do} {stop.shows}" for stop in STOPS).split()
    # At 200 words a minute two minutes are left to do things.
    assert len(words) < 3 * 200


@pytest.mark.long
def test_every_stop_frames_its_widget_on_its_page(qtbot, window):
    tour = window.tour
    tour.start()
    for number, stop in enumerate(STOPS):
        target = arrive(qtbot, window, number)
        assert window.page is window.pages[stop.page]
        assert stop.target in (target.objectName(), action_of(target))
        assert tour.ring.geometry().contains(place_of(target, window).intersected(window.centralWidget().geometry()))
        assert window.rect().contains(tour.callout.geometry())
        assert tour.callout.words() == stop.do
        tour.callout.next.click()
    assert tour.callout.words() == tour_words().end
    tour.callout.next.click()
    assert not tour.callout.isVisible()


def test_a_stop_goes_on_to_what_it_shows_when_the_thing_is_done(qtbot, window):
    tour = window.tour
    window.commands["tour"].trigger()
    arrive(qtbot, window, 0)
    qtbot.waitUntil(window.commands["restart"].isEnabled, timeout=WAIT_MS)
    window.commands["restart"].trigger()
    follow(window)
    assert tour.callout.words() == STOPS[0].shows
    tour.callout.next.click()
    control = arrive(qtbot, window, 1)
    follow(window)
    assert tour.callout.words() == STOPS[1].do
    control.change_value(2.3)
    follow(window)
    assert tour.callout.words() == STOPS[1].shows
    tour.callout.back.click()
    assert tour.stop is STOPS[0]
    assert window.page.experiment.spec.sampling.step_ratio == 2.3


def test_using_a_button_or_a_list_is_noticed(qtbot, window):
    tour = window.tour
    tour.start()
    tour._go(5)
    table = arrive(qtbot, window, 5)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton)
    follow(window)
    assert tour.callout.words() == STOPS[5].shows


def test_another_page_and_another_size_leave_the_words_in_the_window(qtbot, window):
    tour = window.tour
    tour.start()
    arrive(qtbot, window, 0)
    assert not tour.callout.there.isVisible()
    window.show_page("runs")
    follow(window)
    assert not tour.ring.isVisible()
    assert tour.callout.there.text() == "Go to Mixture"
    window.resize(960, 540)
    follow(window)
    assert window.rect().contains(tour.callout.geometry())
    tour.callout.there.click()
    follow(window)
    assert window.page is window.pages["mixture"]
    assert tour.ring.isVisible()


def test_escape_leaves_the_tour_and_stops_jobs_again_afterwards(qtbot, window):
    tour, keys = window.tour, window.commands["stop"].shortcuts()
    assert keys
    tour.start()
    with qtbot.waitActive(window):
        window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert tour.stop is None
    assert not tour.callout.isVisible()
    assert not tour.ring.isVisible()
    assert window.commands["stop"].shortcuts() == keys


def test_a_window_offers_the_tour_once_and_never_starts_it(qtbot, window):
    assert not offers(window)
    window.tour.offer()
    qtbot.waitUntil(lambda: len(offers(window)) == 2)
    later = {button.text(): button for button in offers(window)}["Not now"]
    assert window.tour.stop is None
    later.click()
    assert not offers(window)
    window.tour.offer()
    QCoreApplication.processEvents()
    assert not offers(window)


def test_the_offer_can_be_taken(qtbot, window):
    window.tour.offer()
    qtbot.waitUntil(lambda: len(offers(window)) == 2)
    {button.text(): button for button in offers(window)}["Take the tour"].click()
    assert window.tour.stop is STOPS[0]
    assert not offers(window)


@pytest.mark.parametrize(
    "target", [QRect(5, 200, 270, 50), QRect(600, 90, 300, 300), QRect(400, 90, 100, 30), QRect(300, 450, 30, 30)]
)
def test_words_stand_inside_and_beside_their_widget(target):
    size = QSize(300, 120)
    found = QRect(beside(target, size, INSIDE), size)
    assert INSIDE.contains(found)
    assert not found.intersects(target)


def test_without_a_widget_words_stand_in_the_corner():
    size = QSize(300, 120)
    found = QRect(beside(None, size, INSIDE), size)
    assert INSIDE.contains(found)
    assert found.right() > INSIDE.right() - 20
    assert found.bottom() > INSIDE.bottom() - 20

"""The plane: chains are chosen, axes are kept, layers are painted or not, tails can be read."""

from __future__ import annotations

import numpy as np
import pytest
from painted import pixels, rgb, shown
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from msd_engine.events.plots import NO_LOST
from msd_gui.theme import DARK, LIGHT, make_palette
from msd_gui.views.base.colour_maps import colour_map, density_map
from msd_gui.views.plane.plane import LAYERS, PlaneView

HEADS = np.array([[0.0, 0.0], [4.0, 1.0], [np.nan, 2.0], [-3.0, -5.0]])


@pytest.fixture
def plane(qtbot):
    view = PlaneView()
    view.show_plane(data=np.array([[-6.0, -6.0], [6.0, 6.0]]))
    view.frame()
    return shown(qtbot, view)


def place_of(view, point) -> QPoint:
    return view.mapFromScene(view.box.mapViewToScene(QPointF(*point)))


@pytest.mark.parametrize("chain", [0, 1, 3])
def test_a_click_near_a_head_chooses_that_chain(qtbot, plane, chain):
    plane.show_plane(heads=HEADS)
    with qtbot.waitSignal(plane.chain_chosen) as caught:
        QTest.mouseClick(plane.viewport(), Qt.MouseButton.LeftButton, pos=place_of(plane, HEADS[chain]) + QPoint(3, -2))
    assert caught.args == [chain]


def test_a_click_far_from_all_heads_chooses_none(qtbot, plane):
    plane.show_plane(heads=HEADS)
    with qtbot.assertNotEmitted(plane.chain_chosen):
        QTest.mouseClick(plane.viewport(), Qt.MouseButton.LeftButton, pos=place_of(plane, (2.0, -3.0)))


def test_axes_are_equal_and_chains_do_not_move_them(plane):
    plane.grab()
    left, right, low, high = before = plane.bounds()
    box = plane.box.screenGeometry()
    assert (right - left) / box.width() == pytest.approx((high - low) / box.height(), rel=0.02)
    plane.show_plane(tails=np.full((5, 3, 2), 1e4))
    plane.show_plane(heads=np.full((3, 2), 1e4))
    plane.grab()
    assert plane.bounds() == before


def test_the_plane_zooms_out_after_chains_that_blow_up_and_comes_back(plane):
    home = plane.bounds()
    plane.follow(1e5)
    plane.grab()
    left, right, low, high = plane.bounds()
    assert max(left, low) <= -9e4
    assert min(right, high) >= 9e4
    plane.follow(0.0)
    plane.grab()
    assert plane.bounds() == pytest.approx(home)


def test_a_view_moved_by_hand_is_left_alone_until_fit(plane):
    plane.follow(100.0)
    plane.set_bounds((-1.0, 1.0, -1.0, 1.0))
    plane.box.sigRangeChangedManually.emit([True, True])
    held = plane.bounds()
    plane.follow(1e5)
    assert plane.bounds() == held
    plane.frame()
    assert plane.bounds()[1] >= 9e4
    plane.box.sigRangeChangedManually.emit([True, True])
    plane.follow(0.0)
    assert plane.bounds()[1] < 20, "the chains are back, and a view far outside is empty"


def test_lost_chains_are_rings_and_are_counted_in_the_legend(plane):
    heads, lost = np.array([[0.0, 0.0], [4.0, 1.0]]), np.array([False, True])
    centres = {}
    for name, mask in (("living", NO_LOST), ("lost", lost)):
        plane.show_plane(heads=heads, lost=mask)
        image, ratio = pixels(plane.grab().toImage()), plane.devicePixelRatioF()
        places = [place_of(plane, point) for point in heads]
        centres[name] = [image[round(p.y() * ratio), round(p.x() * ratio)] for p in places]
    assert centres["living"][0] == centres["living"][1] == centres["lost"][0]
    assert centres["lost"][1] == rgb(plane.colours.base)
    words = [key.words for key in plane.plot().entries()]
    assert "chains ȳ" in words
    assert "1 of 2 chains beyond 10⁶" in words
    plane.show_plane(lost=np.array([True, True]))
    assert "chains ȳ" not in [key.words for key in plane.plot().entries()]


def test_a_line_to_a_point_far_outside_is_left_out_and_not_turned(plane):
    plane.set_layer("copies", False)
    blank = pixels(plane.grab().toImage())
    tail = np.array([[1e30, 3e29], [-1e30, 5.0], [2.0, -1e30]])[:, None]
    plane.show_plane(tails=tail, chosen=0)
    assert (pixels(plane.grab().toImage()) == blank).all()


def test_moving_the_view_is_reported_once_it_rests(qtbot, plane):
    qtbot.wait(200)
    received = []
    plane.view_changed.connect(received.append)
    for edge in (2.0, 2.5, 3.0):
        plane.set_bounds((-edge, edge, -edge, edge))
    qtbot.waitUntil(lambda: bool(received), timeout=2000)
    qtbot.wait(250)
    assert received == [plane.bounds()]


@pytest.mark.parametrize("shape", [(0, 0, 2), (0, 3, 2), (1, 3, 2), (7, 0, 2), (2, 1, 2), (400, 100, 2)])
def test_tails_of_any_size_are_painted(plane, shape):
    plane.show_plane(tails=np.zeros(shape, np.float32))
    assert not plane.grab().isNull()


def test_values_that_are_not_finite_are_left_out(plane):
    plane.set_layer("tails", False)
    blank = pixels(plane.grab().toImage())
    plane.set_layer("tails", True)
    tails = np.full((6, 2, 2), np.nan)
    tails[2] = np.inf
    plane.show_plane(tails=tails)
    plane.show_plane(log_density=np.full((4, 4), np.nan), density_bounds=(-1, 1, -1, 1))
    plane.show_plane(at=np.zeros((2, 2)), exact=np.full((2, 2), np.nan))
    plane.set_layer("exact arrows", True)
    plane.show_plane(heads=np.full((2, 2), np.nan))
    plane.legend_row.set_entries(())
    after = pixels(plane.grab().toImage())
    plot = plane.box.sceneBoundingRect().toRect().adjusted(3, 40, -3, -3)
    rows, columns = slice(plot.top(), plot.bottom()), slice(plot.left(), plot.right())
    assert (blank[rows, columns] == after[rows, columns]).all()


def test_a_gap_in_a_tail_stays_a_gap(plane):
    tail = np.array([[-5.0, 0], [-1.0, 0], [np.nan, 0], [1.0, 0], [5.0, 0]])[:, None]
    plane.show_plane(data=np.empty((0, 2)))
    plane.show_plane(tails=tail)
    image = pixels(plane.grab().toImage())
    background = rgb(plane.colours.base)
    ratio = plane.devicePixelRatioF()
    painted = [
        (image[round(p.y() * ratio) - 2 : round(p.y() * ratio) + 3, round(p.x() * ratio)] != background).any()
        for p in (place_of(plane, (x, 0.0)) for x in (-3.0, 0.0, 3.0))
    ]
    assert painted == [True, False, True]


def test_tails_are_seen_on_the_screen_and_go_to_files_with_what_the_axes_show(plane):
    steps = np.random.default_rng(0).normal(size=(40, 20, 2)) * 0.2
    plane.show_plane(tails=np.cumsum(steps, axis=0))
    observed = {}
    for on in (True, False):
        plane.set_layer("tails", on)
        observed[on] = pixels(plane.grab().toImage())
        plot = plane.plot()
        assert ("tails" in plot.on) == on
        assert (plot.bounds, plot.tails.shape) == (plane.bounds(), (40, 20, 2))
    assert (observed[True] != observed[False]).mean() > 0.01


def test_of_very_many_states_some_are_skipped_but_never_the_last(plane):
    states = np.arange(500 * 100 * 2, dtype=float).reshape(500, 100, 2)
    plane.show_plane(tails=states)
    assert len(plane._held.tails) < 300
    assert (plane._held.tails[-1] == states[-1]).all()


def test_layers_are_switched_by_name(plane):
    plane.show_plane(heads=HEADS)
    for name in LAYERS:
        plane.set_layer(name, False)
        assert not plane.layer(name)
    assert plane.legend_row.entries() == ()
    with pytest.raises(KeyError, match="nothing like it"):
        plane.set_layer("nothing like it", True)


def test_the_read_out_gives_position_and_density(plane):
    side = np.linspace(-2, 2, 41)
    x, y = np.meshgrid(side, side)
    plane.show_plane(log_density=-(x**2) - y, density_bounds=(-2, 2, -2, 2))
    assert plane.readout_at(1.0, 0.5) == "x₁ = 1.00   x₂ = 0.50   log p = -1.50"
    assert "log p" not in plane.readout_at(3.0, 0.0)


def test_the_mouse_shows_and_hides_the_read_out(qtbot, plane):
    QTest.mouseMove(plane.viewport(), place_of(plane, (0.0, 0.0)))
    (readout,) = plane.findChildren(QLabel)
    assert readout.isVisible()
    assert readout.text().startswith("x₁ = ")
    # The noise falls under a mouse that rests.
    for level in (-1.0, -2.0):
        plane.show_plane(log_density=np.full((3, 3), level), density_bounds=(-2, 2, -2, 2))
        assert readout.text().endswith(f"log p = {level:.2f}")
    QTest.mouseMove(plane.viewport(), QPoint(2, 2))
    assert not readout.isVisible()


def test_a_double_click_shows_all_the_data_again(plane):
    home = plane.bounds()
    plane.set_bounds((100.0, 101.0, 100.0, 101.0))
    QTest.mouseDClick(plane.viewport(), Qt.MouseButton.LeftButton, pos=plane.viewport().rect().center())
    assert plane.bounds() == pytest.approx(home)


def test_the_density_lies_where_it_should(plane):
    field = np.full((50, 50), -50.0)
    field[:25, 25:] = 0.0  # low x₂, high x₁
    plane.show_plane(data=np.empty((0, 2)))
    plane.show_plane(log_density=field, density_bounds=(-4, 4, -4, 4))
    image, ratio = pixels(plane.grab().toImage()), plane.devicePixelRatioF()
    base = rgb(plane.colours.base)
    for x, y in ((2, -2), (2, 2), (-2, -2), (-2, 2)):
        place = place_of(plane, (x, y))
        assert (image[round(place.y() * ratio), round(place.x() * ratio)] != base) == ((x, y) == (2, -2))


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_the_density_map_is_even(colours):
    ramp = colour_map(colours.base, colours.exact)
    assert ramp[0] == rgb(colours.base)
    assert ramp[-1] == rgb(colours.exact)
    grey = [0.2126 * (v >> 16 & 255) + 0.7152 * (v >> 8 & 255) + 0.0722 * (v & 255) for v in ramp.tolist()]
    assert abs(np.sign(np.diff(grey)).sum()) > 0.9 * np.count_nonzero(np.diff(grey))
    assert len(np.unique(density_map(colours))) > 10


def test_a_new_theme_repaints_in_its_colours(qtbot, plane):
    for colours in (DARK, LIGHT):
        plane.setPalette(make_palette(colours))
        assert pixels(plane.grab().toImage())[1, -2] == rgb(colours.base)

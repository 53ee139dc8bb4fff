"""The views of images, the timeline and the placeholder."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from painted import shown
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from msd_gui.theme import DARK, LIGHT, make_palette
from msd_gui.views.base.pixels import to_rgb32, to_uint8
from msd_gui.views.base.placeholder import Placeholder, PlaceholderStack
from msd_gui.views.images.film import FilmStripView
from msd_gui.views.images.grid import ImageGridView
from msd_gui.views.images.strip import HeldOutView
from msd_gui.views.images.tiling import fit
from msd_gui.views.plane.timeline import Timeline


def pixel(view, place: QPointF) -> int:
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    ratio = view.devicePixelRatioF()
    return image.pixel(round(place.x() * ratio), round(place.y() * ratio))


def shades(count: int, channels: int = 1, side: int = 4) -> np.ndarray:
    values = np.arange(count * channels, dtype=np.uint8).reshape(count, channels, 1, 1) * 3 + 40
    return np.broadcast_to(values, (count, channels, side, side)).copy()


@pytest.mark.parametrize("count", [1, 2, 5, 9, 64, 100])
@pytest.mark.parametrize("area", [QRectF(0, 0, 400, 300), QRectF(10, 5, 90, 500), QRectF(0, 0, 30, 30)])
@pytest.mark.parametrize("image", [(8, 8), (28, 28), (8, 16)])
def test_cells_lie_inside_apart_and_are_found_again(count, area, image):
    tiles = fit(count, image, area, gap=1.0)
    cells = [tiles.cell(i) for i in range(count)]
    assert [tiles.index_at(cell.center()) for cell in cells] == list(range(count))
    assert all(area.adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(cell) for cell in cells)
    assert not any(a.intersects(b) for a, b in pairwise(cells))
    assert not any(tiles.spare().intersects(cell) for cell in cells)
    assert tiles.spare().isEmpty() == (count % tiles.columns == 0)
    assert cells[0].width() * image[0] == pytest.approx(cells[0].height() * image[1])


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_images_are_enlarged_by_whole_device_pixels(ratio):
    tiles = fit(16, (8, 8), QRectF(0, 0, 301, 299), ratio)
    scale = tiles.cell_width * ratio / 8
    assert scale == pytest.approx(round(scale))
    assert tiles.columns == tiles.rows == 4


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_images_that_are_hardly_enlarged_take_the_room_that_there_is(ratio):
    area = QRectF(0, 0, 640 / ratio, 460 / ratio)
    tiles = fit(64, (32, 32), area, ratio)
    scale = tiles.cell_width * ratio / 32
    assert 1.4 < scale < 2
    assert tiles.cell_width * ratio == pytest.approx(round(tiles.cell_width * ratio))


def test_values_become_pixels():
    assert to_uint8(np.array([-2.0, -1.0, 0.0, 1.0, 2.0, np.nan])).tolist() == [0, 0, 128, 255, 255, 0]
    every = np.arange(256, dtype=np.uint8)
    assert (to_uint8(every / 127.5 - 1) - every.astype(int)).max() <= 1
    assert to_rgb32(np.array([1, 2, 3], np.uint8).reshape(3, 1, 1)).item() == 0xFF010203
    assert to_rgb32(np.array([7], np.uint8).reshape(1, 1, 1)).item() == 0xFF070707


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_is_painted_in_its_cell(qtbot, channels):
    view, images = shown(qtbot, ImageGridView()), shades(10, channels)
    view.set_images(images)
    for index in range(10):
        assert pixel(view, view.tiling().cell(index).center()) == to_rgb32(images[index])[0, 0]


def test_a_click_and_the_arrow_keys_choose_images(qtbot):
    view, received = shown(qtbot, ImageGridView()), []
    view.set_images(shades(9))
    view.chosen.connect(received.append)
    place = view.tiling().cell(4).center().toPoint()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Up):
        QTest.keyClick(view, key)
    columns = view.tiling().columns
    assert received[:3] == [4, 5, 5 + columns]
    assert all(0 <= index < 9 for index in received)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect().topLeft())
    assert received[-1] != 0
    assert len(received) <= 6


def test_the_chosen_and_the_dead_are_marked(qtbot):
    view = shown(qtbot, ImageGridView())
    view.set_images(shades(4, side=20))
    view.set_chosen(2)
    view.set_dead({1: "monochrome", 77: "blew up"})
    cell = view.tiling().cell(2)
    assert pixel(view, QPointF(cell.center().x(), cell.top() - 2)) == 0xFF000000 | int(view.colours.chosen[1:], 16)
    dead = view.tiling().cell(1)
    error = 0xFF000000 | int(view.colours.error[1:], 16)
    assert pixel(view, QPointF(dead.center().x(), dead.top() - 2)) == error
    # The badge stands at the foot, the picture above it stays as it is.
    assert pixel(view, QPointF(dead.left() + 1, dead.bottom() - 2)) == error
    assert pixel(view, dead.center()) != error
    view.set_images(shades(2))
    assert pixel(view, view.tiling().cell(0).center()) == to_rgb32(shades(2)[0])[0, 0]


def test_no_images_and_wrong_shapes(qtbot):
    view = shown(qtbot, ImageGridView())
    view.set_images(np.empty((0, 1, 8, 8), np.float32))
    assert view.tiling() is None
    assert not view.grab().isNull()
    with pytest.raises(ValueError, match="shape"):
        view.set_images(np.zeros((4, 2, 8, 8)))


def test_the_views_follow_the_theme(qtbot):
    for view in (ImageGridView(), FilmStripView(), HeldOutView(), Timeline()):
        shown(qtbot, view)
        for colours in (DARK, LIGHT):
            view.setPalette(make_palette(colours))
            assert pixel(view, QPointF(2, 2)) == 0xFF000000 | int(colours.base[1:], 16)


def filled_film(qtbot, frames: int) -> FilmStripView:
    view = shown(qtbot, FilmStripView(), 400, 120)
    for i in range(frames):
        view.add_frame(10 * i, 5.0 / (i + 1), shades(3) + 2 * i, 255 - shades(3) - 2 * i, level=i)
    return view


def test_the_film_shows_the_chosen_chain_clean_or_noisy(qtbot):
    view = filled_film(qtbot, 4)
    for chain in (0, 2):
        view.set_chain(chain)
        for noisy in (False, True):
            view.set_noisy(noisy)
            for i in range(4):
                value = int(shades(3)[chain, 0, 0, 0]) + 2 * i
                value = 255 - value if noisy else value
                assert pixel(view, view._cell(i).center()) & 255 == value


def test_a_click_chooses_a_frame_also_after_scrolling(qtbot):
    view = filled_film(qtbot, 30)
    assert view.frame_at(view._cell(29).center()) == 29
    with qtbot.waitSignal(view.frame_chosen) as caught:
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=view._cell(28).center().toPoint())
    assert caught.args == [28]
    view.clear()
    assert view.count() == 0
    assert view.frame_at(QPointF(20, 20)) is None


def test_the_strip_has_a_row_for_each_thing(qtbot):
    view = shown(qtbot, HeldOutView(), 600, 300)
    rng = np.random.default_rng(0)
    clean = rng.uniform(-1, 1, (5, 3, 8, 8))
    for k, noisy_rows in ((1, ["noisy y"]), (8, ["noisy y₁", "noisy y₂"])):
        noisy = np.repeat(clean[:, None], k, axis=1)
        view.set_strip(clean, noisy, np.full_like(clean, np.nan), np.ones(5), np.full(5, np.nan))
        assert view.row_names() == ["clean x", *noisy_rows, "denoised x̂", "|x̂ − x|"]
        assert view._heads[0] == f"{1 / np.sqrt(k):.3g}"
        assert not view.grab().isNull()


def test_no_error_has_the_colour_of_the_ground(qtbot):
    view = shown(qtbot, HeldOutView(), 600, 300)
    clean = np.zeros((2, 1, 8, 8))
    view.set_strip(clean, clean[:, None], clean, np.ones(2), np.zeros(2))
    error = view._rows[-1][1][0]
    assert error.pixel(3, 3) == 0xFF000000 | int(view.colours.base[1:], 16)


def timeline(qtbot) -> Timeline:
    view = shown(qtbot, Timeline(), 500, 60)
    view.set_levels([10.0, 1.0, 0.1], [5, 10, 5])
    view.set_available(15)
    return view


def test_levels_of_steps(qtbot):
    view = timeline(qtbot)
    assert view.total() == 20
    assert [view.level_of(step) for step in (0, 5, 6, 15, 16, 20)] == [0, 0, 1, 1, 2, 2]
    view.set_position(6)
    assert view.text() == "step 6 of 20   level 2 of 3   σ = 1"


def test_the_handle_is_dragged_as_far_as_is_computed(qtbot):
    view, received = timeline(qtbot), []
    view.position_changed.connect(received.append)
    for step in (3, 9, 20):
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPointF(view._x_of(step), 10).toPoint())
    assert received == [3, 9, 15]
    QTest.keyClick(view, Qt.Key.Key_PageUp)
    assert received[-1] == 5
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert view.position() == 0


def test_setting_the_position_emits_nothing(qtbot):
    view = timeline(qtbot)
    with qtbot.assertNotEmitted(view.position_changed):
        view.set_position(4)
        view.set_levels([1.0], [3])
    assert view.position() == 3
    view.set_levels([], [])
    assert view.text() == ""
    assert not view.grab().isNull()


def test_the_placeholder_says_what_will_be_there(qtbot):
    stand_in = Placeholder("Train a network to see its loss here.", "Train")
    both = shown(qtbot, PlaceholderStack(Timeline(), stand_in))
    assert both.currentWidget() is stand_in
    with qtbot.waitSignal(stand_in.pressed):
        QTest.mouseClick(stand_in.button, Qt.MouseButton.LeftButton)
    both.set_ready(True)
    assert both.currentWidget() is both.view

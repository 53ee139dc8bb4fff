"""The canvas: strokes of the mouse, the soft brush, eraser and mask; and the tiles of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hands import on_widget
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from msd_gui.views.images.brush import Stroke, painted
from msd_gui.views.images.drawing import DrawingView
from msd_gui.views.images.tiles import Tile, TilesView

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def canvas(qtbot):
    view = DrawingView()
    qtbot.addWidget(view)
    view.resize(300, 300)
    with qtbot.waitExposed(view):
        view.show()
    view.set_picture(np.zeros((1, 28, 28), np.uint8))
    return view


def drag(view, *points):
    places = [on_widget(view, *point) for point in points]
    QTest.mousePress(view, LEFT, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(view, place)
    QTest.mouseRelease(view, LEFT, pos=places[-1])


def test_a_stroke_of_the_mouse_is_a_soft_line_on_the_picture(canvas):
    received = []
    canvas.stroke_began.connect(lambda: received.append("began"))
    canvas.drawn.connect(lambda: received.append("drawn"))
    canvas.stroke_ended.connect(lambda: received.append("ended"))
    drag(canvas, (14.5, 6.5), (14.5, 21.5))
    picture = canvas.picture()[0]
    assert (picture[8:20, 14] > 240).all()
    assert picture[:, :10].max() == picture[:, 19:].max() == 0
    assert ((picture > 0) & (picture < 240)).any()
    assert received[0] == "began"
    assert received[-1] == "ended"
    assert set(received[1:-1]) == {"drawn"}
    assert not canvas.drawing


def test_the_eraser_takes_away_what_was_drawn(canvas):
    drag(canvas, (4, 14), (24, 14))
    drawn = canvas.picture().copy()
    canvas.tool, canvas.radius = "erase", 3.0
    drag(canvas, (14, 4), (14, 24))
    assert canvas.picture()[0, 14, 14] == 0
    assert (canvas.picture() <= drawn).all()
    assert canvas.picture()[0, 14, 5] == drawn[0, 14, 5]


def test_the_mask_is_painted_over_the_picture_and_leaves_it_alone(canvas):
    canvas.tool, canvas.radius = "mask", 2.0
    masked = []
    canvas.masked.connect(lambda: masked.append(canvas.marked().sum()))
    drag(canvas, (5, 5), (20, 5))
    assert masked[-1] == canvas.marked().sum() > 15
    assert masked == sorted(masked)
    assert not canvas.picture().any()
    canvas.tool = "unmask"
    canvas.radius = 4.0
    drag(canvas, (2, 5), (24, 5))
    assert not canvas.marked().any()


def test_places_on_the_widget_and_in_the_picture_agree(canvas):
    for x, y in ((0, 0), (14, 14), (27.5, 3)):
        assert canvas.to_pixel(on_widget(canvas, x, y)) == pytest.approx((x, y), abs=0.06)
    assert canvas.place().contains(QPointF(150, 150))


def test_the_right_button_draws_nothing(canvas):
    QTest.mousePress(canvas, Qt.MouseButton.RightButton, pos=QPoint(150, 150))
    QTest.mouseMove(canvas, QPoint(180, 180))
    QTest.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=QPoint(180, 180))
    assert not canvas.picture().any()


def test_a_picture_of_another_size_takes_the_mask_away(canvas):
    canvas.set_marked(np.ones((28, 28), np.bool_))
    canvas.set_picture(np.zeros((3, 32, 32), np.uint8))
    assert canvas.marked().shape == (32, 32)
    assert not canvas.marked().any()


def test_colours_are_drawn_in_every_channel(canvas):
    canvas.set_picture(np.full((3, 32, 32), 10, np.uint8))
    canvas.colour, canvas.radius = (200, 100, 50), 3.0
    drag(canvas, (16, 16), (16, 17))
    np.testing.assert_allclose(canvas.picture()[:, 16, 16], (200, 100, 50), atol=2)


def test_a_stroke_does_not_depend_on_how_its_line_is_cut():
    whole, cut = Stroke((28, 28), 1.5), Stroke((28, 28), 1.5)
    whole.move_to((3, 3))
    whole.move_to((23, 13))
    cut.move_to((3, 3))
    for part in np.linspace(0, 1, 9)[1:]:
        cut.move_to((3 + 20 * part, 3 + 10 * part))
    np.testing.assert_allclose(whole.cover(), cut.cover(), atol=0.05)
    assert whole.cover().max() == pytest.approx(1, abs=0.02)


def test_paint_lies_between_the_picture_and_the_colour():
    picture = np.full((1, 2, 2), 100, np.uint8)
    cover = np.array([[0.0, 0.5], [1.0, 0.25]])
    assert painted(picture, cover, (200,)).tolist() == [[[100, 150], [200, 125]]]
    assert (picture == 100).all()


@pytest.mark.parametrize("count", [1, 3, 8, 16, 64])
@pytest.mark.parametrize("size", [(640, 90), (200, 400), (130, 70)])
def test_tiles_lie_inside_and_apart(qtbot, count, size):
    view = TilesView("tiles")
    qtbot.addWidget(view)
    view.resize(*size)
    view.set_tiles([Tile(f"y{i}", np.zeros((1, 8, 8), np.uint8), "1.0" if count < 9 else "") for i in range(count)])
    cells = [view.cell(i) for i in range(count)]
    assert all(cell.width() >= 3 for cell in cells)
    assert not any(a.intersects(b) for i, a in enumerate(cells) for b in cells[:i])
    if size[0] > 150:
        assert all(view.rect().toRectF().contains(cell) for cell in cells)

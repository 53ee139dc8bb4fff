"""The data of the mixture page under a hand: modes are pulled, weighed, added, split and deleted; points drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hands import WAIT_MS, chains_arrived, small_chains
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from msd_engine.specs import ExperimentSpec
from msd_gui.views.plane.editing.shape import HANDLE_STDS, Shape
from msd_gui.views.plane.editing.view import EditablePlane

SHAPE = Shape(
    np.array([0.8, 0.2]),
    np.array([[3.0, 3.0], [-3.0, -2.0]]),
    np.array([[[2.0, 0.5], [0.5, 1.0]], [[1.0, 0.0], [0.0, 1.0]]]),
)


def whole(shape):
    """Mean and covariance of the whole mixture."""
    mean = shape.weights @ shape.means
    away = shape.means - mean
    return mean, np.einsum("j,jab->ab", shape.weights, shape.covariances + away[:, :, None] * away[:, None])


# -- the value ---------------------------------------------------------------------------------------------------------


def test_a_split_keeps_mean_and_covariance_of_the_whole():
    for mode in (0, 1):
        split = SHAPE.split(mode)
        assert len(split) == 3
        for ours, theirs in zip(whole(split), whole(SHAPE), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)
        assert (np.linalg.eigvalsh(split.covariances) > 0).all()


def test_a_pulled_axis_ends_where_the_hand_is_and_the_other_keeps_its_length():
    for axis in (0, 1):
        to = SHAPE.means[0] + np.array([1.0, 5.0])
        other = np.hypot(*SHAPE.half_axes(0)[1 - axis])
        pulled = SHAPE.pulled(0, axis, to)
        lengths = np.sqrt(np.linalg.eigvalsh(pulled.covariances[0])) * HANDLE_STDS
        np.testing.assert_allclose(sorted(lengths), sorted([np.hypot(1.0, 5.0), other]))
        ends = pulled.means[0] + pulled.half_axes(0)
        assert min(np.abs(np.concatenate((ends, 2 * pulled.means[0] - ends)) - to).max(1)) < 1e-9
        np.testing.assert_array_equal(pulled.covariances[1], SHAPE.covariances[1])
    # However near to its mean, an ellipse stays one.
    assert (np.linalg.eigvalsh(SHAPE.pulled(0, 0, SHAPE.means[0]).covariances[0]) > 0).all()


def test_weights_stay_shares():
    for shape in (SHAPE.weighed(0, 3.0), SHAPE.weighed(1, 1e-9), SHAPE.with_mode(np.zeros(2)), SHAPE.without(0)):
        assert shape.weights.sum() == pytest.approx(1)
        assert (shape.weights > 0).all()
    assert SHAPE.weighed(1, 2.0).weights == pytest.approx([0.8 / 1.2, 0.4 / 1.2])
    assert len(SHAPE.without(0).without(0)) == 1
    assert SHAPE.holding(np.array([3.0, 3.5])) == 0
    assert SHAPE.holding(np.array([0.0, 9.0])) is None


# -- hands -------------------------------------------------------------------------------------------------------------


def at(plane, place):
    return plane.place(np.asarray(place, float)).toPoint()


def drag(plane, start, end, moves=4):
    """Drag from one place of the plane to another, with the handles where the first move has put them."""
    surface = plane.viewport()
    first, last = at(plane, start), at(plane, end)
    QTest.mousePress(surface, Qt.MouseButton.LeftButton, pos=first)
    for move in range(1, moves + 1):
        QTest.mouseMove(surface, first + (last - first) * move / moves)
        QApplication.processEvents()
    QTest.mouseRelease(surface, Qt.MouseButton.LeftButton, pos=last)


def wheel(plane, place, notches):
    where = QPointF(at(plane, place))
    turned = QWheelEvent(
        where,
        QPointF(plane.mapToGlobal(where.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(plane.viewport(), turned)


@pytest.fixture
def plane(qtbot):
    plane = EditablePlane()
    qtbot.addWidget(plane)
    plane.resize(500, 500)
    plane.show()
    qtbot.waitExposed(plane)
    plane.set_bounds((-8.0, 8.0, -8.0, 8.0))
    plane.set_shape(SHAPE)
    plane.set_tool("modes")
    QApplication.processEvents()
    return plane


def test_hands_move_pull_weigh_add_split_and_delete(plane):
    shapes, ends = [], []
    plane.shaped.connect(shapes.append)
    plane.ended.connect(lambda: ends.append(len(shapes)))
    pixel = 16 / plane.box.width() * 1.5
    before = plane.bounds()
    drag(plane, SHAPE.means[0], (0.0, 4.0))
    np.testing.assert_allclose(shapes[-1].means[0], (0.0, 4.0), atol=pixel)
    assert len(ends) == 1
    end = shapes[-1].means[0] + shapes[-1].half_axes(0)[0]
    drag(plane, end, (0.0, -2.0), moves=12)
    assert np.sqrt(np.linalg.eigvalsh(shapes[-1].covariances[0])[1]) == pytest.approx(6 / HANDLE_STDS, abs=pixel)
    wheel(plane, shapes[-1].means[1], 2)
    assert shapes[-1].weights[1] > SHAPE.weights[1]
    assert plane.chosen_mode == 1
    QTest.mouseDClick(plane.viewport(), Qt.MouseButton.LeftButton, pos=at(plane, (6.5, -6.5)))
    assert len(shapes[-1]) == 3
    np.testing.assert_allclose(shapes[-1].means[2], (6.5, -6.5), atol=pixel)
    plane.split_mode()
    assert len(shapes[-1]) == 4
    QTest.keyClick(plane, Qt.Key.Key_Delete)
    assert len(shapes[-1]) == 3
    # The view has stayed.
    assert plane.bounds() == before


@pytest.mark.parametrize(("tool", "start"), [("modes", SHAPE.means[0]), ("points", (-6.0, 6.0))])
def test_the_values_under_the_mouse_follow_a_drag(plane, tool, start):
    plane.set_tool(tool)
    for end in (np.array([-4.0, 5.0]), np.array([5.0, -4.0])):
        drag(plane, start, end)
        start = end
        place = plane.box.mapSceneToView(plane.mapToScene(at(plane, end)))
        assert plane.findChild(QLabel).text() == plane.readout_at(place.x(), place.y())


def test_a_dragged_handle_leaves_the_picture_of_the_chains_until_they_change(plane):
    drawn, draw = [], plane._front.draw
    plane._front.draw = lambda painter, to_px: (drawn.append(len(plane._held.heads)), draw(painter, to_px))
    plane.show_plane(heads=np.array([[1.0, 1.0]]))
    QApplication.processEvents()
    assert drawn == [1]
    # The first press may draw them once more.
    drag(plane, SHAPE.means[0], (0.0, 4.0))
    QApplication.processEvents()
    drawn.clear()
    drag(plane, (0.0, 4.0), (3.0, 3.0))
    QApplication.processEvents()
    assert not drawn
    plane.show_plane(heads=np.array([[1.0, 1.0], [2.0, 2.0]]))
    QApplication.processEvents()
    assert drawn == [2]


def test_without_the_tool_a_drag_moves_the_view(plane):
    shapes = []
    plane.shaped.connect(shapes.append)
    plane.set_tool("")
    before = plane.bounds()
    drag(plane, SHAPE.means[0], (0.0, 0.0))
    assert not shapes
    assert plane.bounds() != before


# -- the page ----------------------------------------------------------------------------------------------------------


def test_density_data_and_chains_follow_a_dragged_mode_and_one_undo_goes_back(qtbot, window):
    page = window.pages["mixture"]
    small_chains(qtbot, page)
    named = page.experiment.spec
    page.editing.modes.setChecked(True)
    qtbot.waitUntil(lambda: not page.plane.shape_missing, timeout=WAIT_MS)
    QApplication.processEvents()
    view = page.plane.bounds()
    drag(page.plane, (5.0, 5.0), (2.0, -4.0))
    data = page.experiment.spec.data
    assert data.name == "custom"
    assert data.weights == (0.8, 0.2)
    np.testing.assert_allclose(data.means, [(2.0, -4.0), (-5.0, -5.0)], atol=0.1)
    chains_arrived(qtbot, page)
    np.testing.assert_allclose(page.player.buffer.shown.modes.means, data.means)
    qtbot.waitUntil(lambda: np.allclose(page.plane.plot().modes, data.means, atol=1e-5), timeout=WAIT_MS)
    assert page.plane.bounds() == view
    # The data travel in the spec of the picture.
    assert ExperimentSpec.from_json(page.player.buffer.shown.spec_json).data == data
    page.experiment.undo()
    assert page.experiment.spec == named
    qtbot.waitUntil(lambda: np.allclose(page.plane.plot().modes, [(5, 5), (-5, -5)]), timeout=WAIT_MS)


def test_a_stroke_of_the_pen_becomes_the_data(qtbot, window):
    page = window.pages["mixture"]
    small_chains(qtbot, page)
    page.editing.points.setChecked(True)
    drag(page.plane, (-4.0, 0.0), (4.0, 0.0), moves=20)
    data = page.experiment.spec.data
    assert data.name == "points"
    points = np.array(data.points)
    assert len(points) >= 10
    np.testing.assert_allclose(points[:, 1], 0, atol=0.1)
    assert np.ptp(points[:, 0]) == pytest.approx(8, abs=0.5)
    drag(page.plane, (0.0, 2.0), (0.0, 4.0))
    assert page.experiment.spec.data.points[: len(points)] == data.points
    assert len(page.experiment.spec.data.points) > len(points)
    chains_arrived(qtbot, page)
    page.experiment.undo()
    assert page.experiment.spec.data == data
    page.experiment.undo()
    assert page.experiment.spec.data.name == "ncsn-toy"
    # Points have no modes to pull.
    said = []
    page.noticed.connect(said.append)
    page.experiment.redo()
    page.editing.modes.setChecked(True)
    assert not page.editing.points.isChecked()
    assert any("has no modes" in text for text in said)

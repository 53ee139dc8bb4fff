"""A grid keeps its columns while a strip below it comes and goes; another window or other images change them."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from msd_gui.views.images.grid import ImageGridView


def images(count):
    return np.zeros((count, 1, 8, 8), np.uint8)


def test_columns_stay_while_a_strip_takes_height_and_follow_window_and_number(qtbot):
    window, strip = QWidget(), QWidget()
    qtbot.addWidget(window)
    grid = ImageGridView()
    column = QVBoxLayout(window)
    column.addWidget(grid, 1)
    column.addWidget(strip)
    strip.setFixedHeight(120)
    strip.hide()
    window.resize(400, 400)
    window.show()
    grid.set_images(images(64))

    def columns():
        column.activate()
        tiles = grid.tiling()
        assert tiles is not None
        assert tiles.area().height() <= grid.height()
        return tiles.columns

    assert columns() == 8
    strip.show()
    assert columns() == 8
    strip.hide()
    assert columns() == 8
    window.resize(800, 300)
    assert columns() > 8
    window.resize(400, 400)
    assert columns() == 8
    grid.set_images(images(16))
    assert columns() == 4


def test_images_from_a_number_on_are_dimmed(qtbot):
    grid = ImageGridView()
    qtbot.addWidget(grid)
    grid.resize(200, 200)
    grid.set_images(np.full((4, 1, 8, 8), 255, np.uint8))
    tiles = grid.tiling()

    def tones():
        picture = grid.grab().toImage()
        return [picture.pixelColor(tiles.cell(index).center().toPoint()).lightness() for index in range(4)]

    bright = tones()
    grid.set_dimmed(2)
    dimmed = tones()
    assert dimmed[:2] == bright[:2]
    assert max(dimmed[2:]) < min(bright)
    grid.set_dimmed(None)
    assert tones() == bright

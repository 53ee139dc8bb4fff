"""Inpainting, interpolation, scrubbing and branching in the window."""

from __future__ import annotations

import numpy as np
import pytest
from hands import on_widget
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from msd_engine.events import FilmFrame
from msd_gui.pages.sampling.gallery import FILM_SHARE, Gallery

FIRST_PAGE = "denoise"
WAIT_MS = 120_000
SMALL = {
    "sampling.source": "exact",
    "sampling.chains": 4,
    "sampling.levels": 5,
    "sampling.steps_per_level": 3,
    "training.k": 3,
}


@pytest.fixture
def page(qtbot, window):
    page = window.pages["denoise"]
    window.show_page("denoise")
    page.experiment.set(page.experiment.spec.replace_all(SMALL))
    qtbot.waitUntil(lambda: page.denoised is not None and not page.running, timeout=WAIT_MS)
    return page


def drawn(qtbot, page, gallery):
    qtbot.waitUntil(lambda: gallery.samples is not None and not page.running, timeout=WAIT_MS)
    samples, gallery.samples = gallery.samples, None
    return samples


def test_what_is_not_under_the_mask_stays_as_it_was_drawn(qtbot, window, page):
    assert not page.chain_task.paint.isEnabled()
    canvas = page.easel.canvas
    page.easel.use("mask")
    page.easel.radius.setValue(20)
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(canvas, left, pos=on_widget(canvas, 6, 1))
    QTest.mouseMove(canvas, on_widget(canvas, 6, 7))
    QTest.mouseRelease(canvas, left, pos=on_widget(canvas, 6, 7))
    known = ~canvas.marked()
    assert 0 < known.sum() < 64
    assert page.chain_task.paint.isEnabled()
    picture = page.easel.canvas.picture()
    window.commands["sample"].trigger()
    samples = drawn(qtbot, page, page.chain_task.gallery)
    assert samples.x_hat.shape == (4, 1, 8, 8)
    x = picture[0][known] / np.float32(127.5) - 1
    assert np.array_equal(samples.x_hat[:, 0][:, known], np.broadcast_to(x, (4, known.sum())))
    assert page.tabs.currentWidget() is page.chain_task


def test_a_branch_of_a_painting_continues_to_keep_the_rest(qtbot, page):
    mask = np.repeat(np.array([0, 1], np.uint8), 32)
    page.experiment.set(page.experiment.spec.replace("denoise.mask", mask.tobytes()))
    page.chain_task.paint.click()
    gallery = page.chain_task.gallery
    whole = drawn(qtbot, page, gallery)
    gallery.choose(2)
    gallery.scrubber.slider.setValue(6)
    gallery.scrubber.same.trigger()
    branched = drawn(qtbot, page, gallery)
    assert np.array_equal(branched.x_hat[0], whole.x_hat[2])
    assert (branched.x_hat[:, :, :4] == whole.x_hat[0, :, :4]).all()
    gallery.scrubber.slider.setValue(0)
    gallery.scrubber.fresh.trigger()
    assert (drawn(qtbot, page, gallery).x_hat[:, :, :4] == whole.x_hat[0, :, :4]).all()


def test_a_row_leads_from_seed_to_seed_and_any_state_of_it_can_be_looked_at(qtbot, page):
    page.chain_task.row.click()
    gallery = page.chain_task.gallery
    samples = drawn(qtbot, page, gallery)
    assert len(samples.x_hat) == 4
    assert [frame.step for frame in gallery.films] == list(range(16))
    scrubber = gallery.scrubber
    gallery.choose(2)
    scrubber.slider.setValue(7)
    names = [tile.name for tile in scrubber.copies.tiles()]
    assert names == ["y₁", "y₂", "y₃", "ȳ", "x̂"]
    assert np.array_equal(scrubber.copies.tiles()[1].image, gallery.films[7].copies[2, 1])
    assert np.array_equal(gallery.images(), gallery.films[7].x_hat)
    # A chain between two seeds has no stream of its own.
    assert scrubber.branch.isEnabled()
    assert not scrubber.same.isEnabled()
    assert scrubber.fresh.isEnabled()


def test_a_branch_on_the_images_page_continues_as_the_chain_did(qtbot, window):
    page = window.pages["images"]
    window.show_page("images")
    page.experiment.set(page.experiment.spec.replace_all(SMALL))
    qtbot.waitUntil(lambda: page.can("sample"), timeout=WAIT_MS)
    page.act("sample")
    whole = drawn(qtbot, page, page.gallery)
    scrubber = page.gallery.scrubber
    assert not scrubber.branch.isEnabled()
    page.gallery.choose(3)
    scrubber.slider.setValue(6)
    scrubber.same.trigger()
    branched = drawn(qtbot, page, page.gallery)
    assert np.array_equal(branched.x_hat[0], whole.x_hat[3])
    assert not np.array_equal(branched.x_hat[1], whole.x_hat[3])
    assert page.gallery.films[0].step == 6


def test_chains_of_a_pretrained_model_can_branch_as_well(qtbot, window):
    # The velocities of the preset's underdamped chains go on as they were.
    pretrained = {"sampling.source": "trained", "training.k": 8}
    page = window.pages["images"]
    window.show_page("images")
    page.experiment.set(page.experiment.spec.replace_all(SMALL | pretrained))
    qtbot.waitUntil(lambda: page.can("sample"), timeout=WAIT_MS)
    page.act("sample")
    whole = drawn(qtbot, page, page.gallery)
    scrubber = page.gallery.scrubber
    page.gallery.choose(1)
    scrubber.slider.setValue(4)
    scrubber.same.trigger()
    assert np.array_equal(drawn(qtbot, page, page.gallery).x_hat[0], whole.x_hat[1])


def frame_of(step, *, copies=2, chains=3):
    images = np.full((chains, 1, 8, 8), step % 256, np.uint8)
    y = np.zeros((copies, 4, 1, 8, 8), np.float32)
    return FilmFrame(step, 0, 1.0, images, images, y, np.zeros((copies, 3), np.int64))


def test_the_strip_stays_short_and_keeps_both_ends_however_long_the_film(qtbot):
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.begin(1000)
    for step in range(0, 1001, 5):
        gallery.receive(frame_of(step))
    assert len(gallery.films) == 201
    assert gallery.film.count() == 17
    assert gallery.scrubber.slider.maximum() == 200
    steps = [frame.step for frame in gallery.highlights()]
    assert len(steps) == 32
    assert (steps[0], steps[-1]) == (0, 1000)
    gallery.begin(1000, 500)
    assert gallery.highlights() == []
    for step in range(500, 1001, 5):
        gallery.receive(frame_of(step))
    assert gallery.film.count() == 17


@pytest.mark.parametrize(("width", "height"), [(1300, 870), (656, 590)])
def test_the_strip_fills_its_width_when_all_its_frames_have_come(qtbot, width, height):
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.resize(width, height)
    gallery.show()
    gallery.begin(1000)
    gallery.receive(frame_of(0))
    first = gallery.film._side()
    for step in range(5, 1001, 5):
        gallery.receive(frame_of(step))
    qtbot.waitUntil(lambda: gallery.film.width() == width)
    side, last = gallery.film._side(), gallery.film._cell(gallery.film.count() - 1)
    # Nothing is scrolled away, less than one more frame would find room, and no frame has shrunk on the way.
    assert last.right() <= width < last.right() + side
    assert first - side < 1
    assert gallery.film.height() < height / 4


def test_a_strip_of_few_frames_leaves_the_grid_its_room(qtbot):
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.resize(1300, 600)
    gallery.show()
    gallery.begin(2)
    for step in range(3):
        gallery.receive(frame_of(step))
    qtbot.waitUntil(lambda: gallery.grid.isVisible())
    assert gallery.film._side() == gallery.height() / FILM_SHARE
    assert gallery.grid.height() > gallery.film.height()


def test_a_chain_without_kept_copies_says_so_and_cannot_branch(qtbot):
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.scrubber.set_branching(True)
    gallery.begin(10)
    for step in range(11):
        gallery.receive(frame_of(step))
    gallery.choose(2)
    gallery.scrubber.slider.setValue(4)
    assert "first 2" in gallery.scrubber._words.text()
    assert not gallery.scrubber.branch.isEnabled()
    gallery.choose(1)
    assert gallery.scrubber.branch.isEnabled()

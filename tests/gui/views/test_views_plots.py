"""The plots: what goes in, what is told, what is chosen, what is kept."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from painted import channels, finished, pixels, rgb, shown, to_png_bytes, to_svg_bytes
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from msd_gui.theme import DARK, make_palette
from msd_gui.views.base.figures import FigureCopy, png_sheet, svg_sheet
from msd_gui.views.base.rich import plain
from msd_gui.views.curves.bands import BandView
from msd_gui.views.curves.decimated import BUCKETS, Decimated, smoothed
from msd_gui.views.curves.losses import LossView
from msd_gui.views.curves.mode_weights import ModeWeightsView
from msd_gui.views.plane.plane import PlaneView


def test_decimation_keeps_ends_extremes_and_mean():
    series, values = Decimated(), np.random.default_rng(0).normal(size=100_003)
    for part in np.array_split(np.arange(100_003), 977):
        series.append(part, part / 10, values[part])
    step, seconds, mean, least, greatest = series.buckets()
    assert len(step) <= BUCKETS + 1
    assert series.count == 100_003
    assert (least.min(), greatest.max()) == (values.min(), values.max())
    weights = np.full(len(step), series.stride)
    weights[-1] = series.count - (len(step) - 1) * series.stride or series.stride
    assert np.average(mean, weights=weights) == pytest.approx(values.mean(), abs=1e-12)
    assert (np.diff(step) > 0).all()
    np.testing.assert_allclose(seconds, step / 10)
    np.testing.assert_array_equal(series.whole()[2], values)


def test_smoothing_has_no_pull_of_its_start_and_skips_gaps():
    assert smoothed(np.full(5, 3.0), 0.9, 1) == pytest.approx(np.full(5, 3.0))
    assert smoothed(np.array([1.0, np.nan, 1.0]), 0.5, 4) == pytest.approx(np.ones(3))
    values = np.array([4.0, 2.0, 9.0])
    assert smoothed(values, 0.0, 1) == pytest.approx(values)


def test_loss_data_come_back_whole(qtbot):
    view = shown(qtbot, LossView())
    loss = np.array([3.0, np.nan, 2.0, 0.0])
    view.append_train(np.arange(4), loss, np.arange(4) / 2)
    view.append_held_out(3, 2.5, 1.5)
    view.set_floor(1.0)
    assert not view.grab().isNull()
    data = view.data()
    np.testing.assert_array_equal(data["train_loss"], loss)
    assert [data[f"held_out_{name}"].tolist() for name in ("step", "seconds", "loss")] == [[3], [1.5], [2.5]]
    assert csv.writer(io.StringIO()).writerow(data) > 0


def test_growing_losses_seldom_move_the_axes(qtbot):
    view = shown(qtbot, LossView())
    moved = []
    view.box.sigRangeChanged.connect(lambda *_: moved.append(1))
    for step in range(1, 2001):
        view.append_train(np.array([step]), np.array([1.0]), np.array([step / 100]))
        assert view.box.viewRange()[0][1] >= step
    assert len(moved) < 60  # growing by a fifth each time: a logarithmic number


def test_losses_are_not_worked_on_out_of_sight(qtbot, monkeypatch):
    view, calls = LossView(), []
    qtbot.addWidget(view)
    original = view.refresh
    monkeypatch.setattr(view, "refresh", lambda: (calls.append(1), original()))
    for step in range(50):
        view.append_train(np.array([step]), np.array([1.0]), np.array([0.0]))
    assert calls == []
    with qtbot.waitExposed(view):
        view.show()
    assert len(calls) == 1


def test_losses_by_seconds_and_refused_smoothing(qtbot):
    view = shown(qtbot, LossView())
    view.append_train(np.arange(1, 101), np.ones(100), np.arange(1, 101) / 100)
    view.set_x("seconds")
    assert view.box.viewRange()[0][1] < 10
    assert view.readout_at(0.5, 0.0).startswith("0.5 s")
    with pytest.raises(ValueError, match="smoothing"):
        view.set_smoothing(1.0)


def test_bands_are_framed_and_told(qtbot):
    view = shown(qtbot, BandView())
    sigma = np.geomspace(0.1, 10, 5)
    view.set_bands(sigma, sigma**2, np.full(5, np.nan))
    (left, right), (low, high) = view.box.viewRange()
    assert left < -1 < 1 < right
    assert low < -2 < 2 < high
    assert plain(view.readout_at(0.0, 0.0)) == "σ_eff = 1 · error 1"
    assert [entry.words for entry in view.legend_entries()] == ["held-out"]


@pytest.mark.parametrize("count", [2, 25])
def test_mode_weights_are_all_in_sight(qtbot, count):
    view = shown(qtbot, ModeWeightsView(), 300, 200)
    true = np.full(count, 1 / count)
    sampled = np.where(np.arange(count) == 0, np.nan, 1 / count)
    view.set_weights(sampled, true)
    (left, right), (low, high) = view.box.viewRange()
    assert (left, right) == pytest.approx((0.4, count + 0.6))
    assert low == 0
    assert high > 1 / count
    assert f"mode {count}   sampled {1 / count:.3f}   true {1 / count:.3f}" == view.readout_at(count, 0)
    assert view.readout_at(count + 2, 0) == ""


def figures(qtbot):
    plane, losses, bands, weights = PlaneView(), LossView(), BandView(), ModeWeightsView()
    plane.set_data(np.random.default_rng(0).normal(size=(50, 2)))
    plane.set_tails(np.random.default_rng(0).normal(size=(50, 4, 2)) * 1e3)
    losses.append_train(np.arange(1, 50), np.ones(49), np.ones(49))
    bands.set_bands(np.array([0.1, 1.0]), np.array([0.2, 1.1]), np.array([0.1, 1.0]))
    weights.set_weights(np.array([0.7, 0.3]), np.array([0.8, 0.2]))
    for view in (plane, losses, bands, weights):
        view.setPalette(make_palette(DARK))
        shown(qtbot, view, 400, 300)
    return plane, losses, bands, weights


def test_figures_are_white_whatever_the_theme(qtbot):
    for view in figures(qtbot):
        before = pixels(view.grab().toImage())
        image = QImage.fromData(to_png_bytes(view, 900, 200))
        assert (image.width(), image.height()) == (900, 675)
        assert image.dotsPerMeterX() == pytest.approx(200 / 0.0254, abs=1)
        corners = [pixels(image)[row, column] for row in (2, -3) for column in (2, -3)]
        assert corners == [rgb("#FFFFFF")] * 4
        assert len(np.unique(pixels(image))) > 10
        assert (pixels(view.grab().toImage()) == before).all()


def test_a_recorded_figure_is_what_is_painted_at_once(qtbot):
    for view in figures(qtbot):
        recorded = QImage.fromData(to_png_bytes(view, 900, 200))
        figure = FigureCopy(view, 900 / (200 / 96), 200 / 96)
        figure.view.for_figure(200 / 96)
        image = QImage(900, 675, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(200 / 96)
        image.fill(rgb("#FFFFFF"))
        with QPainter(image) as painter:
            figure.view.render(painter, QRectF(figure.view.rect()))
        figure.close()
        apart = np.abs(channels(image) - channels(recorded))
        # A curve is stroked as a whole in a recording and piece by piece on the screen: only its rims may differ.
        assert apart.mean() < 0.3
        assert (apart.max(axis=2) > 100).mean() < 1e-3


def test_a_recorded_figure_may_be_painted_on_another_thread(qtbot):
    with ThreadPoolExecutor(1) as pool:
        for view in figures(qtbot):
            sheet = finished(png_sheet(view, 900, 200))
            assert pool.submit(sheet.png, 900, 200).result() == sheet.png(900, 200) == to_png_bytes(view, 900, 200)
            sheet = finished(svg_sheet(view))
            assert pool.submit(sheet.svg).result() == sheet.svg() == to_svg_bytes(view)


def test_figures_as_svg_are_drawings_with_words(qtbot):
    for view in figures(qtbot):
        root = ET.fromstring(to_svg_bytes(view))
        kinds = [element.tag.rpartition("}")[2] for element in root.iter()]
        assert root.get("viewBox") == "0 0 400 300"
        assert kinds.count("text") > 5
        assert kinds.count("polyline") + kinds.count("path") > 3


def test_what_leaves_the_axes_is_covered_in_svg(qtbot):
    from PySide6.QtGui import QPainter
    from PySide6.QtSvg import QSvgRenderer

    view = figures(qtbot)[0]
    renderer = QSvgRenderer(to_svg_bytes(view))
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(rgb("#FFFFFF"))
    with QPainter(image) as painter:
        renderer.render(painter)
    below, right = pixels(image)[-3:, :100], pixels(image)[60:, -4:]
    assert (below == rgb("#FFFFFF")).all()
    assert (right == rgb("#FFFFFF")).all()

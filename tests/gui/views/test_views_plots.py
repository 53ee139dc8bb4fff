"""The plots: their content, their words, what is chosen and kept."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest
from painted import channels, shown
from PySide6.QtGui import QColor

from msd_engine.events.plots import OWN_COLOURS, Axis, Curve, Curves
from msd_gui.theme import DARK, LIGHT
from msd_gui.views.base.colour_maps import colour_of, paper
from msd_gui.views.base.rich import plain
from msd_gui.views.curves.bars import BarsView, class_shares
from msd_gui.views.curves.curves import CurvesView
from msd_gui.views.curves.decimated import BUCKETS, Decimated, smoothed
from msd_gui.views.curves.losses import LossView


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


def test_losses_are_not_worked_on_while_hidden(qtbot, monkeypatch):
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
    assert view.readout_at(0.5, 0.0).startswith("time 0.5 s   training ")
    with pytest.raises(ValueError, match="smoothing"):
        view.set_smoothing(1.0)


def growing(*curves: Curve) -> Curves:
    return Curves("Error by noise", Axis("σ_eff", log=True), Axis("error", log=True), curves, growing=True)


def test_logarithms_are_framed_and_read_out(qtbot):
    sigma = np.geomspace(0.1, 10, 5)
    view = shown(qtbot, CurvesView(growing()))
    assert (view.readout_at(0.0, 0.0), view.legend_entries()) == ("", ())
    view.set_plot(growing(Curve("held-out", sigma, sigma**2), Curve("least", sigma, np.full(5, np.nan))))
    left, right, low, high = view.bounds()
    assert left < -1 < 1 < right
    assert low < -2 < 2 < high
    assert plain(view.readout_at(0.1, 0.0)) == "σ_eff 1   held-out 1"
    assert [entry.words for entry in view.legend_entries()] == ["held-out", "least"]


def test_of_many_curves_the_nearest_is_read_out_and_of_few_all(qtbot):
    x = np.arange(1.0, 11.0)
    curves = tuple(Curve(f"run {n}", x, n * x, f"own {n}") for n in range(1, 6))
    view = shown(qtbot, CurvesView(Curves("Runs", Axis("time", "s"), Axis("error"), curves)))
    assert view.readout_at(10.0, 29.0) == "run 3   time 10 s   30"
    view.set_plot(Curves("Runs", Axis("time", "s"), Axis("error"), curves[:2]))
    assert view.readout_at(9.8, 29.0) == "time 10 s   run 1 10   run 2 20"


@pytest.mark.parametrize("steep", [False, True])
def test_tags_are_written_beside_the_ends_of_their_curves_and_on_no_line(qtbot, steep):
    x = np.linspace(0.0, 10.0, 11)
    y = np.exp(-x) if steep else np.ones(11)
    bare = Curve("k = 8, seed 0", x[:6], y[:6], "own 1"), Curve("k = 1, seed 0", x, y + 2.0, "own 2")
    plot = Curves("Runs", Axis("step"), Axis("error"), bare, legend=())
    view = shown(qtbot, CurvesView(plot))
    before = channels(view.grab().toImage())
    lines = np.abs(before - before[-1, -1]).sum(axis=2) > 60
    view.set_plot(replace(plot, curves=tuple(replace(curve, tag=curve.words[:5]) for curve in bare)))
    changed = (channels(view.grab().toImage()) != before).any(axis=2)
    assert 60 < changed.sum() < 2000
    # Both tags are there, and nothing was painted on what was a line before.
    assert changed[: 440 // 2].any()
    assert changed[440 // 2 :].any()
    assert not (changed & lines).any()


def test_axes_follow_the_curves_until_the_user_moves_them_and_again_for_others(qtbot):
    x = np.arange(1.0, 11.0)

    def plot(name, scale):
        return Curves("Runs", Axis("step"), Axis("error"), (Curve(name, x, scale * x),))

    view = shown(qtbot, CurvesView(plot("one", 1)))
    view.set_plot(plot("one", 3))
    assert view.bounds()[3] > 30
    view.box.sigRangeChangedManually.emit([True, True])
    view.set_plot(plot("one", 30))
    assert view.bounds()[3] < 300
    view.set_plot(plot("two", 30))
    assert view.bounds()[3] > 300
    assert view.bounds()[0] == 0.0


def test_curves_that_need_not_be_seen_leave_the_axes_alone_and_spreads_widen_them(qtbot):
    x = np.array([10.0, 100.0])
    axes = Axis("evaluations", log=True), Axis("distance", log=True)
    real = Curve("real", x, np.full(2, 0.5), "exact", "dash", across=True)
    samples = Curve("samples", x, np.array([8.0, 2.0]), low=np.array([7.0, 1.0]), high=np.array([16.0, 4.0]),
                    notes=("few", "many"))  # fmt: skip
    view = shown(qtbot, CurvesView(Curves("Quality", *axes, (samples, real))))
    left, right, low, high = view.bounds()
    assert left < 1 < 2 < right
    assert low < math.log10(0.5)
    assert high > math.log10(16)
    assert view.readout_at(1.1, 0.0) == "few   samples 8 (7 to 16)   real 0.5"
    spread = replace(real, low=np.full(2, 0.25), high=np.full(2, 0.75), spread="band")
    view.set_plot(Curves("Quality", *axes, (samples, spread)))
    assert view.bounds()[2] < math.log10(0.25) < low
    assert view.readout_at(1.1, 0.0).endswith("real 0.5 (0.25 to 0.75)")
    view.set_plot(Curves("Quality", *axes, (samples, replace(spread, framed=False))))
    assert view.bounds()[2] > math.log10(0.75)


@pytest.mark.parametrize("log", [True, False])
def test_a_file_gets_what_the_axes_show_in_data_units(qtbot, log):
    x = np.array([1.0, 100.0])
    view = shown(qtbot, CurvesView(Curves("Runs", Axis("a", log=log), Axis("b", log=True), (Curve("c", x, x),))))
    bounds = view.plot().bounds
    ends = (10.0 ** np.array(view.bounds()))[:2] if log else view.bounds()[:2]
    assert bounds[:2] == pytest.approx(tuple(ends))
    assert bounds[2:] == pytest.approx(tuple(10.0 ** np.array(view.bounds())[2:]))


def test_styles_spreads_and_colours_are_seen(qtbot):
    x = np.arange(1.0, 40.0)

    def colours(**changes):
        curve = replace(Curve("c", x, x, low=0.5 * x, high=2 * x), **changes)
        view = shown(qtbot, CurvesView(Curves("Runs", Axis("a"), Axis("b"), (curve,))))
        return channels(view.grab().toImage())

    first, plain_line = colours(), {"low": None, "high": None}
    others = [{"style": "dash"}, {"style": "dotted"}, {"spread": "band"}, {"colour": "exact"}, {"colour": "order 0.5"}]
    others += [{"colour": "own 2"}, {"across": True}, plain_line, {"x": x[:1], "y": x[:1]} | plain_line]
    for changes in others:
        assert (colours(**changes) != first).any(), changes


@pytest.mark.parametrize("count", [2, 25])
def test_bars_are_all_visible(qtbot, count):
    view = shown(qtbot, BarsView("Mode weights", "mode", "true"), 300, 200)
    true = np.full(count, 1 / count)
    sampled = np.where(np.arange(count) == 0, np.nan, 1 / count)
    view.set_shares([str(mode + 1) for mode in range(count)], sampled, true)
    left, right, low, high = view.bounds()
    assert (left, right) == pytest.approx((0.4, count + 0.6))
    assert low == 0
    assert high > 1 / count
    assert f"mode {count}   sampled {1 / count:.3f}   true {1 / count:.3f}" == view.readout_at(count, 0)
    assert view.readout_at(count + 2, 0) == ""
    assert view.plot().names == tuple(str(mode + 1) for mode in range(count))


def test_names_of_bars_are_short_below_them_and_whole_in_the_read_out(qtbot):
    view = shown(qtbot, class_shares(), 300, 200)
    view.set_shares(("automobile", "cat"), np.array([0.7, 0.3]), np.array([0.5, 0.5]))
    assert view.readout_at(1.1, 0.0).startswith("class automobile   sampled 0.700   real 0.500")
    assert view.plot().colour == "learned"


def test_roles_have_a_colour_in_each_theme():
    roles = ("exact", "learned", "density", "order 0", "order 0.5", "order 1", "own 1", f"own {OWN_COLOURS}", "#123456")
    for colours in (LIGHT, DARK):
        assert len({colour_of(colours, role) for role in roles}) == len(roles)
        assert all(QColor(colour_of(colours, role)).isValid() for role in roles)
    assert paper()["exact"] == LIGHT.exact
    assert paper()["own 1"] == colour_of(LIGHT, "own 1")

"""The slider: an even logarithmic scale, typed numbers, steps of keys, drags that belong together."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QLocale, QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from msd_engine.specs import Declaration, declarations, load_preset
from msd_gui.theme import colours_of
from msd_gui.widgets.controls.numbers import format_number
from msd_gui.widgets.controls.scale import SliderScale
from msd_gui.widgets.controls.slider import NumberSlider

SPEC = load_preset("ncsn-toy")
DECLARED: dict[str, Declaration] = {declaration.path: declaration for declaration in declarations(SPEC)}
SLIDERS = sorted(path for path, declaration in DECLARED.items() if declaration.slider is not None)


@pytest.fixture
def make(qtbot):
    def build(path: str) -> NumberSlider:
        control = NumberSlider(DECLARED[path])
        qtbot.addWidget(control)
        control.resize(300, control.sizeHint().height())
        with qtbot.waitActive(control):
            control.show()
        return control

    return build


@pytest.fixture
def epsilon(make) -> NumberSlider:
    return make("sampling.step_ratio")


def type_text(qtbot, control: NumberSlider, text: str) -> None:
    control.box.selectAll()
    qtbot.keyClicks(control.box, text)
    qtbot.keyClick(control.box, Qt.Key.Key_Return)


def place(control: NumberSlider, fraction: float) -> QPoint:
    track = control.track
    return QPoint(round(track._x(fraction)), track.height() // 2)


# -- numbers -----------------------------------------------------------------------------------------------------------


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_shown_numbers_are_short_and_true_to_a_thousandth(value):
    text = format_number(value)
    assert float(text) == pytest.approx(value, rel=1e-3)
    assert len(text) <= 12


@pytest.mark.parametrize(("value", "text"), [(0.1 + 0.2, "0.3"), (3e-3 + 4e-19, "0.003"), (1e-6, "1e-6")])
def test_rounding_errors_are_never_shown(value, text):
    assert format_number(value) == text


@given(st.floats(min_value=1e-5, max_value=0.1))
def test_decays_near_one_show_how_far_they_are_from_one(gap):
    assert 1.0 - float(format_number(1.0 - gap)) == pytest.approx(gap, rel=2e-3)


@given(st.integers(min_value=-(2**31), max_value=2**31))
def test_whole_numbers_are_shown_in_full(value):
    assert int(format_number(value)) == value


# -- the scale ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SLIDERS)
def test_scale_reaches_its_ends_and_comes_back_to_each_place(path):
    scale = SliderScale.of(DECLARED[path])
    assert scale.value(0.0) == scale.low
    assert scale.value(1.0) == scale.high
    for i in range(101):
        value = scale.value(i / 100)
        # Rounded to what a hand can choose: a thousandth of the range or of the number, and whole where it must be.
        room = 0.006 * value if scale.log else 0.001 * (scale.high - scale.low)
        room = max(room, 0.5) if scale.whole else room
        exact = scale.low * (scale.high / scale.low) ** (i / 100) if scale.log else None
        exact = scale.low + (scale.high - scale.low) * i / 100 if exact is None else exact
        assert abs(value - exact) <= room * (1 + 1e-9)
        assert abs(scale.value(scale.fraction(value)) - value) <= 2 * room


@pytest.mark.parametrize("path", [path for path in SLIDERS if DECLARED[path].scale == "log"])
def test_log_scale_gives_every_decade_the_same_room(path):
    scale = SliderScale.of(DECLARED[path])
    room = scale.fraction(scale.low * 10) - scale.fraction(scale.low)
    assert room == pytest.approx(1 / math.log10(scale.high / scale.low))
    assert scale.fraction(scale.high) - scale.fraction(scale.high / 10) == pytest.approx(room)


@pytest.mark.parametrize("path", SLIDERS)
@pytest.mark.parametrize("page", [False, True])
def test_every_step_of_a_key_moves_and_the_way_back_is_the_same(path, page):
    scale = SliderScale.of(DECLARED[path])
    ladder_controls = [scale.low]
    while ladder_controls[-1] < scale.high and len(ladder_controls) < 3000:
        ladder_controls.append(scale.stepped(ladder_controls[-1], 1, page=page))
        assert ladder_controls[-1] > ladder_controls[-2]
    assert ladder_controls[-1] == scale.high
    inner = ladder_controls[1:-1]
    back = [scale.stepped(value, -1, page=page) for value in inner[1:]]
    assert back == pytest.approx(inner[:-1])


def test_log_steps_are_those_that_people_count_in():
    scale = SliderScale(1e-6, 10.0, log=True, whole=False)
    assert [scale.stepped(0.1, n) for n in (1, 2, -1, -2)] == [0.11, 0.12, 0.099, 0.098]
    assert [scale.stepped(0.1, n, page=True) for n in (1, 2, 3, -1)] == [0.2, 0.5, 1.0, 0.05]


@pytest.mark.parametrize("page", [False, True])
@pytest.mark.parametrize("value", [0.0, -1.0, 5e-324, 1e308, 1.7e308])
def test_a_number_far_outside_the_scale_steps_to_its_end_and_no_further_out(value, page):
    scale = SliderScale(1e-6, 10.0, log=True, whole=False)
    end, inward = (1e-6, 1) if value < 1.0 else (10.0, -1)
    assert scale.stepped(value, inward, page=page) == end
    assert scale.stepped(value, -inward, page=page) == pytest.approx(value, abs=0.0)
    assert scale.stepped(value, 2 * inward, page=page) == scale.stepped(end, inward, page=page)


@pytest.mark.parametrize(("low", "high", "log"), [(0.0, 1.0, True), (2.0, 1.0, False), (1.0, 1.0, False)])
def test_scale_that_cannot_be_is_refused(low, high, log):
    with pytest.raises(ValueError, match="cannot span"):
        SliderScale(low, high, log=log, whole=False)


# -- the control -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SLIDERS)
def test_control_carries_name_title_and_value_and_stays_low(make, path):
    control = make(path)
    assert control.objectName() == path
    assert control.accessibleName() == control.track.accessibleName() == DECLARED[path].title
    assert control.value() == SPEC.get(path) or control.value() == DECLARED[path].default
    assert type(control.value()) is DECLARED[path].type
    assert control.sizeHint().height() <= 44
    assert DECLARED[path].help.split("σ")[0][:20] in control.toolTip()


@pytest.mark.parametrize("value", [0.0030000000000000005, 1e-6, 5e5, 0.1234567890123])
def test_value_comes_back_to_the_last_bit_and_is_not_told(epsilon, qtbot, value):
    with qtbot.assertNotEmitted(epsilon.valueChanged):
        epsilon.setValue(value)
        qtbot.keyClick(epsilon.box, Qt.Key.Key_Return)
    assert epsilon.value() == value


def test_typed_number_outside_the_slider_but_inside_the_bounds_is_taken(epsilon, qtbot):
    with qtbot.waitSignal(epsilon.valueChanged) as received:
        type_text(qtbot, epsilon, "1e3")
    assert received.args == [1000.0]
    assert epsilon.track.fraction() == 1.0
    assert type(epsilon.value()) is float


@pytest.mark.parametrize("text", ["1e13", "-1", "e", "", "1.2.3"])
def test_typed_text_that_is_no_value_is_refused_in_a_sentence(epsilon, qtbot, text):
    before = epsilon.value()
    epsilon.box.setFocus()
    epsilon.box.selectAll()
    qtbot.keyClick(epsilon.box, Qt.Key.Key_Delete)
    qtbot.keyClicks(epsilon.box, text)
    with qtbot.assertNotEmitted(epsilon.valueChanged), qtbot.waitSignal(epsilon.rejected) as received:
        qtbot.keyClick(epsilon.box, Qt.Key.Key_Return)
    assert "Step ratio" in received.args[0]
    assert f"“{text}”" in received.args[0]
    assert epsilon.value() == before
    epsilon.box.clearFocus()
    assert epsilon.box.text() == format_number(before)


@pytest.mark.parametrize("text", ["2x3", "10k", "20 s", "1 2", "20.000", "0x10", "1e-400", "1e9999", "nan"])
def test_a_text_is_refused_in_red_and_never_becomes_another_number(epsilon, qtbot, text):
    with qtbot.assertNotEmitted(epsilon.valueChanged), qtbot.waitSignal(epsilon.rejected) as received:
        type_text(qtbot, epsilon, text)
    assert f"“{text}”: it" in received.args[0]
    assert epsilon.box.text() == text
    assert epsilon.box.palette().text().color() == colours_of(epsilon.palette()).error


def test_the_digits_on_the_screen_typed_anew_are_the_number_itself(epsilon, qtbot):
    epsilon.setValue(0.123456)
    shown = epsilon.box.text()
    assert float(shown) != 0.123456
    qtbot.keyClick(epsilon.box, Qt.Key.Key_Return)
    assert epsilon.value() == 0.123456
    type_text(qtbot, epsilon, shown)
    assert epsilon.value() == float(shown)


def test_thousands_are_read_as_the_language_of_the_user_writes_them(make, qtbot):
    control = make("training.steps")
    before = QLocale()
    try:
        QLocale.setDefault(QLocale("en_US"))
        type_text(qtbot, control, "10,000")
        assert control.value() == 10_000
        QLocale.setDefault(QLocale("de_DE"))
        with qtbot.waitSignal(control.rejected) as received:
            type_text(qtbot, control, "20.000")
        assert "it could be 20 or 20000" in received.args[0]
        assert control.value() == 10_000
    finally:
        QLocale.setDefault(before)


def test_fraction_of_a_whole_number_is_refused(make, qtbot):
    control = make("sampling.levels")
    with qtbot.waitSignal(control.rejected) as received:
        type_text(qtbot, control, "2.5")
    assert "whole number" in received.args[0]


def test_drag_reports_every_change_between_start_and_finish(epsilon, qtbot):
    story: list[object] = []
    epsilon.editing_started.connect(lambda: story.append("start"))
    epsilon.editing_finished.connect(lambda: story.append("finish"))
    epsilon.valueChanged.connect(story.append)
    button = Qt.MouseButton.LeftButton
    qtbot.mousePress(epsilon.track, button, pos=place(epsilon, 0.2))
    for fraction in (0.4, 0.6, 0.8):
        qtbot.mouseMove(epsilon.track, place(epsilon, fraction))
    qtbot.mouseRelease(epsilon.track, button, pos=place(epsilon, 0.8))
    assert story[0] == "start"
    assert story[-1] == "finish"
    values = story[1:-1]
    assert values == sorted(values)
    assert len(values) == 4
    assert epsilon.value() == values[-1]
    assert epsilon.track.fraction() == pytest.approx(0.8, abs=0.01)


def test_a_drag_ends_when_the_control_is_disabled_under_the_hand(epsilon, qtbot):
    qtbot.mousePress(epsilon.track, Qt.MouseButton.LeftButton, pos=place(epsilon, 0.5))
    with qtbot.waitSignal(epsilon.editing_finished):
        epsilon.setEnabled(False)


@pytest.mark.parametrize("where", ["label", "track"])
def test_double_click_resets(epsilon, qtbot, where):
    epsilon.set_reset(0.25)
    epsilon.setValue(3.0)
    with qtbot.waitSignal(epsilon.valueChanged) as received:
        qtbot.mouseDClick(getattr(epsilon, where), Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert received.args == [0.25]
    assert "0.25" in epsilon.toolTip()


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Qt.Key.Key_Right, 0.11),
        (Qt.Key.Key_Left, 0.099),
        (Qt.Key.Key_PageUp, 0.2),
        (Qt.Key.Key_PageDown, 0.05),
        (Qt.Key.Key_Home, 1e-3),
        (Qt.Key.Key_End, 4.0),
    ],
)
def test_keys_move_the_slider(epsilon, qtbot, key, expected):
    epsilon.setValue(0.1)
    qtbot.keyClick(epsilon.track, key)
    assert epsilon.value() == expected


def test_arrows_in_the_box_step_the_number(epsilon, qtbot):
    epsilon.setValue(0.1)
    qtbot.keyClick(epsilon.box, Qt.Key.Key_Up)
    assert epsilon.value() == 0.11


def test_slider_keeps_its_arrow_keys_from_the_windows_shortcuts(epsilon, qtbot):
    pressed: list[str] = []
    step = QShortcut(QKeySequence("Right"), epsilon)
    play = QShortcut(QKeySequence("Space"), epsilon)
    step.activated.connect(lambda: pressed.append("step"))
    play.activated.connect(lambda: pressed.append("play"))
    epsilon.track.setFocus()
    epsilon.setValue(0.1)
    qtbot.keyClick(epsilon.track, Qt.Key.Key_Right)
    qtbot.keyClick(epsilon.track, Qt.Key.Key_Space)
    assert epsilon.value() == 0.11
    assert pressed == ["play"]


@pytest.mark.parametrize("keys", [QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo])
def test_undo_in_a_box_without_typed_text_is_the_windows(epsilon, qtbot, keys):
    """After a drag and Tab into the box, Ctrl+Z undoes the drag; while a text is typed it undoes the typing."""
    pressed: list[str] = []
    undo = QShortcut(QKeySequence(keys), epsilon)
    undo.activated.connect(lambda: pressed.append("undo"))
    with qtbot.waitExposed(epsilon):
        epsilon.show()
    epsilon.activateWindow()
    epsilon.change_value(0.7)
    epsilon.box.setFocus()
    sequence = QKeySequence(keys)[0]
    qtbot.keyClick(epsilon.box, sequence.key(), sequence.keyboardModifiers())
    assert pressed == ["undo"]
    qtbot.keyClicks(epsilon.box, "5")
    qtbot.keyClick(epsilon.box, sequence.key(), sequence.keyboardModifiers())
    assert pressed == ["undo"]


def turn_wheel(widget: QWidget, notches: int) -> None:
    """Turn the wheel over a widget as the system tells it: only then does Qt pass it on to the parents."""
    place_in_window = widget.mapTo(widget.window(), widget.rect().center())
    QTest.wheelEvent(widget.window().windowHandle(), QPointF(place_in_window), QPoint(0, 120 * notches))
    QApplication.processEvents()


@pytest.mark.parametrize("part", ["track", "box"])
def test_wheel_scrolls_the_panel_and_changes_the_value_only_with_focus(qtbot, part):
    area, panel = QScrollArea(), QWidget()
    column = QVBoxLayout(panel)
    controls = [NumberSlider(DECLARED["sampling.step_ratio"]) for _ in range(12)]
    for control in controls:
        column.addWidget(control)
    area.setWidget(panel)
    area.setWidgetResizable(True)
    area.resize(320, 200)
    qtbot.addWidget(area)
    with qtbot.waitExposed(area):
        area.show()
    area.setFocus()
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() > 0)
    target = getattr(controls[1], part)
    before = controls[1].value()
    turn_wheel(target, -1)
    assert controls[1].value() == before
    assert area.verticalScrollBar().value() > 0
    scrolled = area.verticalScrollBar().value()
    target.setFocus()
    turn_wheel(target, 1)
    assert controls[1].value() > before
    assert area.verticalScrollBar().value() == scrolled


def test_marker_and_trailing_text_come_back_and_are_drawn(epsilon):
    plain = epsilon.track.grab().toImage()
    epsilon.set_marker(2.0, "r = 2")
    epsilon.set_trailing("r = ε/σ²  0.10", "warning")
    assert epsilon.marker() == (2.0, "r = 2")
    assert epsilon.trailing() == "r = ε/σ²  0.10"
    assert epsilon.sizeHint().height() <= 44
    epsilon.resize(300, epsilon.sizeHint().height())
    QApplication.processEvents()
    assert epsilon.track.grab().toImage() != plain
    epsilon.set_marker(None)
    assert epsilon.marker() is None


def test_reason_for_being_disabled_stands_in_the_tooltip(epsilon, qtbot):
    epsilon.set_enabled(False, "The chains are running.")
    assert "The chains are running." in epsilon.toolTip()
    assert epsilon.accessibleDescription() == "The chains are running."
    with qtbot.assertNotEmitted(epsilon.valueChanged):
        epsilon.setValue(5.0)
        epsilon.reset()
    epsilon.set_enabled(True)
    assert "The chains" not in epsilon.toolTip()


def test_seed_like_field_without_a_range_is_refused(qtbot):
    with pytest.raises(ValueError, match=r"sampling\.step_ratio has no range"):
        SliderScale.of(replace(DECLARED["sampling.step_ratio"], slider=None, high=None))

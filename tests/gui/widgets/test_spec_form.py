"""The form: every spec comes back as it was, a change touches one field, a refused change says why."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt

from msd_engine.specs import ExperimentSpec, SpecError, declarations, load_preset, preset_names
from msd_gui.session.experiment import Experiment
from msd_gui.widgets.controls.choice import Choice
from msd_gui.widgets.controls.seed_box import SeedBox
from msd_gui.widgets.controls.slider import NumberSlider
from msd_gui.widgets.controls.toggle import Toggle
from msd_gui.widgets.panels.spec_form import SpecForm

LADDER = ("Ladder", ["sampling.sigma_1", "sampling.sigma_L", "sampling.levels"])
REST = ("Rest", ["sampling.step_ratio", "sampling.method", "sampling.jump", "sampling.seed"])


def every_path(spec):
    return [declaration.path for declaration in declarations(spec)]


@pytest.fixture
def form(qtbot):
    form = SpecForm([LADDER, REST], ExperimentSpec())
    qtbot.addWidget(form)
    form.resize(300, 600)
    form.show()
    return form


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_comes_back_as_it_was(qtbot, name):
    spec = load_preset(name)
    others = [load_preset(other) for other in preset_names()]
    start = next(other for other in others if other.data.kind == spec.data.kind and other != spec)
    form = SpecForm([("All", every_path(spec))], start)
    qtbot.addWidget(form)
    with qtbot.assertNotEmitted(form.edited):
        form.setValue(spec)
    assert form.value() == spec
    assert {path: form.control(path).value() for path in form.paths()} == {
        path: spec.get(path) for path in every_path(spec)
    }


@pytest.mark.parametrize("name", ["ncsn-toy", "mnist-2min"])
def test_each_control_changes_its_own_field_alone(qtbot, name):
    spec = load_preset(name)
    form = SpecForm([("All", every_path(spec))], spec)
    qtbot.addWidget(form)
    other = {bool: lambda v: not v, int: lambda v: v + 1, float: lambda v: v * 1.01 + 0.001}
    for declaration in declarations(spec):
        if declaration.choices or declaration.path == "training.averaging":
            continue
        form.setValue(spec)
        path = declaration.path
        with qtbot.waitSignal(form.edited) as received:
            form.control(path).change_value(other[declaration.type](spec.get(path)))
        changed, where = received.args
        assert where == path
        assert changed == spec.replace(path, changed.get(path)) != spec
        assert form.value() == changed


def test_controls_fit_their_fields(form):
    kinds = {
        "sampling.step_ratio": NumberSlider,
        "sampling.method": Choice,
        "sampling.jump": Toggle,
        "sampling.seed": SeedBox,
    }
    assert {path: type(form.control(path)) for path in kinds} == kinds
    assert all(form.findChild(kind, path) is form.control(path) for path, kind in kinds.items())
    assert form.paths() == (*LADDER[1], *REST[1])


def test_refused_change_says_why_under_its_control_and_keeps_the_last_good_spec(form, qtbot):
    before = form.value()
    with qtbot.assertNotEmitted(form.edited):
        form.control("sampling.sigma_L").change_value(30.0)
    assert form.value() == before
    assert form.errors() == {"sampling.sigma_L": "Last noise σ_L (30) must not exceed First noise σ₁ (20)."}
    assert form.control("sampling.sigma_L").value() == 30.0


def test_refused_change_is_taken_as_soon_as_another_one_makes_it_good(form, qtbot):
    form.control("sampling.sigma_L").change_value(30.0)
    form.control("sampling.levels").change_value(20)
    assert form.value().sampling.levels == 20
    assert form.value().sampling.sigma_L == 1.0
    assert list(form.errors()) == ["sampling.sigma_L"]
    form.control("sampling.sigma_1").change_value(50.0)
    assert (form.value().sampling.sigma_1, form.value().sampling.sigma_L) == (50.0, 30.0)
    assert form.errors() == {}


def test_taking_a_refused_change_back_clears_the_sentence(form):
    form.control("sampling.sigma_L").change_value(30.0)
    form.control("sampling.sigma_L").change_value(1.0)
    assert form.errors() == {}
    assert form.value() == ExperimentSpec()


def test_typed_nonsense_is_reported_under_the_control_and_goes_with_the_next_change(form, qtbot):
    box = form.slider("sampling.step_ratio").box
    box.selectAll()
    qtbot.keyClicks(box, "1e13")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert "1e13" in form.errors()["sampling.step_ratio"]
    form.control("sampling.step_ratio").change_value(0.5)
    assert form.errors() == {}


def test_new_spec_clears_what_was_refused(form):
    form.control("sampling.sigma_L").change_value(30.0)
    form.setValue(ExperimentSpec().replace("training.k", 2))
    assert form.errors() == {}
    assert form.control("sampling.sigma_L").value() == 1.0


def test_a_rule_changes_other_fields_along(form, qtbot):
    form.set_rule("sampling.sigma_L", lambda spec, value: {"sampling.step_ratio": 0.1 * value**2})
    with qtbot.waitSignal(form.edited) as received:
        form.control("sampling.sigma_L").change_value(2.0)
    assert received.args[0].sampling.step_ratio == form.control("sampling.step_ratio").value() == 0.4


def test_reset_goes_back_to_the_spec_that_was_named(form, qtbot):
    form.set_reset(ExperimentSpec().replace("sampling.levels", 33))
    slider = form.slider("sampling.levels")
    qtbot.mouseDClick(slider.label, Qt.MouseButton.LeftButton, pos=QPoint(4, 4))
    assert form.value().sampling.levels == 33


def test_a_field_without_effect_is_hidden_and_keeps_its_reason(form):
    form.set_refused(
        {"sampling.seed": "The run is being resumed."}, {("sampling.method", "fixed"): "It needs a ladder."}
    )
    assert not form.control("sampling.seed").isVisible()
    assert "The run is being resumed." in form.control("sampling.seed").toolTip()
    method = form.control("sampling.method").combo
    item = method.model().item(method.findData("fixed"))
    assert (item.isEnabled(), item.toolTip()) == (False, "It needs a ladder.")
    form.set_refused({}, {})
    assert form.control("sampling.seed").isVisible()
    assert (item.isEnabled(), item.toolTip()) == (True, "")


def test_group_folds(form):
    section = form.section("Ladder")
    section.button.click()
    assert not form.control("sampling.sigma_1").isVisible()
    assert form.control("sampling.step_ratio").isVisible()
    section.set_open(True)
    assert form.control("sampling.sigma_1").isVisible()


def test_spec_of_another_kind_and_unknown_paths_are_refused(form):
    with pytest.raises(SpecError, match="mixture and mlp"):
        form.setValue(load_preset("mnist-2min"))
    with pytest.raises(SpecError, match="no field"):
        SpecForm([("", ["sampling.sigma_9"])], ExperimentSpec())


def test_a_drag_in_the_form_is_one_step_of_undo_in_the_experiment(form, qtbot):
    experiment = Experiment(form.value())
    form.edited.connect(experiment.set)
    form.editing_started.connect(experiment.begin_edit)
    form.editing_finished.connect(experiment.end_edit)
    experiment.changed.connect(form.setValue)
    track = form.slider("sampling.step_ratio").track
    y = track.height() // 2
    qtbot.mousePress(track, Qt.MouseButton.LeftButton, pos=QPoint(30, y))
    for x in range(40, 120, 10):
        qtbot.mouseMove(track, QPoint(x, y))
    qtbot.mouseRelease(track, Qt.MouseButton.LeftButton, pos=QPoint(110, y))
    assert experiment.spec == form.value() != ExperimentSpec()
    experiment.undo()
    assert not experiment.can_undo
    assert form.value() == experiment.spec == ExperimentSpec()
    assert form.control("sampling.step_ratio").value() == 0.1

"""Undo and redo: every step back and forth, one step for one drag."""

from __future__ import annotations

import pytest

from msd_engine.specs import load_preset, preset_names
from msd_gui.session.experiment import Experiment
from msd_gui.session.history import MERGE_S, History


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def test_undo_and_redo_walk_the_same_values(clock):
    history = History(0, clock=clock)
    for value in range(1, 6):
        history.push(value)
    assert [history.undo() for _ in range(5)] == [4, 3, 2, 1, 0]
    assert not history.can_undo
    assert [history.redo() for _ in range(5)] == [1, 2, 3, 4, 5]
    assert not history.can_redo


def test_at_the_ends_nothing_changes():
    history = History("only")
    assert history.undo() == history.redo() == "only"


def test_a_drag_is_one_step_however_long_it_takes(clock):
    history = History(0.0, clock=clock)
    history.begin()
    for value in (0.1, 0.2, 0.3):
        clock.now_s += 10 * MERGE_S
        history.push(value, "sampling.step_ratio")
    history.end()
    assert history.undo() == 0.0
    assert history.redo() == 0.3


def test_two_drags_are_two_steps_even_in_quick_succession(clock):
    history = History(0, clock=clock)
    for value in (1, 2):
        history.begin()
        history.push(value, "training.k")
        history.end()
    assert history.undo() == 1


def test_a_drag_back_to_its_start_leaves_no_step():
    history = History(0)
    history.begin()
    history.push(1, "training.k")
    history.push(0, "training.k")
    history.end()
    assert not history.can_undo


def test_quick_changes_of_one_source_merge_and_slow_or_other_ones_do_not(clock):
    history = History(0, clock=clock)
    history.push(1, "a")
    clock.now_s += MERGE_S / 2
    history.push(2, "a")
    history.push(3, "b")
    clock.now_s += 2 * MERGE_S
    history.push(4, "b")
    assert [history.undo() for _ in range(3)] == [3, 2, 0]


def test_a_change_after_undo_starts_a_new_future(clock):
    history = History(0, clock=clock)
    history.push(1, "a")
    history.undo()
    history.push(2, "a")
    assert not history.can_redo
    assert history.undo() == 0


def test_depth_is_bounded():
    history = History(0, depth=3)
    for value in range(1, 10):
        history.push(value)
    assert [history.undo() for _ in range(4)] == [8, 7, 6, 6]


def test_experiment_reports_each_change_once(qtbot):
    experiment = Experiment(load_preset("ncsn-toy"))
    received = []
    experiment.changed.connect(received.append)
    changed = experiment.spec.replace("training.k", 3)
    experiment.set(changed, "training.k")
    experiment.set(changed, "training.k")
    experiment.undo()
    experiment.undo()
    experiment.redo()
    assert received == [changed, load_preset("ncsn-toy"), changed]


@pytest.mark.parametrize("name", preset_names())
def test_reset_returns_to_the_preset_and_can_be_undone(qtbot, name):
    experiment = Experiment(load_preset(name))
    assert experiment.preset == name
    changed = experiment.spec.replace("training.batch", 17)
    experiment.set(changed)
    experiment.reset()
    assert experiment.spec == load_preset(name)
    experiment.undo()
    assert experiment.spec == changed
    assert experiment.preset == name


def test_a_foreign_experiment_resets_to_itself(qtbot):
    experiment = Experiment(load_preset("ncsn-toy"))
    foreign = experiment.spec.replace_all({"title": "mine", "training.k": 2})
    experiment.load(foreign)
    assert experiment.preset == ""
    experiment.set(foreign.replace("training.k", 5))
    experiment.reset()
    assert experiment.spec == foreign

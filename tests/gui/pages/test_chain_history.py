"""Chain histories: what is shown at a step, and which run is shown while runs follow each other."""

import numpy as np
import pytest

from msd_engine.events import ChainSegment
from msd_engine.specs import load_preset
from msd_gui.pages.mixture.play.history import ChainHistory, DoubleBuffer, Playhead
from msd_gui.pages.mixture.play.player import moment, reach


def segment(steps, total=10, mark=0.0):
    steps = np.asarray(steps)
    y = np.zeros((len(steps), 3, 2, 2), np.float32) + steps[:, None, None, None] + mark
    return ChainSegment(steps, steps // 5, 1.0 + steps, 1.0 + steps, y, y.mean(2), total)


def test_index_and_states_agree_however_the_history_was_cut():
    whole, cut = ChainHistory(), ChainHistory()
    whole.append(segment(range(0, 11, 2)))
    for part in ([0], [2, 4], [6, 8, 10]):
        cut.append(segment(part))
    for step in np.arange(0, 12, 0.5):
        index = whole.index(step)
        assert cut.index(step) == index
        assert int(cut.at(index).steps[0]) == min(2 * int(step // 2), 10)
        np.testing.assert_array_equal(cut.mean_path(index, 3), whole.mean_path(index, 3))
    assert cut.complete
    assert len(cut) == 6


def test_path_ends_at_the_state_under_the_handle():
    history = ChainHistory()
    history.append(segment(range(11)))
    path = history.mean_path(7, 4)
    assert path.shape == (4, 3, 2)
    np.testing.assert_array_equal(path[:, 0, 0], [4, 5, 6, 7])
    assert len(history.mean_path(1, 4)) == 2


def test_the_old_run_stays_until_the_new_one_has_come_as_far():
    buffer = DoubleBuffer()
    buffer.begin()
    assert buffer.append(segment(range(11)), 0.0)
    old = buffer.shown
    buffer.begin()
    assert not buffer.append(segment(range(5), mark=100), 8.0)
    assert buffer.shown is old
    assert buffer.append(segment(range(5, 9), mark=100), 8.0)
    assert buffer.shown is not old
    assert buffer.append(segment(range(9, 11), mark=100), 8.0)
    assert buffer.shown.complete


def test_a_shorter_run_is_shown_when_it_is_complete():
    buffer = DoubleBuffer()
    buffer.begin()
    buffer.append(segment(range(11)), 0.0)
    buffer.begin()
    assert buffer.append(segment(range(4), total=3), 10.0)
    assert buffer.shown.total == 3


def test_the_playhead_does_not_run_ahead_and_rests_at_the_end():
    head = Playhead(100.0)
    assert head.advance(0.05, available=3, total=10)
    assert head.position == 3
    assert head.playing
    assert not head.advance(0.05, available=3, total=10)
    head.advance(1.0, available=10, total=10)
    assert head.position == 10
    assert not head.playing
    head.step(-1, 10)
    assert head.position == 9
    head.step(5, 10)
    assert head.position == 10
    head.position = float("inf")
    head.step(-1, 10)
    assert head.position == 9


def blown_up(cuts):
    """Three chains: one that lives, one that is lost at state 4, one whose numbers are no longer any at state 6."""
    steps = np.arange(9)
    y = np.zeros((9, 3, 2, 2), np.float32)
    y[:, 1] = (3.0, 4.0)
    y[:4, 1] *= (10.0 ** np.arange(4))[:, None, None]
    y[4:, 1] = (1e6, -1e6)
    y[:, 2] = (0.0, -2.0)
    y[6:, 2] = np.nan
    history = ChainHistory()
    for part in np.split(steps, cuts):
        history.append(
            ChainSegment(part, 0 * part, np.ones(len(part)), np.ones(len(part)), y[part], y[part].mean(2), 8)
        )
    return history


@pytest.mark.parametrize("cuts", [[], [4], [1, 5, 6], [1, 2, 3, 4, 5, 6, 7, 8]])
def test_a_lost_chain_stays_on_a_circle_in_the_direction_in_which_it_left(cuts):
    history = blown_up(cuts)
    lost = np.array([history.lost(index) for index in range(9)])
    np.testing.assert_array_equal(lost[:, 0], [False] * 9)
    np.testing.assert_array_equal(lost[:, 1], [False] * 4 + [True] * 5)
    np.testing.assert_array_equal(lost[:, 2], [False] * 6 + [True] * 3)
    path = history.mean_path(8, 9)
    np.testing.assert_array_equal(path[3, 1], [3000, 4000])
    np.testing.assert_allclose(path[4:, 1], [[6e5, 8e5]] * 5)
    np.testing.assert_allclose(path[6:, 2], [[0, -1e6]] * 3)
    np.testing.assert_array_equal(history.mean_path(8, 2), path[-2:])


def test_the_plane_reaches_to_the_chains_and_to_the_copies_of_a_chosen_one_that_lives():
    history = blown_up([])
    for index, farthest in ((0, 4.0), (3, 4000.0), (8, 1e6)):
        parts = moment(history, index, 1)
        assert 1.1 * farthest <= reach(parts) < 1.6 * farthest
        assert (parts["copies"] is None) == (index == 8)
        assert parts["lost"].sum() == (2 if index == 8 else 0)


def test_only_settings_past_the_wall_are_followed():
    spec = load_preset("ncsn-toy")
    assert not ChainHistory().blows_up
    assert not ChainHistory(spec.replace("sampling.step_ratio", 1.99).to_json()).blows_up
    assert ChainHistory(spec.replace("sampling.step_ratio", 2.0).to_json()).blows_up

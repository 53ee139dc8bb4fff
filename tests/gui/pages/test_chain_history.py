"""Chain histories: what is shown at a step, and which run is shown while runs follow each other."""

import numpy as np

from msd_engine.events import ChainSegment
from msd_gui.pages.mixture.history import ChainHistory, DoubleBuffer, Playhead


def segment(steps, total=10, mark=0.0):
    steps = np.asarray(steps)
    y = np.zeros((len(steps), 3, 2, 2), np.float32) + steps[:, None, None, None] + mark
    return ChainSegment(steps, steps // 5, 1.0 + steps, y, y.mean(2), total)


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

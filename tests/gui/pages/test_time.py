"""Time on the mixture page: levels, slow motion with drift and noise, and branches beside their chains."""

from __future__ import annotations

import numpy as np
from hands import WAIT_MS, chains_arrived, small_chains
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QLabel

from msd_engine.events.plots import Moves
from msd_engine.specs import ExperimentSpec
from msd_gui.views.plane.plane import PlaneView


def go(qtbot, page, step):
    page.player.playhead.playing = False
    page.player.playhead.position = float(step)
    qtbot.waitUntil(lambda: page.timeline.position() == step, timeout=WAIT_MS)


def test_levels_are_reached_from_the_menu_and_the_keys(qtbot, window):
    page = window.pages["mixture"]
    small_chains(qtbot, page)
    go(qtbot, page, 5)
    for action, step in (("level_on", 12), ("level_on", 24), ("level_back", 12), ("level_back", 0), ("level_on", 12)):
        window.commands[action].trigger()
        assert page.timeline.position() == step
    assert page.player.index == 12


def test_slow_motion_draws_drift_and_noise_from_each_copy_to_its_next_place(qtbot, window):
    page = window.pages["mixture"]
    small_chains(qtbot, page)
    before = page.player.playhead.speed
    page.motion.button.setChecked(True)
    assert page.player.playhead.speed == 1.0
    for step in (3, 20):
        go(qtbot, page, step)
        qtbot.waitUntil(lambda: page.plane.plot().moves is not None, timeout=WAIT_MS)
        moves, history = page.plane.plot().moves, page.player.buffer.shown
        now, after = history.at(page.player.index).y[0, 0], history.at(page.player.index + 1).y[0, 0]
        np.testing.assert_allclose(moves.y, now, atol=1e-4)
        np.testing.assert_allclose(moves.y + moves.drift + moves.noise, after, atol=1e-4)
        assert moves.share == 1.0
    at = page.player.buffer.shown.at(page.player.index).y[0, 2]
    page.plane.chain_chosen.emit(2)
    qtbot.waitUntil(
        lambda: page.plane.plot().moves is not None and np.allclose(page.plane.plot().moves.y, at, atol=1e-4),
        timeout=WAIT_MS,
    )
    assert {"drift", "noise"} <= {key.words for key in page.plane.plot().entries()}
    page.motion.button.setChecked(False)
    assert page.plane.plot().moves is None
    assert page.player.playhead.speed == before


def test_slow_motion_at_the_end_plays_the_last_level_again(qtbot, window):
    page = window.pages["mixture"]
    small_chains(qtbot, page)
    history, sampling = page.player.buffer.shown, page.experiment.spec.sampling
    go(qtbot, page, history.total)
    page.player.playhead.position, page.player.playhead.playing = float("inf"), False
    page.clock.tick.emit()
    page.motion.button.setChecked(True)
    assert page.playing
    assert "1 step/s" in {label.text() for label in page.transport.findChildren(QLabel)}
    assert history.total - sampling.steps_per_level <= page.player.playhead.position < history.total
    qtbot.waitUntil(lambda: page.plane.plot().moves is not None, timeout=WAIT_MS)
    # A pause elsewhere is left alone.
    page.motion.button.setChecked(False)
    go(qtbot, page, 5)
    page.motion.button.setChecked(True)
    assert not page.playing


def test_a_sampler_without_drift_says_so(qtbot, window):
    page, said = window.pages["mixture"], []
    page.noticed.connect(said.append)
    small_chains(qtbot, page, sampler="gibbs")
    page.motion.button.setChecked(True)
    qtbot.waitUntil(lambda: any("has no drift" in text for text in said), timeout=WAIT_MS)
    assert page.plane.plot().moves is None


def test_the_arrows_grow_one_after_the_other():
    ones = np.ones((2, 2))
    for share, drift, noise in ((0.25, 0.5, 0.0), (0.5, 1.0, 0.0), (0.75, 1.0, 0.5), (1.0, 1.0, 1.0)):
        (start, end), (middle, last) = Moves(0 * ones, ones, 2 * ones, share=share).arrows()
        np.testing.assert_array_equal(end - start, drift * ones)
        np.testing.assert_array_equal(middle, ones)
        np.testing.assert_array_equal(last - middle, noise * 2 * ones)


def painted(view):
    image = QImage(view.size(), QImage.Format.Format_RGB32)
    view.render(painter := QPainter(image))
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].copy()


def test_a_rejected_proposal_looks_otherwise_and_unknown_noise_is_left_out(qtbot):
    view = PlaneView()
    qtbot.addWidget(view)
    view.resize(320, 320)
    view.show()
    y, drift, noise = np.array([[-4.0, 0.0]]), np.array([[4.0, 0.0]]), np.array([[0.0, 4.0]])
    pictures = []
    for moves in (
        None,
        Moves(y, drift, noise),
        Moves(y, drift, noise, accepted=False),
        Moves(y, drift, noise * np.nan),
    ):
        view.show_plane(moves=moves)
        QApplication.processEvents()
        pictures.append(painted(view))
        assert any(key.words == "noise, rejected" for key in view.plot().entries()) == bool(
            moves and not moves.accepted
        )
    for number, one in enumerate(pictures):
        assert not any(np.array_equal(one, other) for other in pictures[number + 1 :])


def test_a_branch_goes_on_beside_the_chains_that_it_leaves(qtbot, window):
    page = window.pages["mixture"]
    small_chains(qtbot, page)
    go(qtbot, page, 20)
    first = page.player.buffer.shown
    page.branches.button.click()
    assert page.experiment.spec.branch.step == 20
    chains_arrived(qtbot, page)
    branch = page.player.buffer.shown
    assert page.sides.kept is first
    np.testing.assert_allclose(branch.mean_path(20, 21), first.mean_path(20, 21), atol=1e-5)
    assert np.abs(branch.mean_path(36, 1) - first.mean_path(36, 1)).min() > 0
    # With its seed again and another step, the noise is that of A.
    page.experiment.set(
        page.experiment.spec.replace_all({"sampling.seed": first.spec.sampling.seed, "sampling.step_ratio": 0.5})
    )
    chains_arrived(qtbot, page)
    go(qtbot, page, 36)
    rows = page.sides.readings.texts()
    assert ("", "–", "branch at 20") in rows
    # The file of the plane has the branch.
    assert ExperimentSpec.from_json(page.player.buffer.shown.spec_json).branch.step == 20
    page.branches.button.click()
    assert page.experiment.spec.branch is None
    assert page.sides.kept is None
    page.experiment.undo()
    assert page.experiment.spec.branch.step == 20


def test_other_data_end_the_branch(qtbot, window):
    page = window.pages["mixture"]
    small_chains(qtbot, page)
    go(qtbot, page, 20)
    page.branches.button.click()
    page._edited(page.experiment.spec.replace("data.name", "ring-8"), "data.name")
    assert page.experiment.spec.branch is None


def test_at_the_end_there_is_nothing_to_branch_from(qtbot, window):
    page = window.pages["mixture"]
    small_chains(qtbot, page)
    go(qtbot, page, 36)
    assert not page.branches.button.isEnabled()
    go(qtbot, page, 35)
    assert page.branches.button.isEnabled()


def test_a_network_is_trained_without_the_branch_of_its_chains(qtbot, window):
    page = window.pages["mixture"]
    small_chains(qtbot, page)
    go(qtbot, page, 20)
    page.branches.button.click()
    chains_arrived(qtbot, page)
    page.experiment.set(page.experiment.spec.replace("training.steps", 20))
    page.act("train")
    assert page.state().training.branch is None
    assert page.experiment.spec.branch.step == 20
    qtbot.waitUntil(lambda: page.trainer.has_weights and not page.trainer.running, timeout=WAIT_MS)

"""The window with the real engine behind it: names, shortcuts, undo, training, exports, restoring, and a clean end."""

from __future__ import annotations

import gc
import json
import weakref

import numpy as np
import pytest
from hands import SMALL, WAIT_MS, drop
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QApplication, QWidget

from msd_engine.runs.pictures import to_pixels
from msd_engine.specs import ExperimentSpec, declarations, load_preset
from msd_gui.app import create_window
from msd_gui.app.actions import TABLE
from msd_gui.app.pages import PAGES
from msd_gui.pages.base.page import ExperimentPage
from msd_gui.session.settings import Settings
from msd_gui.widgets.controls.control import Control


@pytest.fixture
def mixture(qtbot, window):
    page = window.pages["mixture"]
    page.experiment.set(page.experiment.spec.replace_all({"sampling.chains": 12, "sampling.steps_per_level": 10}))
    qtbot.waitUntil(lambda: page.report is not None and not page.running, timeout=WAIT_MS)
    return page


@pytest.fixture
def images(qtbot, window):
    page = window.pages["images"]
    window.show_page("images")
    page.experiment.set(page.experiment.spec.replace_all(SMALL))
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    return page


def test_stop_does_not_keep_the_engine_from_coming(qtbot, window):
    assert not window.commands["stop"].isEnabled()
    window.files.warm_up()
    assert window.files.running
    assert not window.files.can_stop
    with qtbot.waitSignal(window.files.engine_ready, timeout=WAIT_MS):
        window.files.stop()
    qtbot.waitUntil(lambda: not window.files.running, timeout=WAIT_MS)


def train(qtbot, page):
    page.act("train")
    qtbot.waitUntil(lambda: page.trainer.has_weights and not page.trainer.running, timeout=WAIT_MS)


def sample(qtbot, page):
    page.act("sample")
    qtbot.waitUntil(lambda: page.gallery.samples is not None and not page.running, timeout=WAIT_MS)


def test_every_control_and_action_can_be_found_and_named(window):
    experiments = {name: page for name, page in window.pages.items() if isinstance(page, ExperimentPage)}
    assert experiments.keys() >= {"mixture", "images"}
    for name, page in experiments.items():
        # A page may have a form for points and one for images.
        specs = (page.experiment.spec, load_preset("ncsn-toy"), load_preset("digits-30s"))
        paths = {field.path for spec in specs for field in declarations(spec, absent=True)}
        controls = page.findChildren(Control)
        assert controls
        for control in controls:
            assert control.objectName() in paths, name
            assert control.accessibleName()
        # Two pages draw no chains.
        assert page.findChild(QWidget, "sampling.step_ratio") or name in ("noise", "scores")
        assert page.findChild(QWidget, "training.k")
    for row in TABLE:
        assert len(window.findChildren(QAction, f"action.{row.name}")) == 1


def test_shortcuts_are_the_promised_ones_and_none_is_taken_twice(window):
    promised = {"play": "Space", "step": "Right", "restart": "R", "sample": "S", "export": "Ctrl+E"}
    promised |= {f"page_{row.name}": f"Ctrl+{number}" for number, row in enumerate(PAGES, 1)}
    for name, keys in promised.items():
        assert window.commands[name].shortcut() == QKeySequence(keys)
    every = [shortcut.toString() for action in window.commands for shortcut in action.shortcuts()]
    assert len(every) == len(set(every))


def test_chains_run_at_first_launch_without_training(mixture):
    assert mixture.player.buffer.shown.complete
    assert mixture.report.alive == 1
    assert not mixture.trainer.has_weights


def test_a_changed_slider_runs_the_chains_again_and_undo_brings_the_old_ones_back(qtbot, window, mixture):
    before = mixture.samples.x_hat
    old = mixture.experiment.spec
    mixture.form.slider("sampling.step_ratio").change_value(0.3)
    assert mixture.experiment.spec.sampling.step_ratio == 0.3
    qtbot.waitUntil(lambda: not np.array_equal(mixture.samples.x_hat, before), timeout=WAIT_MS)
    window.commands["undo"].trigger()
    assert mixture.experiment.spec == old
    assert mixture.form.slider("sampling.step_ratio").value() == old.sampling.step_ratio
    qtbot.waitUntil(lambda: np.array_equal(mixture.samples.x_hat, before), timeout=WAIT_MS)


def test_past_the_wall_the_page_says_so_and_the_remedy_mends_it(qtbot, mixture):
    mixture.form.slider("sampling.step_ratio").change_value(2.5)
    assert mixture.adviser.cards.cards[0].isVisible()
    qtbot.waitUntil(lambda: mixture.report.alive < 1, timeout=WAIT_MS)
    mixture.adviser.cards.cards[0].action.emit()
    assert mixture.experiment.spec.sampling.step_ratio == pytest.approx(0.2)
    assert not mixture.adviser.cards.cards[0].isVisible()
    qtbot.waitUntil(lambda: mixture.report.alive == 1, timeout=WAIT_MS)


def test_playing_stepping_and_restarting(qtbot, window, mixture):
    window.commands["restart"].trigger()
    assert mixture.playing
    mixture.player.set_speed(50.0)
    head = mixture.player.playhead
    qtbot.waitUntil(lambda: head.position > 2)
    window.commands["play"].trigger()
    assert not mixture.playing
    here = int(head.position)
    qtbot.waitUntil(lambda: mixture.timeline.position() == here)
    window.commands["step"].trigger()
    qtbot.waitUntil(lambda: mixture.timeline.position() == here + 1)
    window.commands["back"].trigger()
    qtbot.waitUntil(lambda: mixture.timeline.position() == here)


def test_the_mixture_page_trains_and_samples_with_the_trained_network(qtbot, mixture):
    small = {"training.steps": 40, "training.batch": 32, "network.width": 16, "training.evaluate_every": 20}
    mixture.experiment.set(mixture.experiment.spec.replace_all(small))
    train(qtbot, mixture)
    assert mixture.trainer.held_out.mmse > 0
    exact = mixture.samples.x_hat
    mixture.form.control("sampling.source").change_value("trained")
    qtbot.waitUntil(lambda: not np.array_equal(mixture.samples.x_hat, exact), timeout=WAIT_MS)
    # Another number of copies needs another network: the chains stay, and a card says every way on.
    learned, k = mixture.samples, mixture.experiment.spec.training.k
    mixture.form.slider("training.k").change_value(3)
    assert mixture.experiment.spec.sampling.source == "trained"
    assert mixture.card.isVisible()
    assert mixture.card.problem.title == f"This network has k = {k}"
    assert not mixture.player.empty
    mixture.card.press(0)
    assert mixture.experiment.spec.training.k == k
    assert not mixture.card.isVisible()
    assert mixture.samples is learned


def test_images_train_sample_export_and_restore(qtbot, window, images, tmp_path):
    train(qtbot, images)
    assert images.shown.held_out is not None
    sample(qtbot, images)
    spec = images.experiment.spec
    assert images.gallery.samples.x_hat.shape == (5, 1, 8, 8)
    assert images.gallery.films
    drawn = to_pixels(images.gallery.samples.x_hat)
    for number, export in enumerate(images.exports()):
        for suffix in export.formats():
            path = tmp_path / f"{number}-{export.name}{suffix}"
            window.files.run_export(export, path)
            qtbot.waitUntil(path.exists, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not window.files.running, timeout=WAIT_MS)
    assert not window.messages.errors()
    suffixes = {path.suffix for path in tmp_path.glob("[0-9]*")}
    assert suffixes == {".png", ".svg", ".pdf", ".csv", ".npz", ".gif", ".webp", ".mp4"}
    for path in sorted(tmp_path.glob("[0-9]*.png")):
        with Image.open(path) as image:
            image.load()
            assert ExperimentSpec.from_json(image.info["msd-spec"]) == spec
    with np.load(next(tmp_path.glob("*.npz"))) as file:
        np.testing.assert_array_equal(file["x_hat"], images.gallery.samples.x_hat)
    images.experiment.set(load_preset("mnist-2min"))
    window.show_page("mixture")
    drop(window, next(tmp_path.glob("*-samples.png")))
    qtbot.waitUntil(lambda: images.experiment.spec == spec, timeout=WAIT_MS)
    assert window.page is images
    # The pictures of the file, not new ones.
    qtbot.waitUntil(lambda: images.gallery.restored is not None, timeout=WAIT_MS)
    np.testing.assert_array_equal(images.gallery.images(), drawn)
    assert f"network {images.trainer.run.name}, step" in images.gallery.restored_line.text()
    assert not images.gallery.restored.trouble
    assert not images.gallery.faded
    # Chains that nobody asked for had begun for the settings between.
    qtbot.waitUntil(lambda: not images.chains.running, timeout=WAIT_MS)
    np.testing.assert_array_equal(images.gallery.images(), drawn)


def test_a_run_folder_that_is_dropped_can_sample_at_once(qtbot, window, images):
    train(qtbot, images)
    run, spec = images.trainer.run, images.experiment.spec
    images.trainer.run, images.trainer.step = None, 0
    images.experiment.set(load_preset("mnist-2min"))
    drop(window, run)
    qtbot.waitUntil(lambda: images.gallery.samples is not None and not images.running, timeout=WAIT_MS)
    assert images.experiment.spec.network == spec.network


def test_training_can_be_stopped_and_resumed(qtbot, window, images):
    spec = images.experiment.spec.replace("training.steps", 100_000)
    images.experiment.set(spec)
    images.act("train")
    qtbot.waitUntil(lambda: images.shown.held_out is not None and images.trainer.step >= 0, timeout=WAIT_MS)
    qtbot.wait(300)
    window.commands["stop"].trigger()
    qtbot.waitUntil(lambda: not images.running, timeout=WAIT_MS)
    assert images.can("resume")
    step = images.trainer.step
    assert step > 0
    images.act("resume")
    qtbot.waitUntil(
        lambda: images.trainer.progress is not None and images.trainer.progress.step > step, timeout=WAIT_MS
    )
    window.commands["stop"].trigger()
    qtbot.waitUntil(lambda: not images.running, timeout=WAIT_MS)


def test_missing_data_are_told_in_one_sentence_and_the_window_lives(qtbot, window, images):
    images.experiment.set(load_preset("mnist-2min"))
    images.act("train")
    qtbot.waitUntil(lambda: bool(window.messages.errors()), timeout=WAIT_MS)
    (sentence,) = window.messages.errors()
    assert "mnist" in sentence.lower()
    assert "Traceback" not in sentence
    qtbot.waitUntil(lambda: images.can("train"), timeout=WAIT_MS)


def test_a_wrong_file_is_told_and_nothing_is_lost(qtbot, window, mixture, tmp_path):
    spec = mixture.experiment.spec
    wrong = tmp_path / "wrong.png"
    wrong.write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    drop(window, wrong)
    qtbot.waitUntil(lambda: bool(window.messages.errors()), timeout=WAIT_MS)
    assert "wrong.png" in window.messages.errors()[0]
    assert mixture.experiment.spec == spec


def test_a_mixture_from_a_file_is_shown_and_can_be_left_again(qtbot, window, mixture, tmp_path):
    data = {
        "kind": "mixture",
        "name": "custom",
        "weights": [0.3, 0.7],
        "means": [[0.0, 0.0], [4.0, 0.0]],
        "covariances": [[[1.0, 0.0], [0.0, 0.5]]] * 2,
    }
    fields = json.loads(mixture.experiment.spec.to_json()) | {"data": data}
    path = tmp_path / "own.json"
    path.write_text(json.dumps(fields))
    drop(window, path)
    qtbot.waitUntil(lambda: mixture.experiment.spec.data.name == "custom", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: mixture.report.true_weights.tolist() == [0.3, 0.7], timeout=WAIT_MS)
    mixture.form.control("data.name").change_value("ring-8")
    assert mixture.experiment.spec.data.weights is None
    qtbot.waitUntil(lambda: len(mixture.report.true_weights) == 8, timeout=WAIT_MS)


def test_every_mixture_export_is_written(qtbot, window, mixture, tmp_path, monkeypatch):
    monkeypatch.setattr("msd_gui.pages.mixture.exports.FRAMES", 11)
    short = {"sampling.levels": 3, "sampling.steps_per_level": 5}
    mixture.experiment.set(mixture.experiment.spec.replace_all(short))
    qtbot.waitUntil(lambda: mixture.report.step == 15 and not mixture.running, timeout=WAIT_MS)
    for number, export in enumerate(mixture.exports()):
        for suffix in export.formats():
            path = tmp_path / f"{number}-{export.name}{suffix}"
            window.files.run_export(export, path)
            qtbot.waitUntil(path.exists, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not window.files.running, timeout=WAIT_MS)
    assert not window.messages.errors()
    with Image.open(next(tmp_path.glob("*.gif"))) as film:
        assert film.n_frames > 10


def test_the_copied_command_is_a_command(window, mixture):
    window.commands["copy_command"].trigger()
    line = QGuiApplication.clipboard().text()
    assert line.startswith("msd sample --preset ncsn-toy --n 12 ")
    assert "--sampling.steps_per_level 10" in line


def test_settings_and_specs_are_kept(qtbot, tmp_path):
    path = tmp_path / "settings.ini"
    first = create_window(settings=Settings(path), runs_dir=tmp_path)
    spec = first.pages["mixture"].experiment.spec.replace("sampling.step_ratio", 0.123)
    first.pages["mixture"].experiment.set(spec)
    first.show_page("images")
    first.close()
    second = create_window(settings=Settings(path), runs_dir=tmp_path)
    assert second.pages["mixture"].experiment.spec == spec
    assert second.page is second.pages["images"]
    second.close()


def test_a_page_is_built_when_it_is_first_looked_at_and_keeps_its_spec_all_the_same(qtbot, tmp_path):
    settings = Settings(tmp_path / "settings.ini")
    spec = load_preset("digits-30s").replace("training.k", 5)
    settings.set_last_spec("images", spec)
    window = create_window(settings=settings, runs_dir=tmp_path)
    assert list(window.pages.built()) == ["mixture"]
    assert len(window.pages) == len(PAGES)
    window.close()
    again = create_window(settings=Settings(tmp_path / "settings.ini"), runs_dir=tmp_path)
    again.commands["page_images"].trigger()
    assert again.page.experiment.spec == spec
    assert set(again.pages.built()) == {"mixture", "images"}
    again.close()


def test_pages_that_were_not_looked_at_are_built_while_the_window_rests(qtbot, window):
    assert list(window.pages.built()) == ["mixture"]
    qtbot.waitUntil(lambda: len(window.pages.built()) == len(PAGES), timeout=WAIT_MS)
    assert window.page is window.pages["mixture"]
    qtbot.waitUntil(lambda: window.pages["images"].can("train"), timeout=WAIT_MS)


def test_every_page_can_be_shown_and_left(qtbot, window):
    for name, page in window.pages.items():
        window.commands[f"page_{name}"].trigger()
        assert window.page is page
        assert page.isVisible()
        assert window.windowTitle().startswith(window.commands[f"page_{name}"].text())
        offered = isinstance(page, ExperimentPage)
        qtbot.waitUntil(lambda offered=offered: window.bar.preset.isEnabled() == offered)
        window.commands["undo"].trigger()


def test_a_closed_window_is_freed_with_its_pages(qtbot, tmp_path):
    window = create_window(settings=Settings(tmp_path / "s.ini"), runs_dir=tmp_path)
    window.show()
    for name in window.pages:
        window.show_page(name)
    held = [weakref.ref(item) for item in (window, window.theme, *window.pages.built().values())]
    assert len(held) == 2 + len(window.pages)
    before = len(QApplication.allWidgets())
    window.close()
    del window
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    assert not any(reference() for reference in held)
    assert len(QApplication.allWidgets()) < before / 2

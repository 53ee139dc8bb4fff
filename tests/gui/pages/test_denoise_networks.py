"""Networks on the denoising page: shipped models, the run of the images page, any run; and what does not fit."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from hands import SMALL_CHAINS, SMALL_TRAINING, WAIT_MS, denoise_page, drop, settled
from PIL import Image
from PySide6.QtWidgets import QFileDialog

from msd_engine.specs import load_card, load_preset, model_names
from msd_gui.app import create_window
from msd_gui.session.networks import Network
from msd_gui.session.settings import Settings

FIRST_PAGE = "denoise"
DIGITS = [name for name in model_names() if load_card(name).spec.data.name == "digits"]


@pytest.fixture
def page(qtbot, window):
    return denoise_page(qtbot, window)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from msd_engine.jobs.training.train import train

    folder = tmp_path_factory.mktemp("runs") / "small"
    list(train(load_preset("digits-30s").replace_all(SMALL_TRAINING | {"training.k": 3}), folder))
    return folder


def pick(page, title):
    """Choose a network from the list."""
    combo = page.network.combo
    combo.setCurrentIndex(combo.findText(title))
    combo.activated.emit(combo.currentIndex())


def press(page, label):
    """Press a button of the card."""
    (button,) = [button for button in page.card.buttons if button.text() == label and button.isVisibleTo(page.card)]
    button.click()


@pytest.mark.parametrize("name", DIGITS)
def test_a_shipped_model_denoises_where_its_data_and_k_are_requested(qtbot, page, name):
    k = load_card(name).spec.training.k
    assert not page.network.isVisible()
    page.experiment.set(page.experiment.spec.replace_all({"training.k": k, "sampling.source": "trained"}))
    settled(qtbot, page, lambda: page.denoised and not page.denoised.exact)
    assert name in page.words.text()
    assert "pretrained" in page.words.text()
    assert len(page.denoised.copies.y) == k
    assert page.network.card.isVisible()
    assert page.network.network.card.name == name
    assert not page.card.isVisible()


def test_the_shipped_network_follows_k(qtbot, page):
    page.experiment.set(page.experiment.spec.replace("sampling.source", "trained"))
    for k in (5, 3):
        page.form.slider("training.k").change_value(k)
        settled(qtbot, page, lambda k=k: page.denoised and len(page.denoised.copies.y) == k)
        assert page.denoised.fixed_k == 0
        assert not page.card.isVisible()


def test_a_training_for_another_k_takes_the_place_of_the_dropped_run(qtbot, window, page, run):
    drop(window, run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    page.experiment.set(page.experiment.spec.replace_all(SMALL_TRAINING | {"training.k": 5}))
    qtbot.waitUntil(lambda: page.card.isVisible(), timeout=WAIT_MS)
    press(page, "Train for k = 5")
    trainer = window.pages["images"].trainer
    qtbot.waitUntil(lambda: trainer.has_weights and not trainer.running, timeout=WAIT_MS)
    window.show_page("denoise")
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 5)
    assert page.resolved.run != run


def test_a_run_dropped_on_the_page_stays_there_with_its_data_and_k(qtbot, window, page, run):
    drop(window, run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert window.page is page
    assert page.network.combo.currentText() == f"k = 3, {run.name}"
    assert page.resolved.run == run
    assert "k = 3" in page.words.text()
    assert not page.network.card.isVisible()
    page.act("sample")
    gallery = page.chain_task.gallery
    settled(qtbot, page, lambda: gallery.samples is not None)
    assert gallery.samples.y.shape[1] == 3
    page.form.control("sampling.source").change_value("exact")
    settled(qtbot, page, lambda: page.denoised and page.denoised.exact)
    assert not page.network.isVisible()


def test_k_dragged_leaves_the_copies_and_one_card_says_which_k_the_network_sees(qtbot, window, page, run):
    drop(window, run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    before = page.experiment.spec
    page.form.slider("training.k").change_value(5)
    settled(qtbot, page, lambda: len(page.copies.before.tiles()) == 5)
    assert page.place.currentWidget() is page.copies
    assert page.denoised is None
    assert page.card.problem.title == "This network has k = 3"
    assert [remedy.label for remedy in page.card.problem.remedies] == [
        "Back to 3",
        "Use the pretrained network for k = 5",
        "Use the exact score",
        "Train for k = 5",
        "Train for every k",
    ]
    assert "k = 3" in page.why_not("sample")
    press(page, "Back to 3")
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert page.experiment.spec == before
    page.form.slider("training.k").change_value(8)
    press(page, "Use the pretrained network for k = 8")
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 0 and not page.denoised.exact)
    page.form.slider("training.k").change_value(4)
    page.form.control("sampling.source").change_value("exact")
    settled(qtbot, page, lambda: page.denoised and page.denoised.exact)
    assert len(page.denoised.copies.y) == 4


def test_a_network_is_trained_where_none_ships(qtbot, window, page):
    small = SMALL_TRAINING | {"training.k": 3, "sampling.source": "trained", "data.name": "shapes"}
    page.experiment.set(page.experiment.spec.replace_all(small))
    press(page, "Train for k = 3")
    images = window.pages["images"]
    assert window.page is images
    qtbot.waitUntil(lambda: images.trainer.has_weights and not images.running, timeout=WAIT_MS)
    window.show_page("denoise")
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert page.resolved.run == images.trainer.run


def test_a_chosen_folder_is_read_and_one_that_is_no_run_is_a_sentence(qtbot, window, page, run, tmp_path, monkeypatch):
    page.form.control("sampling.source").change_value("trained")
    folders = [tmp_path, run]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folders.pop(0)))
    shown = page.network.combo.currentText()
    pick(page, "Run folder…")
    qtbot.waitUntil(lambda: bool(window.messages.errors()), timeout=WAIT_MS)
    assert page.network.combo.currentText() == shown
    pick(page, "Run folder…")
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)


def test_the_images_page_passes_its_network_on(qtbot, window, page, run):
    images = window.pages["images"]
    images.experiment.set(images.experiment.spec.replace_all(SMALL_CHAINS))
    window.show_page("images")
    assert window.commands["denoise"].isEnabled()
    drop(window, run)
    qtbot.waitUntil(lambda: images.trainer.run == run and not images.running, timeout=WAIT_MS)
    assert window.page is images
    window.commands["denoise"].trigger()
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert window.page is page
    # A network of every k takes its k with it.
    pick(page, "every k, pretrained")
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 0 and not page.denoised.exact)
    pick(page, f"k = 3, {run.name}")
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert not page.card.isVisible()


def test_a_shipped_model_is_handed_over_as_such(qtbot, window, page):
    window.show_page("images")
    assert window.pages["images"].network.network.card is not None
    window.commands["denoise"].trigger()
    settled(qtbot, page, lambda: page.denoised and not page.denoised.exact)
    assert page.network.network.card is not None
    assert page.network.card.isVisible()


def test_newer_weights_are_taken_when_the_page_is_looked_at_again(qtbot, window, page, run):
    store = window.pages["images"].store
    network = Network(run, load_preset("digits-30s").replace("training.k", 3))
    page.load(network.spec, run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    window.show_page("mixture")
    before = page.denoised
    store.add(replace(network, step=7))
    assert page.denoised is before
    window.show_page("denoise")
    settled(qtbot, page, lambda: page.denoised is not before)


def test_a_network_trained_beside_exact_draws_is_taken_with_a_sampler_for_networks(qtbot, page, run):
    exact = {"sampling.source": "exact", "sampling.sampler": "gibbs", "training.k": 3}
    page.load(load_preset("digits-30s").replace_all(exact), run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert not page.experiment.spec.sampling.needs_exact


def test_the_list_of_runs_passes_a_network_on(qtbot, window, page, run, tmp_path):
    shutil.copytree(run, tmp_path / "runs" / "small")
    runs = window.pages["runs"]
    window.show_page("runs")
    qtbot.waitUntil(lambda: bool(runs.model.runs), timeout=WAIT_MS)
    assert not window.commands["denoise"].isEnabled()
    runs.choose(str(tmp_path / "runs" / "small"))
    assert window.commands["denoise"].isEnabled()
    runs.actions_by_name["denoise"].trigger()
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert window.page is page
    assert page.resolved.run == tmp_path / "runs" / "small"


def test_the_run_is_kept_for_the_next_launch_unless_it_is_gone(qtbot, run, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(run, mine)
    for launch in range(3):
        window = create_window(settings=Settings(tmp_path / "settings.ini"), runs_dir=tmp_path / "runs")
        window.show()
        window.show_page("denoise")
        page = window.page
        if launch == 0:
            drop(window, mine)
        settled(qtbot, page, lambda page=page, k=0 if launch == 2 else 3: page.denoised and page.denoised.fixed_k == k)
        assert (page.resolved.run == mine) == (launch < 2)
        window.close()
        if launch == 1:
            shutil.rmtree(mine)


def test_a_picture_dropped_on_the_easel_is_opened_and_a_folder_is_left_to_the_window(qtbot, page, run, tmp_path):
    Image.new("L", (60, 40), 70).save(tmp_path / "grey.png")
    drop(page.easel, run)
    drop(page.easel, tmp_path / "grey.png")
    settled(qtbot, page, lambda: page.experiment.spec.denoise.picture)
    assert (np.frombuffer(page.experiment.spec.denoise.picture, np.uint8) == 70).all()
    assert not page.store.known


def test_nothing_of_other_settings_stands_beside_those_that_nobody_denoises(qtbot, window, page, run):
    drop(window, run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    page.experiment.set(page.experiment.spec.replace("training.k", 5))
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.denoised is None
    assert not page.result.tiles()
    assert not page.figures.texts()
    assert not page.words.text()
    assert not [export for export in page.exports() if export.name == "denoised"]
    assert not page.chain_task.row.isEnabled()
    # The held-out image can be looked at all the same, and drawn on.
    page.easel.buttons["step"].click()
    qtbot.waitUntil(lambda: page.easel.source.text().startswith("Held-out 1 (0–"), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.easel.canvas.picture().any()
    # The copies need no denoiser; the empty place says why there is no x̂, and its button takes the nearest k.
    assert page.place.currentWidget() is page.copies
    assert page.result_place.currentWidget() is page.result_place.placeholder
    assert page.result_place.placeholder.button.text() == "Back to 3"
    page.chain_task.gallery.requested.emit()
    assert page.experiment.spec.training.k == 3
    window.commands["undo"].trigger()
    # The canvas has the size of the data before any of them is there.
    page.form.control("data.name").change_value("mnist")
    assert page.easel.canvas.picture().shape == (1, 28, 28)
    qtbot.waitUntil(lambda: bool(window.messages.errors()), timeout=WAIT_MS)
    assert "mnist" in window.messages.errors()[0]
    page.form.control("data.name").change_value("digits")
    page.result_place.placeholder.button.click()
    settled(qtbot, page, lambda: page.denoised and not page.denoised.exact)
    assert len(page.result.tiles()) == 1
    assert page.chain_task.row.isEnabled()


def test_estimates_for_growing_k_stand_below_the_picture_and_one_is_taken(qtbot, window):
    page = denoise_page(qtbot, window)
    row = page.growing
    settled(qtbot, page, lambda: any(one.exact for one in row.estimates))
    assert [tile.name for tile in row.views["exact"].tiles()] == ["k = 1", "k = 2", "k = 4", "k = 8"]
    assert [tile.name for tile in row.views["trained"].tiles()] == ["k = 1", "k = 2", "k = 4", "k = 8"]
    assert [tile.marked for tile in row.views["exact"].tiles()] == [False, False, False, True]
    errors = [one.error for one in row.estimates if one.exact]
    page.form.slider("denoise.sigma").change_value(3.0)
    settled(qtbot, page, lambda: [one.error for one in row.estimates if one.exact] != errors)
    row.views["exact"].chosen.emit(1)
    settled(qtbot, page, lambda: len(page.denoised.copies.y) == 2)
    assert page.denoised.exact
    np.testing.assert_allclose(page.denoised.copies.x_hat, row.views["exact"].tiles()[1].image, atol=1e-5)
    row.views["trained"].chosen.emit(0)
    settled(qtbot, page, lambda: not page.denoised.exact)
    assert page.experiment.spec.training.k == 1
    np.testing.assert_allclose(page.denoised.copies.x_hat, row.views["trained"].tiles()[0].image, atol=1e-5)

"""Networks on the denoising page: shipped models, the run of the images page, any run; and what does not fit."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hands import SMALL_CHAINS, SMALL_TRAINING, WAIT_MS, denoise_page, drop, settled
from PIL import Image

from msd_engine.specs import load_card, load_preset, model_folder, model_names
from msd_gui.app import create_window
from msd_gui.pages.denoise.networks import NetworkChoice
from msd_gui.session.network import LatestNetwork, Network
from msd_gui.session.settings import Settings

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


def pick(page, origin):
    combo = page.denoiser.choice.combo
    combo.setCurrentIndex(combo.findData(origin))
    combo.activated.emit(combo.currentIndex())


@pytest.mark.parametrize("name", DIGITS)
def test_a_shipped_model_denoises_where_its_data_and_k_are_asked_for(qtbot, page, name):
    k = load_card(name).spec.training.k
    assert not page.denoiser.chip.isVisible()
    page.experiment.set(page.experiment.spec.replace_all({"training.k": k, "sampling.source": "trained"}))
    settled(qtbot, page, lambda: page.denoised and not page.denoised.exact)
    assert name in page.words.text()
    assert "pretrained" in page.words.text()
    assert len(page.denoised.copies.y) == k
    assert page.denoiser.chip.isVisible()
    assert page.denoiser.chip.card.name == name
    assert not page.denoiser.card.isVisible()


def test_a_k_without_a_shipped_model_is_told_and_the_card_takes_the_nearest(qtbot, window, page):
    known = [load_card(name).spec.training.k for name in DIGITS]
    k = max(known) + 1
    before = page.experiment.spec.replace_all({"training.k": k, "sampling.source": "trained"})
    page.experiment.set(before)
    card = page.denoiser.card
    assert card.isVisible()
    assert f"k = {k}" in card.accessibleName()
    assert all(str(one) in card.text() for one in known)
    assert not page.can("sample")
    card.action.emit()
    assert page.experiment.spec == before.replace("training.k", max(known))
    assert not card.isVisible()
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == max(known))
    window.commands["undo"].trigger()
    assert page.experiment.spec == before


def test_a_run_dropped_on_the_page_stays_there_with_its_data_and_k(qtbot, window, page, run):
    drop(window, run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert window.page is page
    assert page.denoiser.choice.origin() == "folder"
    assert page.denoiser.choice.folder_box.value() == run
    assert not page.form.slider("training.k").isEnabled()
    assert "k = 3" in page.words.text()
    assert not page.denoiser.chip.isVisible()
    page.act("sample")
    gallery = page.chain_task.gallery
    settled(qtbot, page, lambda: gallery.samples is not None)
    assert gallery.samples.y.shape[1] == 3
    page.form.control("sampling.source").change_value("exact")
    settled(qtbot, page, lambda: page.denoised and page.denoised.exact)
    assert page.form.slider("training.k").isEnabled()
    assert not page.denoiser.choice.isVisible()


def test_a_typed_folder_is_read_and_one_that_is_no_run_is_a_sentence(qtbot, window, page, run, tmp_path):
    page.form.control("sampling.source").change_value("trained")
    pick(page, "folder")
    assert "No run" in page.denoiser.card.accessibleName()
    page.denoiser.choice.folder_box.valueChanged.emit(tmp_path)
    qtbot.waitUntil(lambda: bool(window.messages.errors()), timeout=WAIT_MS)
    page.denoiser.choice.folder_box.valueChanged.emit(run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    page.experiment.set(page.experiment.spec.replace("training.k", 4))
    assert "k = 3" in page.denoiser.card.text()
    page.denoiser.card.action.emit()
    assert page.experiment.spec.training.k == 3
    assert not page.denoiser.card.isVisible()


def test_the_images_page_hands_its_network_over(qtbot, window, page, run):
    combo = page.denoiser.choice.combo
    place = combo.model().item(combo.findData("images"))
    assert not place.isEnabled()
    images = window.pages["images"]
    images.experiment.set(images.experiment.spec.replace_all(SMALL_CHAINS))
    window.show_page("images")
    assert window.commands["denoise"].isEnabled()
    drop(window, run)
    qtbot.waitUntil(lambda: images.trainer.run == run and not images.running, timeout=WAIT_MS)
    assert window.page is images
    assert place.isEnabled()
    window.commands["denoise"].trigger()
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert window.page is page
    assert page.denoiser.choice.origin() == "images"
    pick(page, "pretrained")
    assert page.denoiser.card.isVisible()
    pick(page, "images")
    assert not page.denoiser.card.isVisible()


def test_a_shipped_model_is_handed_over_as_such(qtbot, window, page):
    window.show_page("images")
    assert window.pages["images"].pretrained.card is not None
    window.commands["denoise"].trigger()
    settled(qtbot, page, lambda: page.denoised and not page.denoised.exact)
    assert page.denoiser.choice.origin() == "pretrained"
    assert page.denoiser.chip.isVisible()


def test_newer_weights_are_taken_when_the_page_is_looked_at_again(qtbot, window, page, run):
    latest = window.pages["images"]._latest
    network = Network(run, load_preset("digits-30s").replace("training.k", 3))
    latest.set(network)
    page.load(network.spec, run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    window.show_page("mixture")
    before = page.denoised
    latest.set(network)
    assert page.denoised is before
    window.show_page("denoise")
    settled(qtbot, page, lambda: page.denoised is not before)


def test_a_network_of_other_data_says_which_and_offers_them(qtbot, run):
    latest = LatestNetwork()
    choice = NetworkChoice(latest)
    qtbot.addWidget(choice)
    trained = load_preset("digits-30s").replace("training.k", 3)
    choice.take(Network(run, trained))
    assert choice.missing(trained) is None
    assert choice.fitting(trained) == run
    other = load_preset("mnist-2min").replace("training.k", 3)
    missing = choice.missing(other)
    assert choice.fitting(other) is None
    assert "MNIST" in missing.text
    assert "Digits" in missing.text
    assert choice.missing(other.replace_all(missing.values)) is None


def test_a_network_trained_beside_exact_draws_is_taken_with_a_sampler_for_networks(qtbot, page, run):
    exact = {"sampling.source": "exact", "sampling.sampler": "gibbs", "training.k": 3}
    page.load(load_preset("digits-30s").replace_all(exact), run)
    settled(qtbot, page, lambda: page.denoised and page.denoised.fixed_k == 3)
    assert not page.experiment.spec.sampling.needs_posterior


def test_the_folder_of_a_shipped_model_is_known_as_such(qtbot):
    choice = NetworkChoice(LatestNetwork())
    qtbot.addWidget(choice)
    card = load_card(DIGITS[0])
    choice.take(Network(model_folder(card.name), card.spec))
    assert choice.origin() == "pretrained"
    assert choice.fitting(card.spec) == model_folder(card.name)


def test_the_list_of_runs_hands_a_network_over(qtbot, window, page, run, tmp_path):
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
    assert page.denoiser.choice.folder_box.value() == tmp_path / "runs" / "small"


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
        assert page.denoised.exact == (launch == 2)
        window.close()
        if launch == 1:
            shutil.rmtree(mine)


def test_a_picture_dropped_on_the_easel_is_opened_and_a_folder_is_left_to_the_window(qtbot, page, run, tmp_path):
    Image.new("L", (60, 40), 70).save(tmp_path / "grey.png")
    drop(page.easel, run)
    drop(page.easel, tmp_path / "grey.png")
    settled(qtbot, page, lambda: page.experiment.spec.denoise.picture)
    assert (np.frombuffer(page.experiment.spec.denoise.picture, np.uint8) == 70).all()
    assert page.denoiser.choice.origin() == "pretrained"


def test_nothing_of_other_settings_stands_beside_those_that_nobody_denoises(qtbot, window, page):
    page.experiment.set(page.experiment.spec.replace_all({"training.k": 5, "sampling.source": "trained"}))
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
    # Each empty place says what will be there, and its button takes the nearest number of copies.
    for place in (page.result_place, page.place):
        assert place.currentWidget() is place.placeholder
        assert place.placeholder.button.text() == "Use k = 8"
    page.chain_task.gallery.requested.emit()
    assert page.experiment.spec.training.k == 8
    window.commands["undo"].trigger()
    # The canvas has the size of the data before any of them is there.
    page.form.control("data.name").change_value("mnist")
    assert page.easel.canvas.picture().shape == (1, 28, 28)
    assert page.denoiser.card.isVisible()
    qtbot.waitUntil(lambda: bool(window.messages.errors()), timeout=WAIT_MS)
    assert "mnist" in window.messages.errors()[0]
    page.form.control("data.name").change_value("digits")
    page.result_place.placeholder.button.click()
    settled(qtbot, page, lambda: page.denoised and not page.denoised.exact)
    assert len(page.result.tiles()) == 1
    assert page.chain_task.row.isEnabled()

"""k dragged while a network that serves every k draws: on the pages of the mixture, of images and of one picture."""

from __future__ import annotations

import math

import pytest
from hands import SMALL, WAIT_MS, denoise_page, drop, settled

from msd_engine.specs import load_preset

K = 4


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    from msd_engine.jobs.training.train import train

    folder = tmp_path_factory.mktemp("runs")
    made = {}
    for name, preset, fusion in (("points", "ncsn-toy", "mean"), ("images", "digits-30s", "set")):
        fields = SMALL | {"training.k": K, "network.fusion": fusion, "sampling.source": "trained"}
        made[name] = load_preset(preset).replace_all(fields)
        list(train(made[name], folder / name))
    return folder, made


def drag(page, k):
    page.form.slider("training.k").change_value(k)


def test_learned_chains_of_points_follow_k(qtbot, window, runs):
    folder, made = runs
    page = window.pages["mixture"]
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    page.load(made["points"], folder / "points")
    assert page.training_heading.text() == "Training of points, serves every k"
    for k in (3, 1, 7):
        drag(page, k)
        assert page.resolved.run == folder / "points"
        assert not page.card.isVisible()
        settled(qtbot, page, lambda k=k: page.chains.samples is not None and page.chains.samples.y.shape[1] == k)
        assert page.chains.begun.run == folder / "points"
        assert page.resolved.spec.sampling.source == "trained"


def test_learned_chains_of_images_follow_k(qtbot, window, runs):
    folder, _ = runs
    page = window.pages["images"]
    window.show_page("images")
    qtbot.waitUntil(lambda: page.can("train"), timeout=WAIT_MS)
    drop(window, folder / "images")
    qtbot.waitUntil(lambda: page.resolved.run == folder / "images" and not page.running, timeout=WAIT_MS)
    assert page.network.copies.text() == "serves every k"
    assert page.network.combo.currentText() == "every k, images"
    page.act("sample")
    for k in (2, 6):
        drag(page, k)
        settled(qtbot, page, lambda k=k: page.gallery.samples is not None and page.gallery.samples.y.shape[1] == k)
        assert page.gallery.made.run == folder / "images"
        assert not page.card.isVisible()
    # A stopped training goes on whatever k the chains have.
    assert "resume" not in page.resolved.actions


def test_a_picture_has_as_many_copies_as_are_asked_for(qtbot, window, runs):
    folder, _ = runs
    page = denoise_page(qtbot, window)
    drop(window, folder / "images")
    settled(qtbot, page, lambda: page.denoised and not page.denoised.exact)
    for k in (9, 1):
        drag(page, k)
        settled(qtbot, page, lambda k=k: page.denoised and len(page.denoised.copies.y) == k)
        assert page.resolved.run == folder / "images"
        assert page.denoised.fixed_k == 0
    assert "always has" not in page.words.text()


@pytest.mark.parametrize("name", ["mixture", "images", "denoise"])
def test_sigma_follows_the_root_of_k_where_it_is_locked(qtbot, window, name):
    page = window.pages[name]
    window.show_page(name)
    box = page.equal_noise if name == "denoise" else page.ladder_controls.equal_noise
    before, k = page.experiment.spec, page.experiment.spec.training.k
    paths = [path for path in ("sampling.sigma_1", "sampling.sigma_L", "denoise.sigma") if path in page.form.paths()]
    drag(page, 2 * k)
    assert [page.experiment.spec.get(path) for path in paths] == [before.get(path) for path in paths]
    drag(page, k)
    box.click()
    for other in (k + 1, 3, 2 * k):
        drag(page, other)
    after = page.experiment.spec
    for path in paths:
        assert after.get(path) == pytest.approx(before.get(path) * math.sqrt(2), rel=1e-9)
        assert after.sigma_eff(after.get(path)) == pytest.approx(before.sigma_eff(before.get(path)), rel=1e-9)
    drag(page, k)
    assert page.experiment.spec == before
    assert "σ follows √k" in box.text()

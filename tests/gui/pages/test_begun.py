"""Chains that begin with the exact posterior mean over the training images are named as such wherever they appear."""

from __future__ import annotations

import numpy as np
import pytest

from msd_engine.cli.commands.evaluate import table
from msd_engine.events import ImageFrame, Quality
from msd_engine.specs import BEGUN, DrawnBy, load_card, load_preset, model_names, with_weights
from msd_gui.pages.base.exports import caption_of
from msd_gui.pages.quality.panel import caption
from msd_gui.pages.sampling.gallery import Gallery, begun
from msd_gui.pages.sampling.model_card import card_html
from msd_gui.session.made import Made

ALONE = load_preset("digits-30s")
BOTH = [(ALONE, ""), (ALONE.replace("sampling.exact_above", 2.0), BEGUN)]
NONE = np.zeros(0)
IMAGES = np.zeros((4, 1, 8, 8), dtype=np.float32)


@pytest.mark.parametrize(("spec", "label"), BOTH)
def test_above_the_grid(qtbot, spec, label):
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.begin(10, made=Made(spec, None))
    gallery.receive(ImageFrame(10, 10, 1, 0.2, IMAGES, IMAGES))
    assert (gallery._begun.text(), gallery._begun.isHidden()) == (label, not label)


@pytest.mark.parametrize(("spec", "label"), BOTH)
def test_beside_the_figures(spec, label):
    quality = Quality("digits", "ours", 200, 200, 297, (), "", (), NONE, NONE, 4, 1.0, spec.to_json())
    for text in (table(quality), caption(quality)):
        assert (BEGUN in text) == bool(label)


@pytest.mark.parametrize(("spec", "label"), BOTH)
def test_in_files(spec, label):
    text = with_weights(spec.to_json(), DrawnBy(run="run", step=3, sha256="0" * 64))
    assert begun(text) == label
    assert (BEGUN in caption_of("Grid", text)) == bool(label)


@pytest.mark.parametrize("name", model_names())
def test_on_the_card_of_a_shipped_model(name):
    card = load_card(name)
    assert (BEGUN in card_html(card)) == card.spec.begins_at_data

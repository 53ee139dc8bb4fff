"""The error by k on the mixture page: exact alone, then of a network, for one k or for every k."""

from __future__ import annotations

import numpy as np
from hands import WAIT_MS

from msd_engine.events import Finished
from msd_engine.jobs.training.train import train
from msd_gui.session.networks import Network


def small(page, **values):
    chains = {"sampling.chains": 4, "sampling.levels": 3, "sampling.steps_per_level": 4, "training.k": 3}
    page.experiment.set(page.experiment.spec.replace_all(chains | values))


def measured(qtbot, page, ks):
    def done():
        table = page.errors.table
        return table is not None and table.ks == ks and np.isfinite(table.exact).all() and np.isfinite(table.gap).all()

    qtbot.waitUntil(done, timeout=WAIT_MS)


def test_without_a_network_the_exact_error_is_shown_alone(qtbot, window):
    page = window.pages["mixture"]
    small(page)
    panel = page.errors.panel
    assert not panel.curves.isVisibleTo(page)
    panel.switch.setChecked(True)
    measured(qtbot, page, ())
    assert [curve.words for curve in panel.curves.plot().curves] == ["exact, any k"]
    assert "the same for every k" in panel.said.text()
    assert not panel.quantity.isVisibleTo(page)
    labels = {(export.label, export.suffix) for export in page.exports()}
    assert {("Error by k", ".png"), ("Error by k, numbers", ".csv")} <= labels
    before = page.errors.table
    page.experiment.set(page.experiment.spec.replace("data.name", "ring-8"))
    qtbot.waitUntil(lambda: page.errors.table is not before, timeout=WAIT_MS)
    measured(qtbot, page, ())
    panel.switch.setChecked(False)
    assert page.errors.table is None
    assert not panel.said.isVisibleTo(page)


def test_a_network_is_measured_for_the_copies_that_it_takes(qtbot, window, tmp_path):
    page = window.pages["mixture"]
    small(page)
    page.errors.panel.switch.setChecked(True)
    for fusion, ks in (("concat", (3,)), ("set", (1, 2, 3, 4, 8, 16))):
        spec = page.experiment.spec.replace_all(
            {"training.steps": 3, "network.width": 16, "network.fusion": fusion, "noise.quantity": "auto"}
        )
        assert isinstance(list(train(spec, tmp_path / fusion, device="cpu"))[-1], Finished)
        page.use(Network(tmp_path / fusion, spec))
        measured(qtbot, page, ks)
    panel = page.errors.panel
    assert "above the exact one" in panel.said.text()
    assert panel.quantity.isVisibleTo(page)
    for place in (0, 1):
        panel.quantity.setCurrentIndex(place)
        words = [curve.words for curve in panel.curves.plot().curves]
        assert words[0] == "gap of k = 3"
        assert {"k = 1", "k = 16"} <= set(words)
    # The shaded gap follows k.
    page.experiment.set(page.experiment.spec.replace("training.k", 8))
    measured(qtbot, page, (1, 2, 4, 8, 16))
    assert page.errors.panel.curves.plot().curves[0].words == "gap of k = 8"

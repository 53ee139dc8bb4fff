"""The line that the denoising page copies makes the same numbers as the page."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from hands import SMALL_CHAINS, WAIT_MS, denoise_page, settled
from PySide6.QtGui import QGuiApplication

from msd_engine.cli.main import main
from msd_engine.specs import ExperimentSpec, for_painting, load_card, load_preset
from msd_gui.pages.denoise.painting import painters
from msd_gui.session.command import command

FIRST_PAGE = "denoise"
PICTURE = np.arange(64, dtype=np.uint8) * 4
MASK = np.repeat(np.array([0, 1], np.uint8), 32)


@pytest.fixture
def page(qtbot, window, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = denoise_page(qtbot, window)
    page.experiment.set(page.experiment.spec.replace_all(SMALL_CHAINS))
    settled(qtbot, page, lambda: page.denoised.spec_json == page.experiment.spec.to_json())
    return page


def carried_out(qtbot, window, verb):
    window.commands["copy_command"].trigger()
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[:2] == ["msd", "run"]
    if Path(words[2]).suffix == ".json":
        qtbot.waitUntil(lambda: Path(words[2]).is_file() and not window.page.running, timeout=WAIT_MS)
        assert Path(words[2]).parent == window.engine.runs_dir()
    else:
        assert words[words.index("--job") + 1] == verb
    assert main(words[1:]) == 0
    with np.load(words[words.index("--out") + 1]) as file:
        return dict(file)


@pytest.mark.parametrize(
    "values",
    [
        {"denoise.index": 7, "denoise.sigma": 0.6, "training.k": 3, "denoise.seed": 4},
        {"denoise.picture": PICTURE.tobytes(), "denoise.index": 2},
        {"sampling.source": "trained", "training.k": 8, "denoise.picture": PICTURE.tobytes()},
        {"sampling.source": "trained", "training.k": 1, "denoise.sigma": 0.3},
    ],
)
def test_a_denoised_picture(qtbot, window, page, values):
    page.experiment.set(page.experiment.spec.replace_all(values))
    wanted = page.experiment.spec
    # A network adds a note on its weights.
    qtbot.waitUntil(
        lambda: page.denoised and wanted.from_json(page.denoised.spec_json) == wanted and not page.running,
        timeout=WAIT_MS,
    )
    found = carried_out(qtbot, window, "denoise")
    assert np.array_equal(found["y"], page.denoised.copies.y)
    assert np.array_equal(found["x_hat"], page.denoised.copies.x_hat)


@pytest.mark.parametrize("task", ["inpaint", "interpolate"])
@pytest.mark.parametrize("source", ["exact", "trained"])
def test_chains_by_hand(qtbot, window, page, task, source):
    values = {"sampling.source": source, "denoise.picture": PICTURE.tobytes(), "denoise.second_seed": 9}
    values |= {"denoise.mask": MASK.tobytes()} if task == "inpaint" else {}
    page.experiment.set(page.experiment.spec.replace_all(values))
    page.act("sample")
    qtbot.waitUntil(lambda: page.chain_task.gallery.samples is not None and not page.running, timeout=WAIT_MS)
    assert np.array_equal(carried_out(qtbot, window, task)["x_hat"], page.chain_task.gallery.samples.x_hat)


@pytest.mark.parametrize("painting", ["settle", "same"])
def test_a_flow_paints_in_the_window_as_by_the_copied_line(qtbot, window, page, painting):
    values = {"sampling.sampler": "ode", "sampling.levels": 6, "denoise.painting": painting}
    values |= {"denoise.mask": MASK.tobytes()}
    page.experiment.set(page.experiment.spec.replace_all(values))
    said = page.chain_task.words.text()
    assert said == f"Inpainting: {painters(page.experiment.spec)}"
    page.act("sample")
    qtbot.waitUntil(lambda: page.chain_task.gallery.samples is not None and not page.running, timeout=WAIT_MS)
    samples = page.chain_task.gallery.samples
    assert said.endswith(painters(ExperimentSpec.from_json(samples.spec_json)))
    assert np.array_equal(carried_out(qtbot, window, "inpaint")["x_hat"], samples.x_hat)


def test_the_settings_of_the_chains_that_paint_are_shown_and_can_be_taken_over(qtbot, window, page):
    painting, choice = page.painting, page.form.control("denoise.painting")
    spec = page.experiment.spec
    assert not choice.isEnabled()
    assert painting.button.isHidden()
    page.form.control("sampling.sampler").change_value("ode")
    flow = page.experiment.spec
    assert choice.isEnabled()
    assert painting.words.text().startswith("Underdamped, ")
    painting.button.click()
    taken = page.experiment.spec
    assert taken == for_painting(flow) != flow
    for path in ("sampling.sampler", "sampling.levels", "sampling.steps_per_level", "sampling.step_ratio"):
        assert page.form.control(path).value() == taken.get(path)
    assert painting.button.isHidden()
    window.commands["undo"].trigger()
    assert page.experiment.spec == flow
    choice.change_value("same")
    assert painting.words.text().startswith("Probability flow, ")
    assert painting.button.isHidden()
    assert page.experiment.spec == flow.replace("denoise.painting", "same")
    page.experiment.set(spec)


def test_a_picture_that_was_exported_brings_everything_back(qtbot, window, page, tmp_path):
    page.experiment.set(page.experiment.spec.replace_all({"denoise.picture": PICTURE.tobytes(), "denoise.sigma": 0.4}))
    spec = page.experiment.spec
    qtbot.waitUntil(
        lambda: page.denoised and page.denoised.spec_json == spec.to_json() and not page.running, timeout=WAIT_MS
    )
    export = next(export for export in page.exports() if export.name == "denoised")
    window.files.run_export(export, tmp_path / "denoised.png")
    qtbot.waitUntil(lambda: (tmp_path / "denoised.png").exists() and not window.files.running, timeout=WAIT_MS)
    page.experiment.set(load_preset("digits-30s").replace("sampling.source", "exact"))
    window.files.open_path(tmp_path / "denoised.png")
    qtbot.waitUntil(lambda: page.experiment.spec == spec, timeout=WAIT_MS)
    assert window.page is page


def test_a_run_is_named_and_fields_that_nobody_reads_are_left_out(tmp_path):
    spec = load_card("digits").spec.replace_all({"denoise.sigma": 0.5, "denoise.second_seed": 7})
    line = command(spec, "denoise", run="some run", out="d.npz")
    assert line.startswith("msd run --network 'some run' --job denoise --out d.npz --grid d.png")
    assert "--denoise.sigma 0.5" in line
    assert "second_seed" not in line
    assert "levels" not in line
    row = command(spec, "interpolate", run="run", out="i.npz")
    assert "--denoise.second_seed 7" in row
    assert "--denoise.sigma" not in row
    short = command(spec, "interpolate", run="run", trained=spec.replace("denoise.second_seed", 6), out="i.npz")
    n = spec.sampling.chains
    assert short == f"msd run --network run --job interpolate --n {n} --out i.npz --grid i.png --denoise.second_seed 7"
    images = command(load_preset("digits-30s").replace("denoise.sigma", 0.5), "sample")
    assert "denoise" not in images


def test_a_long_line_does_not_widen_the_window(window, page):
    width = window.minimumSizeHint().width()
    window.status.notice("Copied: " + "msd denoise " * 100)
    window.status.layout().activate()
    assert window.minimumSizeHint().width() == width

"""The denoising page with the real engine behind it: drawing, dragging, the copies test, opened pictures, undo."""

from __future__ import annotations

import numpy as np
import pytest
from hands import SMALL_CHAINS, WAIT_MS, denoise_page, on_widget, settled
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from msd_engine.data.images import IDX_FILES
from msd_engine.runs.restoring import read_spec

FIRST_PAGE = "denoise"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(qtbot, window):
    return denoise_page(qtbot, window)


def stroke(page, *points):
    canvas = page.easel.canvas
    places = [on_widget(canvas, *point) for point in points]
    QTest.mousePress(canvas, LEFT, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(canvas, place)
    QTest.mouseRelease(canvas, LEFT, pos=places[-1])


def test_the_first_picture_is_denoised_without_training_or_asking(page):
    assert page.denoised.exact
    assert page.denoised.x.shape == (1, 8, 8)
    assert len(page.copies.before.tiles()) == page.experiment.spec.training.k
    assert "exact" in page.words.text()
    assert not page.card.isVisible()


def test_a_drawn_stroke_is_denoised_and_is_one_step_of_undo(qtbot, window, page):
    before = page.experiment.spec
    assert page.easel.canvas.radius < 1
    stroke(page, (2.5, 2.5), (2.5, 6.5))
    drawn = page.easel.canvas.picture().copy()
    settled(qtbot, page, lambda: np.allclose((page.denoised.x + 1) * 127.5, drawn, atol=0.5))
    assert page.experiment.spec.denoise.picture == drawn.tobytes()
    window.commands["undo"].trigger()
    assert page.experiment.spec == before
    settled(qtbot, page, lambda: np.array_equal(page.easel.canvas.picture(), held_out(page)))
    window.commands["redo"].trigger()
    settled(qtbot, page, lambda: np.array_equal(page.easel.canvas.picture(), drawn))


def held_out(page):
    return np.rint((page.denoised.x + 1) * 127.5).astype(np.uint8)


def test_dragging_sigma_shows_more_noise_at_once_and_k_less(qtbot, page):
    slider = page.form.slider("denoise.sigma")
    slider.track.drag_started.emit()
    errors = []
    for sigma in (0.1, 1.0, 5.0):
        slider.change_value(sigma)
        settled(qtbot, page, lambda sigma=sigma: page.denoised.sigma == sigma)
        errors.append(page.denoised.error_mean)
    slider.track.drag_finished.emit()
    assert errors == sorted(errors)
    page.form.slider("training.k").change_value(16)
    settled(qtbot, page, lambda: len(page.denoised.copies.y) == 16)
    assert page.denoised.error_mean < errors[-1]


def test_shuffled_copies_leave_the_exact_estimate_and_the_table_says_so(qtbot, page):
    page.experiment.set(page.experiment.spec.replace("denoise.change", "shuffle"))
    settled(qtbot, page, lambda: page.denoised.changed is not None)
    rows = {name: (value, theory) for name, value, theory in page.figures.texts()}
    assert float(rows["x̂ moved by"][0]) < 1e-6
    assert rows["x̂ moved by"][1] == "0"
    names = [tile.name for tile in page.copies.after.tiles()]
    assert sorted(names) == sorted(tile.name for tile in page.copies.before.tiles())
    assert names != [tile.name for tile in page.copies.before.tiles()]
    assert page.copies.after.isVisible()


def test_the_picture_and_its_copies_can_be_written_with_their_spec(qtbot, window, page, tmp_path):
    rows = {export.name: export for export in page.exports()}
    assert rows.keys() == {"denoised", "copies"}
    window.files.run_export(rows["denoised"], tmp_path / "denoised.png")
    qtbot.waitUntil(lambda: (tmp_path / "denoised.png").exists() and not window.files.running, timeout=WAIT_MS)
    with Image.open(tmp_path / "denoised.png") as image:
        image.load()
        assert "denoise" in image.text["msd-spec"]


def test_the_error_under_the_picture_is_that_of_the_picture(qtbot, page):
    for change in ("none", "replace"):
        page.experiment.set(page.experiment.spec.replace_all({"denoise.change": change, "denoise.sigma": 3.0}))
        settled(qtbot, page, lambda change=change: (page.denoised.changed is not None) == (change == "replace"))
        settled(qtbot, page, lambda: page.denoised.sigma == 3.0)
        (tile,) = page.result.tiles()
        error = np.sqrt(np.square(tile.image - page.denoised.x).mean())
        assert float(tile.figure.removeprefix("error ")) == pytest.approx(error, rel=5e-3)


def test_nothing_stays_of_a_picture_beside_settings_that_cannot_be_denoised(qtbot, window, page):
    page.form.control("data.name").change_value("mnist")
    qtbot.waitUntil(lambda: bool(window.messages.errors()) and not page.running, timeout=WAIT_MS)
    assert page.denoised is None
    assert not page.result.tiles()
    assert not page.figures.texts()


def test_data_that_have_been_fetched_are_denoised_at_once(qtbot, window, page, user_folder):
    page.form.control("data.name").change_value("mnist")
    qtbot.waitUntil(lambda: bool(window.messages.errors()) and not page.running, timeout=WAIT_MS)
    folder = user_folder / "data" / "mnist"
    folder.mkdir(parents=True)
    for name, shape in zip(IDX_FILES, ((9, 28, 28), (9,), (3, 28, 28), (3,)), strict=True):
        head = bytes((0, 0, 8, len(shape))) + b"".join(size.to_bytes(4, "big") for size in shape)
        (folder / name).write_bytes(head + bytes(range(10)) * (np.prod(shape) // 10) + bytes(np.prod(shape) % 10))
    window.files.written.emit()
    settled(qtbot, page, lambda: page.denoised and page.denoised.x.shape == (1, 28, 28))


def test_chains_below_a_low_window_are_scrolled_into_sight(qtbot, window, page):
    window.resize(1280, 760)
    page.experiment.set(page.experiment.spec.replace_all(SMALL_CHAINS))
    page.chain_task.row.click()
    gallery = page.chain_task.gallery
    settled(qtbot, page, lambda: gallery.samples is not None)
    qtbot.waitUntil(lambda: gallery.visibleRegion().boundingRect().height() > 0.9 * gallery.height(), timeout=WAIT_MS)


def test_exported_chains_carry_the_settings_that_they_were_drawn_with(qtbot, window, page, tmp_path):
    page.experiment.set(page.experiment.spec.replace_all(SMALL_CHAINS))
    drawn = page.experiment.spec
    page.chain_task.draw("interpolate")
    settled(qtbot, page, lambda: page.chain_task.gallery.samples is not None)
    page.experiment.set(drawn.replace_all({"sampling.levels": 9, "training.k": 3}))
    for export in page.exports():
        if export.name == "by-hand":
            # Grid, animation and states.
            window.files.run_export(export, tmp_path / f"chains{export.suffix}")
    qtbot.waitUntil(lambda: len(list(tmp_path.glob("chains.*"))) == 3 and not window.files.running, timeout=WAIT_MS)
    assert {read_spec(path) for path in tmp_path.glob("chains.*")} == {drawn}


def test_a_dropped_copy_is_struck_out(qtbot, page):
    page.experiment.set(page.experiment.spec.replace_all({"denoise.change": "drop", "denoise.copy_index": 2}))
    settled(qtbot, page, lambda: page.denoised.changed is not None)
    assert [tile.struck for tile in page.copies.before.tiles()].index(True) == 1
    page.form.slider("training.k").change_value(1)
    settled(qtbot, page, lambda: len(page.denoised.copies.y) == 1)
    assert page.denoised.changed is None
    assert page.copies._heads[0].text().startswith("The only copy y₁")


def test_the_arrows_turn_the_held_out_images(qtbot, page):
    first = page.denoised.x
    page.easel.buttons["step"].click()
    settled(qtbot, page, lambda: not np.array_equal(page.denoised.x, first))
    assert page.experiment.spec.denoise.index == 1
    page.easel.clear()
    settled(qtbot, page, lambda: (page.denoised.x == -1).all())
    page.easel.buttons["back"].click()
    settled(qtbot, page, lambda: not (page.denoised.x == -1).all())


def test_an_opened_picture_takes_the_size_of_the_data_and_a_bad_one_is_a_sentence(qtbot, window, page, tmp_path):
    Image.new("RGB", (60, 40), (250, 250, 250)).save(tmp_path / "paper.png")
    page.picture.open(tmp_path / "paper.png")
    settled(qtbot, page, lambda: page.experiment.spec.denoise.picture)
    assert set(page.experiment.spec.denoise.picture) == {5}
    (tmp_path / "bad.png").write_bytes(b"nothing")
    page.picture.open(tmp_path / "bad.png")
    qtbot.waitUntil(lambda: bool(window.messages.errors()), timeout=WAIT_MS)
    assert "bad.png" in window.messages.errors()[0]


def test_a_drawing_that_other_data_put_away_comes_back_by_undo(qtbot, window, page):
    settled(qtbot, page, lambda: page.denoised is not None)
    stroke(page, (2.5, 2.5), (2.5, 6.5))
    drawn = page.experiment.spec
    assert drawn.denoise.picture
    with qtbot.waitSignal(page.noticed) as notice:
        page.form.control("data.name").change_value("mnist")
    assert "Undo" in notice.args[0]
    assert not page.experiment.spec.denoise.picture
    window.commands["undo"].trigger()
    assert page.experiment.spec == drawn
    settled(qtbot, page, lambda: np.array_equal(page.easel.canvas.picture().tobytes(), drawn.denoise.picture))

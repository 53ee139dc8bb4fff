"""The dialog of exports: its preview is what is written, and it remembers what was chosen for each kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from msd_engine.events.figures import Grid, Sheet
from msd_engine.events.plots import Bars
from msd_engine.runs.pictures import read_picture_spec
from msd_engine.specs import ExperimentSpec
from msd_gui.app.export.dialog import Choice, ExportDialog
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.bridge.runner import SYNCHRONOUS
from msd_gui.pages.base.exports import figure_export, film_export
from msd_gui.session.settings import Settings

SPEC = ExperimentSpec(title="What made it").to_json()
IMAGES = np.random.default_rng(0).integers(0, 256, (9, 1, 8, 8), np.uint8)
BARS = Bars("w", "class", ("0", "1"), np.array([0.7, 0.3]), np.array([0.8, 0.2]))


@pytest.fixture
def clock() -> ScreenClock:
    return ScreenClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path / "s.ini")
    settings.last_folder = tmp_path
    return settings


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(data_dir=lambda: None, runs_dir=lambda: tmp_path)


@pytest.fixture
def opened(qtbot, monkeypatch, clock, settings, engine):
    monkeypatch.setenv(SYNCHRONOUS, "1")
    dialogs = []

    def open_(export):
        parent = QWidget()
        qtbot.addWidget(parent)
        dialog = ExportDialog(parent, export, clock, settings)
        dialogs.append((dialog, parent))
        ticks(clock)
        return dialog

    yield open_
    for dialog, _parent in dialogs:
        dialog.reject()


def ticks(clock):
    for _ in range(5):
        clock.tick.emit()


def grid(engine):
    return figure_export(engine, "Sample grid", "samples", lambda: Grid("", IMAGES), lambda: SPEC)


def bars(engine):
    return figure_export(engine, "Class shares", "class-shares", lambda: BARS, lambda: SPEC)


def shown(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


def redrawn(dialog, clock):
    dialog.draw()
    ticks(clock)


@pytest.mark.parametrize("make", [grid, bars])
def test_the_picture_of_the_dialog_is_the_file(opened, engine, clock, tmp_path, make):
    dialog = opened(make(engine))
    dialog.width_mm.setValue(50.8)
    dialog.dpi.setValue(100)
    dialog.with_caption.setChecked(True)
    redrawn(dialog, clock)
    dialog.save()
    ticks(clock)
    with Image.open(dialog.path()) as image:
        np.testing.assert_array_equal(shown(dialog.picture.image), np.asarray(image.convert("RGB")))
        assert image.width == Sheet(50.8, 100).width_px
    assert ExperimentSpec.from_json(read_picture_spec(dialog.path())).title == "What made it"
    assert dialog.size_line.text().startswith(f"{image.width:,} × {image.height:,} pixels")
    assert dialog.status.text() == f"Saved {dialog.path().name}."


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_each_format_is_written_under_its_name(opened, engine, clock, tmp_path, suffix, start):
    dialog = opened(bars(engine))
    dialog.format.setCurrentIndex(dialog.format.findData(suffix))
    dialog.name.setText("eps0.01")
    dialog.save()
    ticks(clock)
    assert (tmp_path / f"eps0.01{suffix}").read_bytes().startswith(start)


def test_choices_change_the_picture(opened, engine, clock):
    dialog = opened(grid(engine))
    first = shown(dialog.picture.image).copy()
    dialog.columns.setValue(9)
    redrawn(dialog, clock)
    flat = shown(dialog.picture.image).copy()
    assert flat.shape[0] < first.shape[0] / 2
    dialog.with_caption.setChecked(True)
    dialog.caption.setText("A sentence.")
    redrawn(dialog, clock)
    assert shown(dialog.picture.image).shape[0] > flat.shape[0]
    assert (shown(dialog.picture.image)[-1, -1] == 255).all()
    dialog.colours.setCurrentIndex(1)
    redrawn(dialog, clock)
    assert (shown(dialog.picture.image)[-1, -1] < 60).all()


def test_columns_are_offered_only_for_grids(opened, engine):
    assert opened(grid(engine)).columns.maximum() == 9
    assert not opened(bars(engine)).columns.isVisibleTo(None)


def test_the_last_choice_of_each_kind_is_remembered_and_colours_begin_light(opened, engine, clock, settings):
    dialog = opened(grid(engine))
    dialog.width_mm.setValue(85.0)
    dialog.dpi.setValue(600)
    dialog.columns.setValue(3)
    dialog.labels.setChecked(False)
    dialog.colours.setCurrentIndex(1)
    dialog.format.setCurrentIndex(dialog.format.findData(".pdf"))
    dialog.save()
    ticks(clock)
    again = opened(grid(engine)).choice()
    assert (again.suffix, again.sheet, again.colours) == (".pdf", Sheet(85.0, 600.0, 3, labels=False), "light")
    assert opened(bars(engine)).choice().sheet == Sheet(152.4, 300.0)


@pytest.mark.parametrize(
    "known",
    [{}, {"width_mm": -1, "dpi": 1e9, "columns": "x", "suffix": ".exe"}, {"width_mm": None, "dpi": True, "labels": 7},
     {"width_mm": float("nan"), "columns": -3}],
)  # fmt: skip
def test_impossible_choices_of_the_settings_file_count_as_missing(engine, known):
    export = grid(engine)
    assert Choice.remembered(export, known) == Choice(".png", export.sheet)


def test_settings_that_are_no_choices_are_read_as_none(settings):
    for text in ("", "{", "[]", "5", '"a"'):
        settings._set("exports/a", text)
        assert settings.export_choice("a") == {}


def test_another_file_is_replaced_only_after_a_second_press(opened, engine, clock, tmp_path):
    (tmp_path / "samples.png").write_bytes(b"old")
    dialog = opened(grid(engine))
    dialog.save()
    ticks(clock)
    assert (tmp_path / "samples.png").read_bytes() == b"old"
    assert "samples.png already exists" in dialog.status.text()
    assert dialog.save_button.text() == "Replace"
    dialog.name.setText("other")
    dialog.save()
    ticks(clock)
    assert (tmp_path / "other.png").exists()
    assert (tmp_path / "samples.png").read_bytes() == b"old"
    dialog.name.setText("samples")
    dialog.save()
    dialog.save()
    ticks(clock)
    assert (tmp_path / "samples.png").read_bytes() != b"old"


def test_the_folder_of_the_file_is_shown_after_saving(opened, engine, clock, tmp_path, monkeypatch):
    urls = []
    monkeypatch.setattr(QDesktopServices, "openUrl", urls.append)
    dialog = opened(bars(engine))
    assert dialog.show_button.isHidden()
    dialog.save()
    ticks(clock)
    assert not dialog.show_button.isHidden()
    dialog.show_button.click()
    assert [Path(url.toLocalFile()) for url in urls] == [tmp_path]


def test_a_folder_that_is_missing_is_said(opened, engine, clock, tmp_path):
    dialog = opened(bars(engine))
    dialog.folder.setText(str(tmp_path / "none"))
    dialog.save()
    ticks(clock)
    assert "none" in dialog.status.text()
    assert dialog.show_button.isHidden()
    assert dialog.save_button.isEnabled()


def test_the_picture_is_copied_as_large_as_its_file(opened, engine, clock):
    dialog = opened(bars(engine))
    dialog.copy_button.click()
    ticks(clock)
    assert QGuiApplication.clipboard().image().width() == Sheet().width_px


def test_what_is_shown_later_does_not_change_the_draft(opened, engine, clock, tmp_path):
    content = [BARS]
    dialog = opened(figure_export(engine, "Shares", "shares", lambda: content[0], lambda: SPEC))
    first = shown(dialog.picture.image).copy()
    content[0] = Bars("w", "class", ("0",), np.array([1.0]), np.array([0.1]))
    redrawn(dialog, clock)
    np.testing.assert_array_equal(shown(dialog.picture.image), first)


def test_an_animation_is_drawn_to_its_last_picture(opened, engine, clock, tmp_path):
    def moments():
        return [Grid("", IMAGES, note=f"step {number}") for number in range(3)]

    dialog = opened(film_export(engine, "Run", "run", moments, 3, SPEC, 8.0))
    assert dialog.size_line.text().endswith("picture 3 of 3")
    assert not dialog.columns.isVisibleTo(None)
    dialog.save()
    ticks(clock)
    with Image.open(tmp_path / "run.gif") as film:
        assert film.n_frames == 3
        assert ExperimentSpec.from_json(film.info["comment"]).title == "What made it"

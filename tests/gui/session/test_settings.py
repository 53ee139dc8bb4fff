"""Settings come back as they were set, and a broken file is no reason to fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox, QDialog, QWidget

from msd_engine.specs import load_preset, preset_names
from msd_gui.app import create_window
from msd_gui.app.dialogs import DEVICES, THEMES, edit_settings
from msd_gui.session.settings import MOST_RECENT, SPEED_HZ, Settings, default_runs_dir, settings_file
from msd_gui.widgets.controls.path_box import PathBox

NAMES = ("geometry", "page", "theme", "device", "threads", "speed_hz", "data_dir", "runs_dir")


def everything(settings: Settings) -> list[object]:
    return [getattr(settings, name) for name in NAMES] + [settings.recent(), settings.last_spec("mixture")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.ini"


def test_everything_set_is_there_at_the_next_launch(path, tmp_path):
    first = Settings(path)
    values = {
        "geometry": bytes(range(256)),
        "page": "images",
        "theme": "dark",
        "device": "cpu",
        "threads": 2,
        "speed_hz": 12.5,
        "data_dir": tmp_path / "with, comma and σ",
        "runs_dir": tmp_path / "runs",
        "last_folder": tmp_path,
    }
    for name, value in values.items():
        setattr(first, name, value)
    first.sync()
    second = Settings(path)
    assert {name: getattr(second, name) for name in values} == values


@pytest.mark.parametrize("name", preset_names())
def test_last_spec_of_each_page_is_kept(path, name):
    first = Settings(path)
    first.set_last_spec("a", load_preset(name))
    first.sync()
    second = Settings(path)
    assert second.last_spec("a") == load_preset(name)
    assert second.last_spec("b") is None


def test_an_empty_file_gives_the_defaults(path):
    settings = Settings(path)
    assert settings.theme == "system"
    assert settings.device == "auto"
    assert settings.threads == 0
    assert settings.speed_hz == SPEED_HZ
    assert settings.data_dir is None
    assert settings.inception is None
    assert settings.runs_dir == default_runs_dir()
    assert settings.geometry == b""
    assert settings.recent() == []


@pytest.mark.parametrize(
    "junk", ["\x00\xff{{", "a, b, c", '"@ByteArray(xx)"', "@Invalid()", "-1", "nan", "1e999", "é=="]
)
def test_corrupted_values_count_as_not_there(path, junk):
    keys = {
        "General": ("theme", "threads", "speed_hz", "recent"),
        "window": ("geometry", "page"),
        "specs": ("mixture",),
    }
    lines = [line for group, names in keys.items() for line in (f"[{group}]", *(f"{n}={junk}" for n in names))]
    path.write_text("\n".join(lines), encoding="utf-8")
    settings = Settings(path)
    assert settings.theme == "system"
    assert settings.threads == 0
    assert settings.speed_hz == SPEED_HZ
    assert settings.last_spec("mixture") is None
    assert settings.recent() == []
    assert isinstance(settings.geometry, bytes)
    assert isinstance(settings.page, str)


def test_a_file_of_noise_gives_the_defaults(path, tmp_path):
    path.write_bytes(bytes(range(256)) * 16)
    assert everything(Settings(path)) == everything(Settings(tmp_path / "other.ini"))


def test_recent_files_newest_first_without_repeats_and_only_those_still_there(path, tmp_path):
    settings = Settings(path)
    files = [tmp_path / f"{i}.png" for i in range(MOST_RECENT + 3)]
    for file in files:
        file.touch()
        settings.add_recent(file)
    settings.add_recent(files[-2])
    newest = [files[-2], files[-1], *reversed(files[:-2])][:MOST_RECENT]
    assert settings.recent() == newest
    newest[0].unlink()
    assert settings.recent() == newest[1:]


def test_last_folder_that_is_gone_gives_the_home_folder(path, tmp_path):
    settings = Settings(path)
    settings.last_folder = tmp_path / "gone"
    assert settings.last_folder == Path.home()


def test_variables_say_where_files_go(monkeypatch, tmp_path):
    monkeypatch.setenv("MSD_SETTINGS", str(tmp_path / "a.ini"))
    monkeypatch.setenv("MSD_RUNS_DIR", str(tmp_path / "r"))
    assert Settings().path == settings_file() == tmp_path / "a.ini"
    assert Settings().runs_dir == tmp_path / "r"


def test_the_dialog_keeps_what_was_set_and_nothing_where_it_is_cancelled(path, tmp_path, qtbot, monkeypatch):
    settings = Settings(path)

    def fill(accept):
        def done(dialog):
            dialog.findChild(PathBox, "settings.inception").setValue(tmp_path / "fid.safetensors")
            threads = dialog.findChild(QComboBox, "settings.threads")
            assert threads.currentText() == "Automatic"
            threads.setCurrentText("1")
            return QDialog.DialogCode.Accepted if accept else QDialog.DialogCode.Rejected

        return done

    parent = QWidget()
    qtbot.addWidget(parent)
    monkeypatch.setattr(QDialog, "exec", fill(accept=False))
    assert not edit_settings(parent, settings)
    assert settings.inception is None
    assert settings.threads == 0
    monkeypatch.setattr(QDialog, "exec", fill(accept=True))
    assert edit_settings(parent, settings)
    assert Settings(path).inception == tmp_path / "fid.safetensors"
    assert Settings(path).threads == 1


def test_a_box_for_a_file_opens_the_chooser_of_files(qtbot, tmp_path, monkeypatch):
    box = PathBox("Weights", kinds="Weights (*.safetensors)")
    qtbot.addWidget(box)
    wanted = []
    chosen = str(tmp_path / "a.safetensors")
    monkeypatch.setattr(
        "msd_gui.widgets.controls.path_box.QFileDialog.getOpenFileName",
        lambda *words: wanted.append(words[3]) or (chosen, ""),
    )
    box.browse()
    assert box.value() == tmp_path / "a.safetensors"
    assert wanted == ["Weights (*.safetensors)"]


def test_settings_that_cannot_be_written_are_reported_once(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings(tmp_path / "file" / "settings.ini")
    settings.page = "images"
    received = settings.sync()
    assert "are lost" in received
    assert str(settings.path) in received
    settings.page = "mixture"
    assert settings.sync() == ""


def test_settings_whose_writing_fails_are_reported(path):
    settings = Settings(path)
    settings.page = "images"
    assert settings.sync() == ""
    # A file in which nothing can be put, whoever asks: a folder of its name, which the look beforehand lets pass.
    path.unlink()
    path.mkdir()
    settings.page = "mixture"
    assert "are lost" in settings.sync()


def test_a_damaged_settings_file_is_not_reported_as_one_that_cannot_be_written(path):
    path.write_bytes(bytes(range(256)))
    settings = Settings(path)
    settings.page = "images"
    assert settings.sync() == ""


def test_what_the_command_line_chose_stays_until_the_user_chooses_something_else(path, qtbot, tmp_path, monkeypatch):
    window = create_window(settings=Settings(path), runs_dir=tmp_path, device="cpu", theme="dark")
    qtbot.addWidget(window)
    chosen = {}

    def accept(dialog):
        for name, word in chosen.items():
            dialog.findChild(QComboBox, f"settings.{name}").setCurrentText(word)
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(QDialog, "exec", accept)
    window.commands["settings"].trigger()
    assert (window.theme.choice, window.engine.device) == ("dark", "cpu")
    chosen |= {"theme": THEMES["light"], "device": DEVICES["mps"]}
    window.commands["settings"].trigger()
    assert (window.theme.choice, window.engine.device) == ("light", "mps")

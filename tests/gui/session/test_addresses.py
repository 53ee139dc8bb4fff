"""Files by their addresses, and folders that begin with ~."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from msd_gui.app.main import parse
from msd_gui.session.addresses import left_out, local_paths, path_of
from msd_gui.session.settings import Settings, default_runs_dir, settings_file
from msd_gui.widgets.controls.path_box import PathBox


@pytest.mark.parametrize("host", ["", "localhost", "LocalHost", socket.gethostname()])
def test_an_address_of_this_machine_is_a_file(tmp_path, host):
    path = tmp_path / "a b ü#1%.png"
    assert path_of(f"file://{host}{path.as_uri().removeprefix('file://')}") == path
    assert local_paths([path.as_uri(), "https://example.org/a.png"]) == [path]


def test_an_address_of_a_share_names_the_share():
    assert path_of("file://server/share/a.png") == Path("//server/share/a.png")


def test_what_is_no_address_is_a_path(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of("a.png") == Path("a.png")
    assert path_of("~/a.png") == tmp_path / "a.png"
    assert path_of("~nobody-at-all/a.png") == Path("~nobody-at-all/a.png")


def test_every_path_of_the_program_knows_the_home_folder(monkeypatch, tmp_path, qtbot):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MSD_RUNS_DIR", "~/runs")
    monkeypatch.setenv("MSD_SETTINGS", " ~/settings.ini")
    assert default_runs_dir() == tmp_path / "runs"
    assert settings_file() == tmp_path / "settings.ini"
    options = parse(["--runs-dir=~/r", "--data-dir=~/d", "file://localhost/data/a.png"])
    assert (options.runs_dir, options.data_dir) == (tmp_path / "r", tmp_path / "d")
    assert options.open == Path("/data/a.png")
    settings = Settings(tmp_path / "s.ini")
    settings.data_dir = Path("~/data")
    assert settings.data_dir == tmp_path / "data"
    box = PathBox()
    qtbot.addWidget(box)
    for text, path in (("~/x", tmp_path / "x"), ("~nobody-at-all/x", Path("~nobody-at-all/x"))):
        box.line.setText(text)
        assert box.value() == path


def test_it_is_said_which_of_several_files_is_opened():
    assert not left_out([Path("a.png")])
    assert left_out([Path("b/a.png"), Path("c"), Path("d")]).startswith("Only a.png of the 3 dropped files")

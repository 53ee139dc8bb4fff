"""A missing system library is named with the package that brings it."""

import pytest

from msd_gui.app import libraries

PACKAGES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}


@pytest.mark.parametrize(("library", "package"), list(PACKAGES.items()))
def test_the_loader_message_becomes_an_advice(library, package):
    sentence = libraries._advice(f"{library}: cannot open shared object file: No such file or directory")
    assert library in sentence
    assert f"'sudo apt-get install {package}'" in sentence
    assert f"'{library}()(64bit)'" in sentence


def test_an_unknown_library_is_still_named():
    assert "libodd.so.3" in libraries._advice("libodd.so.3: cannot open shared object file")


def test_without_a_screen_the_command_line_is_offered(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    sentence = libraries.problem()
    assert sentence is not None
    assert "msd" in sentence


def test_a_plugin_that_cannot_be_loaded_is_explained(monkeypatch, tmp_path):
    plugin = tmp_path / "libqxcb.so"
    plugin.write_bytes(b"no library")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(libraries, "_xcb_plugin", lambda: plugin)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    assert libraries.problem() is not None
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert libraries.problem() is None

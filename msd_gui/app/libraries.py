"""Looks for the system libraries that Qt needs, so that a missing one is named instead of ending the program.

Qt itself aborts the whole process when its screen plugin cannot be loaded. Loading the plugin by hand first tells
which library is missing.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

# The Debian and Ubuntu package that brings a library, and Fedora's.
PACKAGES = {
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb"),
    "libxcb-render.so.0": ("libxcb-render0", "libxcb"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb"),
    "libxcb-shm.so.0": ("libxcb-shm0", "libxcb"),
    "libxcb-sync.so.1": ("libxcb-sync1", "libxcb"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb"),
    "libxcb.so.1": ("libxcb1", "libxcb"),
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
}


def problem() -> str | None:
    """Return a sentence on what keeps Qt from opening a window here, or None where nothing does."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import PySide6.QtWidgets  # noqa: F401 - whether it can be imported is the question
    except ImportError as error:
        return _advice(str(error))
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform and not platform.startswith("xcb"):
        return None
    if not os.environ.get("DISPLAY"):
        if os.environ.get("WAYLAND_DISPLAY"):
            return None
        return "There is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set. Without a screen, use the command msd."
    plugin = _xcb_plugin()
    if plugin is None:
        return None
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return _advice(str(error))
    return None


def _xcb_plugin() -> Path | None:
    spec = find_spec("PySide6")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        plugin = Path(folder) / "Qt" / "plugins" / "platforms" / "libqxcb.so"
        if plugin.exists():
            return plugin
    return None


def _advice(message: str) -> str:
    """Turn the loader's message into a sentence that names the package to install."""
    found = re.search(r"(lib[\w.+-]+\.so[\w.]*)", message)
    if not found:
        return f"Qt cannot be loaded: {message}"
    library = found.group(1)
    debian, fedora = PACKAGES.get(library, (None, None))
    if debian is None:
        return f"Qt needs the system library {library}, which is missing here; install the package that has it."
    return (
        f"Qt needs the system library {library}, which is missing here. "
        f"Install it with 'sudo apt-get install {debian}' (Debian, Ubuntu) or 'sudo dnf install {fedora}' (Fedora)."
    )

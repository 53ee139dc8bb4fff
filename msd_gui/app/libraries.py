"""Checks the system libraries of Qt, so that a missing one is named before Qt aborts.

Qt aborts the process if it cannot load its screen plugin. Loading the plugin first reveals the missing library.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path


def problem() -> str | None:
    """Return one sentence on why Qt cannot open a window here, or None if it can."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import PySide6.QtWidgets  # noqa: F401 - the import itself is the test
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
    """Turn the loader's message into a sentence on how to install the missing library."""
    found = re.search(r"((lib[\w.+-]+)\.so\.?([\w.]*))", message)
    if not found:
        return f"Qt cannot be loaded: {message}"
    library, name, version = found.groups()
    # Debian names packages after their libraries (its policy, section 8.1); Fedora finds packages by library.
    name = name.lower().replace("glib-", "glib")
    package = f"{name}-{version}" if name[-1].isdigit() else f"{name}{version}"
    return (
        f"Qt needs the missing system library {library}. Install it with "
        f"'sudo apt-get install {package}' (Debian, Ubuntu) or \"sudo dnf install '{library}()(64bit)'\" (Fedora)."
    )

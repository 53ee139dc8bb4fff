"""Files of this machine by their addresses: dropped on the window, or given to the program by a file manager."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def path_of(text: str) -> Path:
    """Return the file that a path or an address names.

    Args:
        text: Such as ``~/a.png``, ``file:///data/a.png`` or, as some file managers write, ``file://localhost/data/a.png``.
    """
    if not text.lower().startswith("file:"):
        return Path(os.path.expanduser(text))
    parts = urlsplit(text)
    host = parts.netloc.lower()
    at = "" if host in ("", "localhost", socket.gethostname().lower()) else f"//{parts.netloc}"
    return Path(at + url2pathname(parts.path))


def local_paths(addresses: Iterable[str]) -> list[Path]:
    """Return the files and folders among addresses, those of this machine and its shares alone."""
    return [path_of(address) for address in addresses if address.lower().startswith("file:")]


def left_out(paths: list[Path]) -> str:
    """Say that of several dropped files only the first one is opened; empty for a single one."""
    if len(paths) < 2:
        return ""
    return f"Of the {len(paths)} files that were dropped only {paths[0].name} is opened: drop the others one by one."

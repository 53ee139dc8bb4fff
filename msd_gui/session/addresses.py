"""Local files by URL: dropped on the window, or passed by a file manager."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit


def path_of(text: str) -> Path:
    """Return the file of a path or URL.

    Args:
        text: Such as ``~/a.png``, ``file:///data/a.png`` or, from some file managers, ``file://localhost/data/a.png``.
    """
    if not text.lower().startswith("file:"):
        return Path(os.path.expanduser(text))
    # Imports an HTTP client, which a launch does not need.
    from urllib.request import url2pathname

    parts = urlsplit(text)
    host = parts.netloc.lower()
    at = "" if host in ("", "localhost", socket.gethostname().lower()) else f"//{parts.netloc}"
    return Path(at + url2pathname(parts.path))


def local_paths(addresses: Iterable[str]) -> list[Path]:
    """Return the files and folders among URLs, only those of this machine and its shares."""
    return [path_of(address) for address in addresses if address.lower().startswith("file:")]


def left_out(paths: list[Path]) -> str:
    """Return a notice that only the first of several dropped files is opened; empty for a single one."""
    if len(paths) < 2:
        return ""
    return f"Only {paths[0].name} of the {len(paths)} dropped files was opened: drop the others one by one."

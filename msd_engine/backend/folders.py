"""The folder for cached results that can be recomputed."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

CACHE_VARIABLE = "MSD_CACHE_DIR"
"""Environment variable with the cache folder."""


def cache_folder() -> Path:
    """Return MSD_CACHE_DIR if set, else the platform's user cache folder; it need not exist."""
    named = os.environ.get(CACHE_VARIABLE, "").strip()
    return Path(os.path.expanduser(named)) if named else user_cache_path("msd", appauthor=False)

"""Where things are kept that were computed and can be computed again."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

CACHE_VARIABLE = "MSD_CACHE_DIR"
"""Environment variable that names the folder."""


def cache_folder() -> Path:
    """Return the folder for what was computed and can be computed again; it need not exist yet.

    Returns:
        What the variable MSD_CACHE_DIR says, else the platform's folder for a user's cache.
    """
    named = os.environ.get(CACHE_VARIABLE, "").strip()
    return Path(os.path.expanduser(named)) if named else user_cache_path("msd", appauthor=False)

"""What every test of the engine lives under: a cache folder of its own, not the user's."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, shared by nothing."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("MSD_CACHE_DIR", str(folder))
    return folder

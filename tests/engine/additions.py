"""A copy of the engine to which something is added, as by hand: new files, and lines in files that are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from numba.core.caching import _CacheLocator

from msd_engine.backend.compiled import KERNELS

ROOT = Path(__file__).parents[2]


def engine_with(folder: Path, files: dict[str, str], rows: dict[str, dict[str, str]]) -> int:
    """Copy the engine to a folder, add to it, and return how many of its files that took.

    Args:
        folder: An empty folder.
        files: Text of each new file, by its path below the engine.
        rows: For files that are there, by their path, what to put behind which words; the words occur once.
    """
    shutil.copytree(ROOT / "msd_engine", folder / "msd_engine", ignore=shutil.ignore_patterns("*.pyc"))
    _carry_machine_code(folder / "msd_engine")
    for name, text in files.items():
        path = folder / "msd_engine" / name
        assert not path.exists()
        path.write_text(text)
    for name, added in rows.items():
        path = folder / "msd_engine" / name
        text = path.read_text()
        for words, more in added.items():
            assert text.count(words) == 1, f"{words!r} in {name}"
            text = text.replace(words, words + more)
        path.write_text(text)
    return len(files) + len(rows)


def _carry_machine_code(engine: Path) -> None:
    """Rename numba's cache folders in a copy, whose names contain a hash of the path; compiling takes 25 s."""
    for kept in (engine / "backend" / "__pycache__").glob("kernels-*"):
        for module in KERNELS:
            name = f"{module.replace('.', '/')}.py"
            new, old = (_CacheLocator.get_suitable_cache_subpath(str(root / name)) for root in (engine.parent, ROOT))
            if (kept / old).exists():
                (kept / old).rename(kept / new)


def run_in(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process that sees the copy."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )

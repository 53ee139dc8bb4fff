"""A place elsewhere that the tests fill, kept in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem

from msd_engine.events import RunRow
from msd_engine.runs.catalogue import Catalogue
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset

SPEC = load_preset("ncsn-toy").replace("network.width", 16)
PLACE = "memory://lab/runs"


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"step": step, "loss": step / 7, "elapsed_s": 0.1 * step} for step in range(first, last + 1)]


def send(lab: MemoryFileSystem, run: Run, to: str = "/lab/runs/one") -> None:
    for path in run.folder.iterdir():
        lab.pipe_file(f"{to}/{path.name}", path.read_bytes())


def listed(folder: Path) -> list[RunRow]:
    return [found.row for found in Catalogue(folder).scan() if found is not None and found.row is not None]

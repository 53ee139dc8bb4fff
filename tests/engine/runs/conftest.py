"""A place elsewhere, and a run in training there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from lab import SPEC, rows, send

from msd_engine.runs.run import Run


@pytest.fixture
def lab() -> Iterator[MemoryFileSystem]:
    """A place elsewhere, empty."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    system = fsspec.filesystem("memory")
    system.mkdirs("/lab/runs")
    yield system
    MemoryFileSystem.store.clear()


@pytest.fixture
def run(tmp_path: Path, lab: MemoryFileSystem) -> Run:
    """A run in training, whose files `send` puts elsewhere."""
    made = Run.create(tmp_path / "there" / "one", SPEC, device="cpu")
    made.append_metrics(rows(1, 50))
    send(lab, made)
    return made

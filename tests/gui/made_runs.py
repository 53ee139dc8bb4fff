"""Runs made in a moment, for the tests of the list of runs."""

from __future__ import annotations

from pathlib import Path

import torch
from hands import SMALL

from msd_engine.runs.run import Run
from msd_engine.specs import load_preset

SPEC = load_preset("digits-30s").replace_all(SMALL)


def make(folder: Path, held_out: float = 1.0, k: int = 8) -> Path:
    run = Run.create(folder, SPEC.replace("training.k", k), device="cpu")
    run.append_metrics([{"step": n, "held_out": held_out / n, "elapsed_s": n / 2} for n in (1, 2, 3)])
    run.save({"averaged.w": torch.zeros(7)}, 3, elapsed_s=1.5, status="finished")
    return run.folder


def choose(qtbot, page, *folders):
    page.choose(*(str(folder) for folder in folders))
    assert [row.path for row in page.chosen()]

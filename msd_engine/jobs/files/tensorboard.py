"""Export the measurements of a run as event files for TensorBoard, by its own package."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msd_engine.backend.errors import UserError
from msd_engine.backend.files import writing
from msd_engine.events import Event, Finished, Progress, Tick
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.run import Run

_NOTIFY_EVERY = 2000


@reports_user_errors
def export_tensorboard(run_dir: Path, folder: Path) -> Iterator[Event]:
    """Write training loss, held-out error by band, and the spec of a run as an event file.

    Replaces the files of an earlier export of the run: TensorBoard would draw both.

    Args:
        run_dir: The run folder.
        folder: Log folder of TensorBoard.

    Yields:
        `Progress`, then `Finished` with the folder; `Failed` where the package is missing or the run is damaged.
    """
    if find_spec("tensorboard") is None:
        raise UserError(
            "Files for TensorBoard need its package: install it with pip install 'msd-gui[tensorboard]' and try again."
        )
    from torch.utils.tensorboard import SummaryWriter

    start = time.monotonic()
    run = Run.open(run_dir)
    rows = run.read_metrics().rows
    yield Tick()
    suffix = f".{re.sub(r'[^0-9]', '', run.manifest.created)}.msd"
    before = set(folder.glob(f"events.*{suffix}"))
    with writing(folder), SummaryWriter(str(folder), filename_suffix=suffix) as writer:
        writer.add_text("spec", f"```\n{run.spec.to_json(indent=2)}\n```")
        began = _began(run)
        # Runs of older versions may hold a step twice: the last measurement counts.
        drawn = {(name, row["step"]): number for number, row in enumerate(rows) for name in scalars(row)}
        for number, row in enumerate(rows, 1):
            for name, value in scalars(row).items():
                if drawn[name, row["step"]] == number - 1:
                    writer.add_scalar(name, value, row["step"], began + row.get("elapsed_s", 0.0))
            if number % _NOTIFY_EVERY == 0:
                elapsed_s = time.monotonic() - start
                rate = number / elapsed_s
                left_s = (len(rows) - number) / rate
                yield Progress(number, len(rows), rate, rate, elapsed_s, left_s, "Writing for TensorBoard")
    with writing(folder):
        for path in before:
            path.unlink(missing_ok=True)
    text = f"Wrote {len(rows)} measurements: start tensorboard --logdir {folder}."
    yield Finished(len(rows), time.monotonic() - start, text, str(folder))


def scalars(row: dict[str, Any]) -> dict[str, float]:
    """Return the scalars of one measurement by tag.

    Args:
        row: A row of the metrics of a run.

    Returns:
        Finite numbers: ``loss/train``, ``loss/held-out``, ``loss/least`` and the bands of σ_eff.
    """
    found = {"loss/train": row.get("loss"), "loss/held-out": row.get("held_out"), "loss/least": row.get("mmse")}
    for sigma_eff, loss in zip(row.get("band_sigma_eff", ()), row.get("band_loss", ()), strict=True):
        found[f"held-out at sigma_eff/{sigma_eff:.3g}"] = loss
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}


def _began(run: Run) -> float:
    return datetime.fromisoformat(run.manifest.created).timestamp()

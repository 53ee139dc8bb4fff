"""Show a run again, and follow the copy of one that is trained elsewhere."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from msd_engine.backend.device import choose_device
from msd_engine.backend.errors import BadFile
from msd_engine.events import Checkpointed, Event, Finished, HeldOutLoss, LossPoints, Notice, Progress, Tick
from msd_engine.jobs.factory.targets import is_of_images
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.training.recall import measurements, recall, saved_strip
from msd_engine.runs.checkpoints import noted_step
from msd_engine.runs.layout import MANIFEST, METRICS, WEIGHTS
from msd_engine.runs.log import read_log
from msd_engine.runs.manifest import read_manifest
from msd_engine.runs.remote.copies import is_copy, is_live
from msd_engine.runs.run import Run
from msd_engine.specs.live import Every

_LOOK_HZ = 1.0
_NAP_S = 0.05
_RATE_WINDOW_S = 30.0


@reports_user_errors
def watched(run_dir: str | os.PathLike[str], *, data_dir: Path | None = None, device: str = "auto") -> Iterator[Event]:
    """Report a run as `recall` does; if it is the copy of one in training, report what comes until that ends.

    The copy is brought up to date by `msd_engine.jobs.files.elsewhere.watch_elsewhere`.

    Args:
        run_dir: The run folder.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.

    Yields:
        The events of `recall`; for a copy in training also new `HeldOutLoss`, `LossPoints` and `StripFrame`,
        `Checkpointed` when newer weights have come, `Progress` about once a second, and `Tick`.
    """
    folder, step = Path(run_dir), 0
    with closing(recall(folder, data_dir=data_dir, device=device)) as job:  # type: ignore[type-var]
        for event in job:
            step = _last_step(event, step)
            if isinstance(event, Finished) and is_copy(folder):
                yield from _News(folder, data_dir, choose_device(device), step).events()
                yield dataclasses.replace(event, step=read_manifest(folder).step)
            else:
                yield event


def _last_step(event: Event, step: int) -> int:
    match event:
        case HeldOutLoss():
            return max(step, event.step)
        case LossPoints():
            return max(step, int(event.steps.max()))
        case _:
            return step


class _News:
    """What changes in the copy of a run.

    Args:
        folder: The copy.
        data_dir: The data folder.
        device: Where held-out images are denoised.
        step: The last step whose measurements are reported.
    """

    def __init__(self, folder: Path, data_dir: Path | None, device: torch.device, step: int) -> None:
        self._folder = folder
        self._data_dir = data_dir
        self._device = device
        self._told = step
        self._stamps = {name: _stamp(folder / name) for name in (MANIFEST, WEIGHTS)}
        self._run = Run.open(folder)
        self._rows: list[dict[str, Any]] = []
        self._rows_s = time.monotonic()
        self._missing = False

    def events(self) -> Iterator[Event]:
        """Report news until the training has ended and its last weights have come."""
        look = Every(_LOOK_HZ)
        while not self._ended():
            if not look.due():
                yield Tick()
                time.sleep(_NAP_S)
                continue
            yield from self._measured()
            if self._changed(MANIFEST):
                self._run = Run.open(self._folder)
            if self._changed(WEIGHTS):
                yield Checkpointed(self._run.manifest.step, str(self._folder))
                yield from self._strip()
            yield self._progress()
        yield from self._measured()

    def _ended(self) -> bool:
        manifest = self._run.manifest
        weights = noted_step(self._folder / WEIGHTS)
        return manifest.status != "running" and not 0 <= weights < manifest.step

    def _measured(self) -> Iterator[Event]:
        if not self._changed(METRICS):
            return
        rows = read_log(self._folder / METRICS).rows
        self._rows, self._rows_s = rows, time.monotonic()
        # A training that began again from its checkpoint comes to the same numbers.
        yield from measurements([row for row in rows if row["step"] > self._told])
        self._told = max([self._told, *(row["step"] for row in rows)])

    def _strip(self) -> Iterator[Event]:
        if not is_of_images(self._run.spec) or self._missing:
            return
        try:
            yield (yield from in_background(lambda _: saved_strip(self._run, self._data_dir, self._device)))
        except BadFile as error:
            self._missing = True
            yield Notice(f"The held-out images of this run cannot be shown. {error}")

    def _progress(self) -> Progress:
        training = self._run.spec.training
        last: dict[str, Any] = {"step": self._run.manifest.step, "elapsed_s": 0.0}
        last = self._rows[-1] if self._rows else last
        recent = [row for row in self._rows if last["elapsed_s"] - row["elapsed_s"] <= _RATE_WINDOW_S]
        steps, seconds = (last[name] - recent[0][name] if recent else 0 for name in ("step", "elapsed_s"))
        rate = steps / seconds if seconds > 0 else 0.0
        left = [(training.steps - last["step"]) / rate] if rate else []
        left += [training.seconds - last["elapsed_s"]] if training.seconds else []
        live = is_live(self._folder)
        since_s = time.monotonic() - self._rows_s
        return Progress(
            step=last["step"],
            total=0 if training.seconds else training.steps,
            rate=rate if live else 0.0,
            items_rate=rate * training.batch if live else 0.0,
            elapsed_s=last["elapsed_s"],
            left_s=max(0.0, min(left) - since_s) if left and live else math.nan,
            text="Training elsewhere" if live else "Training elsewhere, not heard of for two minutes",
        )

    def _changed(self, name: str) -> bool:
        stamp = _stamp(self._folder / name)
        changed = stamp != self._stamps.get(name, ())
        self._stamps[name] = stamp
        return changed


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what changes with a file; empty for none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ino

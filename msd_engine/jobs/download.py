"""Downloading an image set, told as it goes on."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msd_engine.data.download import download_images
from msd_engine.data.folder import TITLES
from msd_engine.data.sources import SOURCES
from msd_engine.events import Event, Finished, Progress, Started, Tick
from msd_engine.jobs.guard import told

_WAIT_S = 0.05


class _StoppedError(Exception):
    """The caller closed the job."""


@told
def download(name: str, data_dir: Path | None = None, mirrors: Sequence[str] | None = None) -> Iterator[Event]:
    """Download an image set into the data folder; closing the job keeps what has come, for the next time.

    Args:
        name: ``mnist``, ``fashion-mnist`` or ``cifar-10``.
        data_dir: The data folder; None for the setting MSD_DATA_DIR or the platform's folder.
        mirrors: Addresses of folders that hold the files; None for the known ones.

    Yields:
        `Started`, `Progress` in bytes, and `Finished` with the folder, or `Failed`.
    """
    source = SOURCES.get(name)
    total = sum(file.size for file in source.files) if source else 0
    yield Started(job="download", device="", total=total, step=0, spec_json="")
    start = time.monotonic()
    told_bytes: queue.SimpleQueue[tuple[int, int, str]] = queue.SimpleQueue()
    stop = threading.Event()
    outcome: list[Path | BaseException] = []

    def report(here: int, in_all: int, text: str) -> None:
        if stop.is_set():
            raise _StoppedError
        told_bytes.put((here, in_all, text))

    def work() -> None:
        try:
            outcome.append(download_images(name, data_dir, mirrors=mirrors, report=report))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            outcome.append(error)

    # A thread of its own, since waiting for a slow server must not keep the caller from closing the job.
    thread = threading.Thread(target=work, name="download", daemon=True)
    thread.start()
    first: int | None = None
    try:
        while thread.is_alive() or not told_bytes.empty():
            latest = _latest(told_bytes)
            if latest is None:
                yield Tick()
                continue
            here, in_all, text = latest
            first = here if first is None else first
            yield _progress(here, in_all, text, here - first, time.monotonic() - start)
    finally:
        stop.set()
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    yield Finished(total, time.monotonic() - start, f"{TITLES[name]} is in {result}.", str(result))


def _latest(told_bytes: queue.SimpleQueue[tuple[int, int, str]]) -> tuple[int, int, str] | None:
    """Wait a moment for news, and skip all but the newest."""
    try:
        latest = told_bytes.get(timeout=_WAIT_S)
        while not told_bytes.empty():
            latest = told_bytes.get()
    except queue.Empty:
        return None
    return latest


def _progress(here: int, in_all: int, text: str, came: int, elapsed_s: float) -> Progress:
    rate = came / elapsed_s if elapsed_s > 0 else 0.0
    left_s = (in_all - here) / rate if rate > 0 else math.nan
    return Progress(here, in_all, rate, rate, elapsed_s, left_s, text)

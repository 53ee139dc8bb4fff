"""The job that downloads an image set."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msd_engine.data.download import download_images
from msd_engine.data.folder import TITLES
from msd_engine.data.sources import SOURCES
from msd_engine.events import Event, Finished, Progress, Started
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.jobs.tools.failures import reports_user_errors


@reports_user_errors
def download(name: str, data_dir: Path | None = None, mirrors: Sequence[str] | None = None) -> Iterator[Event]:
    """Download an image set into the data folder; a closed job keeps its partial files and resumes from them.

    Args:
        name: ``mnist``, ``fashion-mnist`` or ``cifar-10``.
        data_dir: The data folder; None for the setting MSD_DATA_DIR or the platform's folder.
        mirrors: Addresses of folders that hold the files; None for the default ones.

    Yields:
        `Started`, `Progress` in bytes, and `Finished` with the folder, or `Failed`.
    """
    source = SOURCES.get(name)
    total = sum(file.size for file in source.files) if source else 0
    yield Started(job="download", device="", total=total, step=0, spec_json="")
    start = time.monotonic()

    def work(notify: Notify) -> Path:
        first: list[int] = []

        def report(here: int, in_all: int, text: str) -> None:
            # Bytes of an earlier download do not count in the rate.
            first.append(here)
            del first[1:]
            notify(_progress(here, in_all, text, here - first[0], time.monotonic() - start))

        return download_images(name, data_dir, mirrors=mirrors, report=report)

    folder = yield from in_background(work)
    yield Finished(total, time.monotonic() - start, f"{TITLES[name]} is in {folder}.", str(folder))


def _progress(here: int, in_all: int, text: str, came: int, elapsed_s: float) -> Progress:
    rate = came / elapsed_s if elapsed_s > 0 else 0.0
    left_s = (in_all - here) / rate if rate > 0 else math.nan
    return Progress(here, in_all, rate, rate, elapsed_s, left_s, text)

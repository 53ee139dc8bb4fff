"""`msd download`: download a set of images to the data folder."""

from __future__ import annotations

from typing import Any

from msd_engine.cli.follow import follow
from msd_engine.cli.options import Download
from msd_engine.events import Event, Progress


def download(options: Download) -> dict[str, Any]:
    """Download a set of images and return its path.

    Raises:
        RefusedError: The job cannot begin with the options.
        CutShortError: No mirror answered, or the user stopped it.
    """
    from msd_engine.jobs.files.download import download as job

    account = DownloadAccount(options.name)
    finished = follow(job(options.name, options.data_dir), account)
    return account.figures() | {"elapsed_s": finished.elapsed_s, "path": finished.path, "text": finished.text}


class DownloadAccount:
    """The figures of one download."""

    def __init__(self, name: str) -> None:
        """Store the name of the set."""
        self._figures: dict[str, Any] = {"name": name, "bytes": 0}

    def take(self, event: Event) -> None:
        """Process one event."""
        if isinstance(event, Progress):
            self._figures["bytes"] = event.step

    def figures(self) -> dict[str, Any]:
        """Return the current figures of the download, by name."""
        return dict(self._figures)

    def how_to_continue(self) -> str:
        """Return how to start again."""
        return f"Stopped; start again with: msd download {self._figures['name']}"

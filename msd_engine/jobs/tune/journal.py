"""The journal of searches: a line for each judged candidate, appended and flushed before the search goes on."""

from __future__ import annotations

import os
from pathlib import Path

from msd_engine.backend.files import MIB, make_folder, read_bytes
from msd_engine.runs.catalogue import runs_folder
from msd_engine.runs.layout import TUNE
from msd_engine.runs.log import append_rows, flush
from msd_engine.specs import SpecError
from msd_engine.specs.models import CARD
from msd_engine.specs.search.tune import TuneLine

_EXPECTED = "the journal of a search for the best chain (delete it and the search begins anew)"
_LARGEST = 256 * MIB

_Key = tuple[str, int, int]


def journal_path(run_dir: Path, runs_dir: Path | None = None) -> Path:
    """Return the journal of a network: in its folder, or under its name in the folder of runs.

    Args:
        run_dir: The run folder, or the folder of a shipped model.
        runs_dir: The folder of runs; None for the usual one.
    """
    fixed = (run_dir / CARD).exists() or not os.access(run_dir, os.W_OK)
    return (runs_folder(runs_dir) / run_dir.name if fixed else run_dir) / TUNE


class Journal:
    """The lines of one search.

    Attributes:
        path: The file, which may also hold lines of other searches.
        search: Digest of the search.
        damaged: Number of damaged lines, which were left out.
    """

    def __init__(self, path: Path, search: str) -> None:
        """Read the lines.

        Args:
            path: The file; made with the first line where it is missing.
            search: Digest of the search.

        Raises:
            BadFile: The file cannot be read at all.
        """
        self.path = path
        self.damaged = 0
        self.search = search
        self._lines: dict[_Key, TuneLine] = {}
        if not path.exists():
            return
        # What follows the last line feed is empty, or was being written when the program died.
        for text in read_bytes(path, _EXPECTED, limit=_LARGEST).split(b"\n")[:-1]:
            try:
                line = TuneLine.from_json(text)
            except SpecError:
                self.damaged += bool(text)
                continue
            if line.search == self.search:
                self._lines[_key(line)] = line

    def find(self, stage: str, candidate: int, chains: int) -> TuneLine | None:
        """Return the line of a judged candidate, None where it is still to be judged."""
        return self._lines.get((stage, candidate, chains))

    def add(self, line: TuneLine) -> None:
        """Keep a judged candidate.

        Args:
            line: The judgement, of this search.

        Raises:
            UserError: The file cannot be written.
        """
        make_folder(self.path.parent)
        append_rows(self.path, [line.model_dump(mode="json")])
        flush(self.path)
        self._lines[_key(line)] = line


def _key(line: TuneLine) -> _Key:
    return line.stage, line.candidate, line.chains

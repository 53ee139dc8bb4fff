"""A sweep folder: a comparison of numbers of copies, each of its trainings an ordinary run folder inside.

* ``sweep.json``: the comparison, written whole or not at all;
* ``NAME/``: the run folders, and in each, once it is measured, ``result.json``.

Nothing is written by two: each run is claimed by whoever works on it, so that several processes, or machines with a
common disk, may go through one sweep together.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, make_folder, read_bytes, write_atomically
from msd_engine.runs.layout import CLAIM, MANIFEST, METRICS, SWEEP, sweep_temporary
from msd_engine.runs.locks import HeldError, hold
from msd_engine.runs.log import read_log
from msd_engine.specs import SpecError
from msd_engine.specs.sweep import Child, SweepResult, SweepSpec

RESULT = "result.json"
_LOCK = "lock"
# Whoever lists the runs holds a claim for a moment, to see whether it is free.
_PATIENCE_S = 0.2
_EXPECTED = "the plan of a comparison (sweep.json)"
_EXPECTED_RESULT = "the result of a run of a comparison"


class SweepFolder:
    """A sweep folder.

    Attributes:
        folder: The folder.
        spec: The comparison; replaced when it is widened.
    """

    def __init__(self, folder: Path, spec: SweepSpec) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self.spec = spec

    @classmethod
    def create(cls, folder: str | os.PathLike[str], spec: SweepSpec) -> Self:
        """Begin a sweep.

        Args:
            folder: The folder; made where it is missing.
            spec: The comparison.

        Returns:
            The sweep, without a run.

        Raises:
            UserError: The folder holds a sweep or a run already, or cannot be written.
        """
        sweep = cls(Path(folder), spec)
        if (sweep.folder / SWEEP).exists():
            raise UserError(f"{folder} already holds a comparison: resume it, or choose another folder.")
        if (sweep.folder / MANIFEST).exists():
            raise UserError(f"{folder} holds a run, below which nothing is looked for: choose another folder.")
        make_folder(sweep.folder)
        sweep._write()
        return sweep

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open a sweep that exists.

        Args:
            folder: Its folder, or its ``sweep.json``.

        Returns:
            The sweep.

        Raises:
            BadFile: There is none, or its plan is damaged.
        """
        path = Path(folder)
        path = path if path.name == SWEEP else path / SWEEP
        return cls(path.parent, read_sweep(path))

    def widen(self, wanted: SweepSpec) -> None:
        """Add the ks, seeds, modes and fusions that are asked for and not there yet; nothing is ever taken away.

        Args:
            wanted: What is wanted; its base is not read.

        Raises:
            UserError: Somebody else is widening it for long, or it cannot be written.
        """
        with hold(self.folder / _LOCK, 10, f"{self.folder} is being changed by another program: try again."):
            sweep_temporary(self.folder, (SWEEP,))
            self.spec = read_sweep(self.folder / SWEEP)
            wider = self.spec.with_more(ks=wanted.ks, seeds=wanted.seeds, modes=wanted.modes, fusions=wanted.fusions)
            if wider != self.spec:
                self.spec = wider
                self._write()

    def run_folder(self, name: str) -> Path:
        """Return the folder of one run."""
        return self.folder / name

    def result(self, name: str) -> SweepResult | None:
        """Return how a run ended, None where it has not yet.

        Args:
            name: Name of the run.

        Raises:
            BadFile: The result is damaged.
        """
        path = self.run_folder(name) / RESULT
        if not path.exists():
            return None
        try:
            return SweepResult.from_json(read_bytes(path, _EXPECTED_RESULT, limit=MIB))
        except SpecError as error:
            raise BadFile(f"{path} is not {_EXPECTED_RESULT}: {error}") from error

    def results(self) -> list[SweepResult]:
        """Return all results so far, in the order of the queue; errors as for `result`."""
        found = (self.result(child.name) for child in self.spec.children())
        return [result for result in found if result is not None]

    def measured(self) -> Iterator[tuple[Child, list[dict[str, Any]]]]:
        """Read the measurements of every run that has begun, in the order of the queue.

        Yields:
            The run with its rows of metrics.

        Raises:
            BadFile: The measurements of a run cannot be read.
        """
        for child in self.spec.children():
            rows = read_log(self.run_folder(child.name) / METRICS).rows
            if rows:
                yield child, rows

    def save_result(self, result: SweepResult) -> None:
        """Keep how a run ended.

        Args:
            result: The result.

        Raises:
            UserError: It cannot be written.
        """
        write_atomically(self.run_folder(result.name) / RESULT, result.to_json(indent=2).encode())

    @contextlib.contextmanager
    def claimed(self, name: str) -> Iterator[bool]:
        """Claim a run, so that no other process works on it; the system lets go when the holder dies.

        Args:
            name: Name of the run.

        Yields:
            Whether it could be claimed.

        Raises:
            UserError: The folder cannot be written.
        """
        make_folder(self.run_folder(name))
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(hold(self.run_folder(name) / CLAIM, _PATIENCE_S, ""))
            except HeldError:
                yield False
                return
            sweep_temporary(self.run_folder(name), (RESULT,))
            yield True

    def _write(self) -> None:
        write_atomically(self.folder / SWEEP, self.spec.to_json(indent=2).encode())


def sweep_of(run: str | os.PathLike[str]) -> Path | None:
    """Return the comparison that a run folder belongs to, None where it stands alone.

    Args:
        run: The run folder.
    """
    folder = Path(run).parent
    return folder if (folder / SWEEP).is_file() else None


def runs_in(folder: Path) -> list[Path]:
    """Return the run folders that a comparison holds by now, in the order of their names; errors as of the system.

    Args:
        folder: The sweep folder.
    """
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def read_sweep(path: str | os.PathLike[str]) -> SweepSpec:
    """Read the plan of a comparison.

    Args:
        path: The JSON file.

    Returns:
        The comparison.

    Raises:
        BadFile: It is missing, damaged or of another kind.
    """
    text = read_bytes(path, _EXPECTED, limit=MIB)
    try:
        return SweepSpec.from_json(text)
    except SpecError as error:
        raise BadFile(f"{path} is not {_EXPECTED}: {error}") from error

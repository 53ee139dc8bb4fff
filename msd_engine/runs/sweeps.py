"""A sweep folder: a comparison of numbers of copies, each of its trainings an ordinary run folder inside.

* ``sweep.json``: the comparison, written whole or not at all;
* ``runs/HASH/``: the run folders, named by the hash of their training, so that the same plan has the same folders on
  every machine; and in each, once it is measured, ``result.json``. Folders of earlier versions have the name of their
  run and lie beside the plan; they stay where they are.

A process claims a run before working on it, so that several processes, or machines with a common disk, can share one
sweep.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, make_folder, read_bytes, write_atomically
from msd_engine.runs.layout import CLAIM, MANIFEST, METRICS, RESULT, RUNS, SWEEP, sweep_temporary
from msd_engine.runs.locks import HeldError, hold
from msd_engine.runs.log import read_log
from msd_engine.runs.remote.copies import refuse_copy
from msd_engine.specs import SpecError, training_hash
from msd_engine.specs.sweep import Child, SweepResult, SweepSpec

_LOCK = "lock"
# Listing the runs holds a claim for a moment, to check whether it is free.
_PATIENCE_S = 0.2
_EXPECTED = "the plan of a comparison (sweep.json)"
_EXPECTED_RESULT = "the result of a run of a comparison"


class SweepFolder:
    """A sweep folder.

    Attributes:
        folder: The folder.
        spec: The comparison; replaced when it is extended.
    """

    def __init__(self, folder: Path, spec: SweepSpec) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self.spec = spec
        self._hashes: tuple[SweepSpec | None, dict[str, str]] = (None, {})

    @classmethod
    def create(cls, folder: str | os.PathLike[str], spec: SweepSpec) -> Self:
        """Create a sweep.

        Args:
            folder: The folder; created if missing.
            spec: The comparison.

        Returns:
            The sweep, without runs.

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
        """Open an existing sweep.

        Args:
            folder: Its folder, or its ``sweep.json``.

        Returns:
            The sweep.

        Raises:
            BadFile: The folder holds no sweep, or its plan is damaged.
        """
        path = Path(folder)
        path = path if path.name == SWEEP else path / SWEEP
        return cls(path.parent, read_sweep(path))

    def widen(self, wanted: SweepSpec) -> None:
        """Add the ks, seeds, modes and fusions that are asked for and not there yet; nothing is ever taken away.

        Args:
            wanted: The ks, seeds and modes; its base is ignored.

        Raises:
            UserError: Another process holds the plan for too long, or it cannot be written.
        """
        refuse_copy(self.folder)
        with hold(self.folder / _LOCK, 10, f"{self.folder} is being changed by another program: try again."):
            sweep_temporary(self.folder, (SWEEP,))
            self.spec = read_sweep(self.folder / SWEEP)
            wider = self.spec.with_more(ks=wanted.ks, seeds=wanted.seeds, modes=wanted.modes, fusions=wanted.fusions)
            if wider != self.spec:
                self.spec = wider
                self._write()

    def run_folder(self, name: str) -> Path:
        """Return the folder of one run, given by its name in the plan."""
        if (named := self.folder / name).is_dir():
            return named
        if self._hashes[0] is not self.spec:
            self._hashes = (self.spec, {child.name: training_hash(child.spec) for child in self.spec.children()})
        return self.folder / RUNS / self._hashes[1][name]

    def result(self, name: str) -> SweepResult | None:
        """Return the result of a run, None if it has none yet.

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
        """Read the measurements of every started run, in the order of the queue.

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
        """Save the result of a run.

        Args:
            result: The result.

        Raises:
            UserError: It cannot be written.
        """
        write_atomically(self.run_folder(result.name) / RESULT, result.to_json(indent=2).encode())

    @contextlib.contextmanager
    def claimed(self, name: str) -> Iterator[bool]:
        """Claim a run, so that no other process works on it; the system releases it when the holder dies.

        Args:
            name: Name of the run.

        Yields:
            Whether the claim succeeded.

        Raises:
            UserError: The folder cannot be written.
        """
        refuse_copy(self.folder)
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
    """Return the comparison of a run folder, or None.

    Args:
        run: The run folder.
    """
    folder = Path(run).parent
    folder = folder.parent if folder.name == RUNS else folder
    return folder if (folder / SWEEP).is_file() else None


def runs_in(folder: Path) -> list[Path]:
    """Return the present run folders of a comparison in order; raises errors of the system.

    Args:
        folder: The sweep folder.
    """
    return sorted(path.parent for where in ("*", f"{RUNS}/*") for path in folder.glob(f"{where}/{MANIFEST}"))


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

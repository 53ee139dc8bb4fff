"""How commands that leave a folder begin: something new from a preset, or what an earlier command has left."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from msd_engine.cli.fields import given_fields
from msd_engine.cli.following import FRAMES_HZ
from msd_engine.cli.inputs import is_given, threads_given
from msd_engine.cli.outcome import RefusedError


class Resumable(Protocol):
    """The options that such commands share."""

    @property
    def preset(self) -> str:
        """What something new is made from."""
        ...

    @property
    def out(self) -> Path | None:
        """Where it is put."""
        ...

    @property
    def resume(self) -> Path | None:
        """What is gone on with."""
        ...

    @property
    def data_dir(self) -> Path | None:
        """Where image sets are looked for."""
        ...

    @property
    def device(self) -> str:
        """Name of the device."""
        ...

    @property
    def threads(self) -> str:
        """Number of threads."""
        ...

    @property
    def fields(self) -> Any:
        """Further options, by dotted path."""
        ...


def folder_of(options: Resumable, place: str) -> Path:
    """Return the folder that a command works in.

    Args:
        options: The command line.
        place: What the folder is called in sentences, such as ``RUN``.

    Returns:
        The folder to go on with, or the new one.

    Raises:
        RefusedError: Not exactly one of both was asked for, or nothing says where the new one is to be.
    """
    if is_given(options.preset) == (options.resume is not None):
        raise RefusedError(f"Give either --preset NAME with --out {place}, or --resume {place}.")
    if options.resume is not None:
        return options.resume
    if options.out is None:
        raise RefusedError(f"Give the new folder with --out {place}.")
    return options.out


def check_as_begun(options: Resumable, sentence: str, *more: str) -> None:
    """Refuse what would change a thing that is resumed.

    Args:
        options: The command line: neither another folder nor fields may be given.
        sentence: What may be given.
        more: Texts of further options that may not.

    Raises:
        RefusedError: One of them was given.
    """
    if options.out is not None or given_fields(options.fields) or any(is_given(text) for text in more):
        raise RefusedError(sentence)


def job_options(options: Resumable) -> dict[str, Any]:
    """Return what the job of such a command is told beside its spec and its folder."""
    threads = threads_given(options.threads)
    # Imported here: it brings torch, and a refusal should not wait for it.
    from msd_engine.specs.live import Every

    return {
        "resume": options.resume is not None,
        "data_dir": options.data_dir,
        "device": options.device,
        "threads": threads,
        "cadence": Every(FRAMES_HZ),
    }

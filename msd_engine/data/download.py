"""Download of an image set: mirrors in order, published hashes, and resumption of interrupted downloads.

Pooch checks the hash and moves a finished file into place; partial data stay in a hidden ``.part`` file.
"""

from __future__ import annotations

import errno
import logging
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import make_folder, reading, write_atomically, writing
from msd_engine.data.cifar import MAX_RECORDS, RECORD
from msd_engine.data.folder import SUBFOLDERS, TITLES, data_folder
from msd_engine.data.sources import SOURCES, RemoteFile, Source

Report = Callable[[int, int, str], None]
"""Receives the bytes done, the total and a status text; may raise to stop the download."""

_CHUNK = 2**16
_TIMEOUT_S = (10.0, 30.0)
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


def download_images(
    name: str,
    data_dir: Path | None = None,
    *,
    mirrors: Sequence[str] | None = None,
    report: Report | None = None,
    source: Source | None = None,
) -> Path:
    """Download the missing files of an image set into the data folder.

    Args:
        name: ``mnist``, ``fashion-mnist`` or ``cifar-10``.
        data_dir: The data folder, as in `data_folder`.
        mirrors: URLs of folders with the files; None for the known ones.
        report: Callback for progress.
        source: Files to download; None for the published ones.

    Returns:
        The folder with the files.

    Raises:
        UserError: The set is unknown, no mirror had a file, or the disk is full.
    """
    if source is None and name not in SOURCES:
        raise UserError(f"There is nothing to download for {name!r}: choose one of {', '.join(SOURCES)}.")
    source = source or SOURCES[name]
    folder = data_folder(data_dir) / SUBFOLDERS[name]
    make_folder(folder)
    if source.members and all(_is_complete(folder / member) for member in source.members):
        return folder
    total = sum(file.size for file in source.files)
    done = 0
    for file in source.files:
        meter = _Meter(report, done, total, f"Downloading {TITLES[name]}: {file.name}")
        _fetch(file, folder, source.mirrors if mirrors is None else mirrors, meter, TITLES[name])
        done += file.size
    if source.members:
        if report is not None:
            report(total, total, f"Unpacking {TITLES[name]}")
        archive = folder / source.files[0].name
        _unpack(archive, folder, source.members)
        with writing(archive):
            archive.unlink()
    return folder


def _is_complete(path: Path) -> bool:
    """Return whether a member of an archive exists with a whole number of records."""
    return path.is_file() and path.stat().st_size > 0 and path.stat().st_size % RECORD == 0


class _Meter:
    """Report the bytes of one file as part of all files."""

    def __init__(self, report: Report | None, before: int, total: int, text: str) -> None:
        self._report = report
        self._before = before
        self._total = total
        self._text = text

    def __call__(self, received: int) -> None:
        if self._report is not None:
            self._report(self._before + received, self._total, self._text)


class _Part:
    """The file of a partial download: output file and progress bar of pooch in one.

    A server that resumes announces the missing bytes; one that restarts announces all, and then the partial data are
    dropped.
    """

    def __init__(self, file: IO[bytes], remote: RemoteFile, meter: Callable[[int], None]) -> None:
        self._file = file
        self._remote = remote
        self._meter = meter
        self._received = file.seek(0, os.SEEK_END)

    @property
    def total(self) -> int:
        """Bytes announced by the server."""
        return self._remote.size - self._received

    @total.setter
    def total(self, announced: int) -> None:
        if announced == self._remote.size - self._received:
            return
        self._file.truncate(0)
        self._received = 0
        # 0 means that the server announced nothing.
        if announced not in (0, self._remote.size):
            raise ValueError(f"{announced:,} bytes offered, {self._remote.size:,} published")

    def write(self, data: bytes) -> None:
        """Write bytes, up to the published size."""
        self._received += len(data)
        if self._received > self._remote.size:
            self._file.truncate(0)
            raise ValueError(f"more than the {self._remote.size:,} bytes that were published")
        self._file.write(data)
        self._meter(self._received)

    def flush(self) -> None:
        """Leave buffering to the system."""

    def update(self, _: int) -> None:
        """Do nothing: `write` reports progress."""

    def reset(self) -> None:
        """Do nothing: the byte count is kept."""

    def close(self) -> None:
        """Do nothing: the opener closes the file."""


def _fetch(remote: RemoteFile, folder: Path, mirrors: Sequence[str], meter: _Meter, title: str) -> None:
    # Local import: it is slow and rarely needed.
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    reasons = []
    for mirror in mirrors:
        try:
            pooch.retrieve(
                f"{mirror.rstrip('/')}/{remote.name}",
                known_hash=f"md5:{remote.md5}",
                fname=remote.name,
                path=folder,
                downloader=_resuming(remote, folder, meter),
            )
        except (OSError, ValueError) as error:
            # Try the next mirror after any error but one of the disk, which is the same for all.
            if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
                with writing(folder / remote.name):
                    raise
            reasons.append(f"{urlsplit(mirror).hostname} {_reason(error)}")
        else:
            meter(remote.size)
            return
    raise UserError(
        f"{title} could not be downloaded: no mirror gave {remote.name} ({'; '.join(reasons) or 'none is known'}); "
        f"check the connection and try again, or put the file into {folder}."
    )


def _reason(error: Exception) -> str:
    """Say what a mirror does, in place of what the libraries between say about it."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answers with error {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "does not answer"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return f"gave another file: {str(error)[:200]}" if isinstance(error, ValueError) else str(error)[:200]


def _resuming(remote: RemoteFile, folder: Path, meter: _Meter) -> Callable[[str, str, Any], None]:
    import pooch

    def get(url: str, output_file: str, pooch_: Any) -> None:
        path = folder / f".{remote.name}.part"
        if path.exists() and path.stat().st_size > remote.size:
            path.unlink()
        with path.open("ab") as file:
            received = file.tell()
            if received < remote.size:
                headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={received}-"} if received else {})
                part = _Part(file, remote, meter)
                fetch = pooch.HTTPDownloader(progressbar=part, chunk_size=_CHUNK, timeout=_TIMEOUT_S, headers=headers)
                fetch(url, part, pooch_)
        # pooch raises for a broken connection; a regular end before the full size means other content.
        if path.stat().st_size < remote.size:
            path.unlink()
            raise ValueError(f"fewer than the {remote.size:,} bytes that were published")
        os.replace(path, output_file)

    return get


def _unpack(archive: Path, folder: Path, members: Sequence[str]) -> None:
    """Unpack regular files of bounded size by their base name only, so that paths in the archive do not matter."""
    expected = f"an archive with {', '.join(members)}"
    missing = set(members)
    with reading(archive, expected), tarfile.open(archive, "r:gz") as tar:
        for entry in tar:
            name = entry.name.rsplit("/", 1)[-1]
            if name not in missing or not entry.isreg():
                continue
            if entry.size > MAX_RECORDS * RECORD:
                raise BadFile(f"{archive} holds {name} with {entry.size:,} bytes, too many; expected {expected}.")
            content = tar.extractfile(entry)
            if content is not None:
                write_atomically(folder / name, content.read())
                missing.discard(name)
        if missing:
            raise BadFile(f"{archive} lacks {', '.join(sorted(missing))}; expected {expected}.")

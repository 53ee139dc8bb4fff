"""Downloading an image set: mirrors in order, published hashes, and going on where a broken download stopped.

Pooch checks the hash and moves a finished file into place; what has come so far waits in a hidden ``.part`` file.
"""

from __future__ import annotations

import errno
import logging
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import make_folder, reading, write_atomically, writing
from msd_engine.data.cifar import MAX_RECORDS, RECORD
from msd_engine.data.folder import SUBFOLDERS, TITLES, data_folder
from msd_engine.data.sources import SOURCES, RemoteFile, Source

Report = Callable[[int, int, str], None]
"""Called with the bytes that are here, the bytes in all and what is going on; may raise to stop the download."""

_CHUNK = 2**16
_TIMEOUT_S = (10.0, 30.0)
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


def download_images(
    name: str,
    data_dir: Path | None = None,
    *,
    mirrors: Sequence[str] | None = None,
    report: Report | None = None,
    source: Source | None = None,
) -> Path:
    """Download the files of an image set into the data folder; what is there already is kept.

    Args:
        name: ``mnist``, ``fashion-mnist`` or ``cifar-10``.
        data_dir: The data folder, as `data_folder` takes it.
        mirrors: Addresses of folders that hold the files; None for the known ones.
        report: Told how far the download is.
        source: What to download; None for the published files.

    Returns:
        The folder that holds the files now.

    Raises:
        UserError: There is no such set, no mirror gave a file, or the disk is full.
    """
    if source is None and name not in SOURCES:
        raise UserError(f"There is nothing to download for {name!r}: choose one of {', '.join(SOURCES)}.")
    source = source or SOURCES[name]
    folder = data_folder(data_dir) / SUBFOLDERS[name]
    make_folder(folder)
    if source.members and all(_is_whole(folder / member) for member in source.members):
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


def _is_whole(path: Path) -> bool:
    """Return whether a member of an archive is there, with a whole number of records."""
    return path.is_file() and path.stat().st_size > 0 and path.stat().st_size % RECORD == 0


class _Meter:
    """Reports bytes of one file as a part of the bytes of all files."""

    def __init__(self, report: Report | None, before: int, total: int, text: str) -> None:
        self._report = report
        self._before = before
        self._total = total
        self._text = text

    def __call__(self, here: int) -> None:
        if self._report is not None:
            self._report(self._before + here, self._total, self._text)


class _Part:
    """The file in which a download gathers, for pooch both the file that it writes and the progress bar that it moves.

    A server that goes on where it was asked to announces as many bytes as are missing; one that begins again
    announces all of them, and then the bytes that were here are dropped.
    """

    def __init__(self, file: IO[bytes], remote: RemoteFile, meter: Callable[[int], None]) -> None:
        self._file = file
        self._remote = remote
        self._meter = meter
        self._here = file.seek(0, os.SEEK_END)

    @property
    def total(self) -> int:
        """Bytes that the server announced."""
        return self._remote.size - self._here

    @total.setter
    def total(self, announced: int) -> None:
        if announced == self._remote.size - self._here:
            return
        self._file.truncate(0)
        self._here = 0
        # 0 stands for a server that does not tell.
        if announced not in (0, self._remote.size):
            raise ValueError(f"{announced:,} bytes offered, {self._remote.size:,} published")

    def write(self, data: bytes) -> None:
        """Take some bytes, but never more than the published size."""
        self._here += len(data)
        if self._here > self._remote.size:
            self._file.truncate(0)
            raise ValueError(f"more than the {self._remote.size:,} bytes that were published")
        self._file.write(data)
        self._meter(self._here)

    def flush(self) -> None:
        """Leave buffering to the system."""

    def update(self, _: int) -> None:
        """Do nothing: `write` has told already."""

    def reset(self) -> None:
        """Do nothing: the count of bytes stands."""

    def close(self) -> None:
        """Do nothing: whoever opened the file closes it."""


def _fetch(remote: RemoteFile, folder: Path, mirrors: Sequence[str], meter: _Meter, title: str) -> None:
    # Imported here, since it takes a while and few sessions download.
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
            # Whatever ails a mirror, the next one is tried; only the disk is the same for all of them.
            if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
                with writing(folder / remote.name):
                    raise
            reasons.append(f"{mirror}: {str(error)[:200]}")
        else:
            meter(remote.size)
            return
    raise UserError(
        f"{title} could not be downloaded: no mirror gave {remote.name} ({'; '.join(reasons) or 'none is known'}); "
        f"check the connection and try again, or put the file into {folder}."
    )


def _resuming(remote: RemoteFile, folder: Path, meter: _Meter) -> Callable[[str, str, Any], None]:
    import pooch

    def get(url: str, output_file: str, pooch_: Any) -> None:
        path = folder / f".{remote.name}.part"
        if path.exists() and path.stat().st_size > remote.size:
            path.unlink()
        with path.open("ab") as file:
            here = file.tell()
            if here < remote.size:
                headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={here}-"} if here else {})
                part = _Part(file, remote, meter)
                fetch = pooch.HTTPDownloader(progressbar=part, chunk_size=_CHUNK, timeout=_TIMEOUT_S, headers=headers)
                fetch(url, part, pooch_)
        # A broken connection raises in pooch; who ends in good order but too early served something else.
        if path.stat().st_size < remote.size:
            path.unlink()
            raise ValueError(f"fewer than the {remote.size:,} bytes that were published")
        os.replace(path, output_file)

    return get


def _unpack(archive: Path, folder: Path, members: Sequence[str]) -> None:
    """Unpack regular files by their last name only, so that no path in the archive matters, and of bounded size."""
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

"""Files: atomic writing, and reading that turns any fault into one clear error."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from msd_engine.backend.errors import BadFile, UserError, is_out_of_memory

MIB = 2**20
"""Bytes in a mebibyte."""

# A file system that cannot flush a folder says so by one of these.
_NO_SUCH_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that a crash at any moment leaves either the old file or the new one.

    The bytes go to a temporary file in the same folder, which is flushed to disk and renamed over the old one; flushing
    the folder last makes the renaming survive a power cut.

    Args:
        path: The file to write, in an existing folder.
        data: Its new content.

    Raises:
        UserError: The file cannot be written, for instance because the disk is full; or it is written, and the disk
            does not confirm it.
    """
    # Replace the target of a link, not the link.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    with writing(path):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        try:
            # Not tempfile, which ignores the user's umask.
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    flush_entry(target)


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn an OSError of the body into a `UserError` with a remedy.

    Args:
        path: The file or folder that the body writes.

    Raises:
        UserError: The body raised an OSError.
    """
    try:
        yield
    except OSError as error:
        raise UserError(_cannot_write(Path(path), error)) from error


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], expected: str) -> Iterator[None]:
    """Turn any error of a parser into a `BadFile` that names the file and the expected content.

    Args:
        path: The file that the body reads.
        expected: Its description, such as ``a sample file (.npz)``.

    Raises:
        BadFile: The body raised anything but a `UserError`, which passes unchanged.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError as error:
        raise BadFile(f"{path} is missing; expected {expected}.") from error
    except OSError as error:
        reason = error.strerror or "the file is cut or damaged"
        raise BadFile(f"{path} cannot be read ({reason}); expected {expected}.") from error
    except Exception as error:
        if is_out_of_memory(error):
            raise BadFile(
                f"{path} cannot be read: there is not enough memory for {expected}; close other programs and try again."
            ) from error
        raise BadFile(f"{path} is not {expected}: it is cut, damaged or of another kind.") from error


def read_bytes(path: str | os.PathLike[str], expected: str, *, limit: int) -> bytes:
    """Read a whole regular file.

    Args:
        path: The file.
        expected: Its description for error messages.
        limit: Largest size accepted, in bytes.

    Raises:
        BadFile: The file is missing, unreadable, not a regular file, or larger than the limit.
    """
    with reading(path, expected):
        # Check before opening: opening a named pipe would block.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise BadFile(f"{path} is no regular file; expected {expected}.")
        with open(path, "rb") as file:
            # No more than there is: room is taken for as many bytes as are asked for.
            data = file.read(min(os.fstat(file.fileno()).st_size, limit) + 1)
        if len(data) > limit:
            raise BadFile(f"{path} is larger than {limit:,} bytes, too large for {expected}.")
        return data


def make_folder(path: str | os.PathLike[str]) -> None:
    """Create a folder and its missing parents so that they survive a power cut.

    Raises:
        UserError: It cannot be created, or the disk does not confirm it.
    """
    folder = Path(os.path.abspath(path))
    with writing(path):
        made = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
    for one in reversed(made):
        flush_entry(one)


def flush_entry(path: Path) -> None:
    """Flush the parent folder of a file or folder, so that its name survives a power cut.

    Args:
        path: The existing file or folder.

    Raises:
        UserError: The disk does not confirm it.
    """
    # Windows cannot open a folder as a file, and its renaming needs no flush.
    if os.name == "nt":
        return
    try:
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_SUCH_FLUSH:
            raise UserError(
                f"{path} is written, but the disk does not confirm it ({error.strerror or error}), and a power cut may "
                "undo that: check the disk, and keep a copy elsewhere."
            ) from error


def _cannot_write(path: Path, error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            remedy = "the disk is full; free some space or choose another folder"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            remedy = "writing there is not permitted; choose another folder"
        case errno.ENOENT:
            remedy = "its folder does not exist; make it or choose another one"
        case errno.EISDIR:
            remedy = "there is a folder of that name; choose another name"
        case errno.ENOTDIR | errno.EEXIST:
            remedy = "there is a file where a folder should be; choose another name"
        case _:
            remedy = f"{error.strerror or error}; choose another place"
    return f"Cannot write {path}: {remedy}."

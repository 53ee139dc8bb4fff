"""Places elsewhere, by fsspec; every error there becomes one sentence."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from typing import Any

from msd_engine.backend.errors import UserError

_PATIENCE_S = 20.0
# Parts of a file, of 32 KB, that are asked for at once over SFTP.
_MOST_PARTS = 64
_EXTRAS = {"sftp": "sftp", "ssh": "sftp", "s3": "s3"}
_SCHEME = re.compile(r"([a-z][a-z0-9+]*):/+")


class AwayError(UserError):
    """The place cannot be reached, or does not answer as it should."""


def is_address(text: str) -> bool:
    """Return whether a text is an address such as ``sftp://host/folder``, also one from which a path took a slash."""
    return _SCHEME.match(text) is not None and text[1:2] != ":"


def address(text: str) -> str:
    """Return an address with both slashes: a path has only one of them left."""
    found = _SCHEME.match(text)
    if found is None or "://" in text:
        return text
    return f"{found[1]}://{'/' if found[1] in ('file', 'memory') else ''}{text[found.end() :]}"


def opened(text: str) -> tuple[Any, str]:
    """Return the file system of an address and the path in it.

    Args:
        text: The address: a path, ``file://``, ``sftp://``, ``s3://`` or another scheme that fsspec knows.

    Raises:
        AwayError: There is no such scheme, its library is missing, or the place cannot be reached.
    """
    import fsspec

    if "::" in text:
        raise AwayError(f"{text} names one place within another: give the address of a folder.")
    scheme = text.partition("://")[0] if "://" in text else "file"
    options: dict[str, Any] = {"skip_instance_cache": True}
    if scheme in ("sftp", "ssh"):
        options |= {"timeout": _PATIENCE_S, "banner_timeout": _PATIENCE_S, "auth_timeout": _PATIENCE_S}
        with asking(text):
            _register_sftp()
    elif scheme != "file":
        options["use_listings_cache"] = False
        if scheme == "s3":
            options["config_kwargs"] = {"connect_timeout": _PATIENCE_S, "read_timeout": _PATIENCE_S}
    with asking(text):
        found, path = fsspec.core.url_to_fs(text, **options)
        return found, path.rstrip("/")


@contextlib.contextmanager
def asking(text: str) -> Iterator[None]:
    """Turn any error of the body into an `AwayError` about an address."""
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        scheme = text.partition("://")[0]
        extra = f": pip install 'msd-gui[{_EXTRAS[scheme]}]'" if scheme in _EXTRAS else ""
        raise AwayError(f"{text} needs a library that is not installed here{extra}. ({error})") from error
    except FileNotFoundError as error:
        raise AwayError(f"There is no folder {text}.") from error
    except Exception as error:
        if isinstance(error, TimeoutError):
            raise AwayError(f"{text} does not answer.") from error
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise AwayError(f"{text} cannot be read ({reason}).") from error


def _register_sftp() -> None:
    """Give fsspec an SFTP for places far away.

    It refuses hosts that the user's ssh does not know (fsspec's own accepts any unless told), has a session for each
    thread, which asks without waiting for the others, and asks for all parts of a file at once.
    """
    import fsspec
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem

    class Known(SFTPFileSystem):
        def _connect(self) -> None:
            self.client = self._connected()
            self._own = threading.local()

        def _connected(self) -> Any:
            client = paramiko.SSHClient()
            client.load_system_host_keys()
            client.connect(self.host, **self.ssh_kwargs)
            return client

        @property
        def ftp(self) -> Any:
            if not hasattr(self._own, "session"):
                try:
                    session = self.client.open_sftp()
                except paramiko.SSHException:
                    # The server allows a connection no more sessions. (Of several threads, paramiko tells one why.)
                    self._own.client = self._connected()
                    session = self._own.client.open_sftp()
                session.get_channel().settimeout(_PATIENCE_S)
                self._own.session = session
            return self._own.session

        def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_more: Any) -> bytes:
            if start is None or end is None:
                return bytes(super().cat_file(path, start=start, end=end))
            # The file may have become shorter meanwhile.
            with self.ftp.open(self._strip_protocol(path)) as file, contextlib.suppress(EOFError):
                return b"".join(file.readv([(start, end - start)], _MOST_PARTS))
            return b""

    for scheme in ("sftp", "ssh"):
        fsspec.register_implementation(scheme, Known, clobber=True)

"""Runs behind sftp://, from a server on the loopback: known and unknown hosts, a server that goes and comes back."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from msd_engine.runs.layout import METRICS
from msd_engine.runs.log import read_log
from msd_engine.runs.remote.mirror import Mirror, ask
from msd_engine.runs.remote.places import AwayError
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset

paramiko = pytest.importorskip("paramiko")

SPEC = load_preset("ncsn-toy").replace("network.width", 16)


class Anybody(paramiko.ServerInterface):
    def __init__(self, most_sessions: int) -> None:
        self.left = most_sessions

    def check_channel_request(self, kind: str, chanid: int) -> int:
        self.left -= 1
        return int(paramiko.OPEN_SUCCEEDED if self.left >= 0 else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED)

    def check_auth_password(self, username: str, password: str) -> int:
        return int(paramiko.AUTH_SUCCESSFUL if password == "pass" else paramiko.AUTH_FAILED)


class Handle(paramiko.SFTPHandle):
    def stat(self) -> object:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class Files(paramiko.SFTPServerInterface):
    """The files of this machine."""

    def list_folder(self, path: str) -> object:
        found = []
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
            found.append(paramiko.SFTPAttributes.from_stat(entry.stat(), entry.name))
        return found

    def stat(self, path: str) -> object:
        try:
            return paramiko.SFTPAttributes.from_stat(os.stat(path))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path: str, flags: int, attr: object) -> object:
        handle = Handle(flags)
        mode = "wb" if flags & os.O_WRONLY or flags & os.O_RDWR else "rb"
        handle.readfile = handle.writefile = open(path, mode)  # noqa: SIM115 - closed by the handle
        return handle

    def rename(self, oldpath: str, newpath: str) -> int:
        os.replace(oldpath, newpath)
        return int(paramiko.SFTP_OK)

    posix_rename = rename


class Server:
    """A server of the files of this machine, on the loopback."""

    def __init__(self) -> None:
        self.key = paramiko.RSAKey.generate(2048)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.transports: list[paramiko.Transport] = []
        self.most_sessions = 10
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
            self.transports.append(transport)
            # A client leaves again if it does not know the key.
            with contextlib.suppress(EOFError, paramiko.SSHException):
                transport.start_server(server=Anybody(self.most_sessions))

    def cut(self) -> None:
        for transport in self.transports:
            transport.close()

    def close(self) -> None:
        self.cut()
        self.listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()
    yield served
    served.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "there" / "one", SPEC, device="cpu")
    made.append_metrics([{"step": step, "loss": 1.0, "elapsed_s": 1.0} for step in range(1, 51)])
    return made


@pytest.fixture
def known(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's ssh knows the server."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} ssh-rsa {server.key.get_base64()}\n")
    monkeypatch.setenv("HOME", str(home))


def place(server: Server, tmp_path: Path) -> str:
    return f"sftp://me:pass@127.0.0.1:{server.port}{tmp_path}/there"


@pytest.mark.usefixtures("known")
def test_runs_are_followed_over_sftp_and_after_a_cut(tmp_path: Path, server: Server, run: Run) -> None:
    mirror = Mirror(place(server, tmp_path), tmp_path / "here")
    assert mirror.pull().runs == 1
    copy = mirror.folder / "one"
    assert (copy / METRICS).read_bytes() == (run.folder / METRICS).read_bytes()
    server.cut()
    with pytest.raises(AwayError, match="cannot be read"):
        mirror.pull()
    run.append_metrics([{"step": 51, "loss": 1.0, "elapsed_s": 1.0}])
    assert mirror.pull().changed
    assert [row["step"] for row in read_log(copy / METRICS).rows] == list(range(1, 52))
    ask(copy, "stop")
    assert (run.folder / "stop.request").exists()


@pytest.mark.usefixtures("known")
def test_a_server_that_allows_one_session_a_connection_is_followed(tmp_path: Path, server: Server, run: Run) -> None:
    server.most_sessions = 1
    for name in ("two", "three", "four", "five"):
        shutil.copytree(run.folder, run.folder.with_name(name))
    mirror = Mirror(place(server, tmp_path), tmp_path / "here")
    assert mirror.pull().runs == 5
    assert mirror.refresh().runs == 5
    assert len(server.transports) > 1


def test_a_host_that_ssh_does_not_know_is_refused(
    tmp_path: Path, server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(AwayError, match="not found in known_hosts"):
        Mirror(place(server, tmp_path), tmp_path / "here").pull()

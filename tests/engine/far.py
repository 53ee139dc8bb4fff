"""Servers of ssh and of S3 on the loopback, behind a relay that makes them far away.

They need sshd (openssh-server) with paramiko, and s3fs with moto (pip install 's3fs' 'moto[s3,server]').
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from relay import Relay

DELAY_S, JITTER_S = 0.1, 0.05
SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")


class MissingError(Exception):
    """A server or its library is not installed here."""


class Place:
    """A place far away that holds a folder of runs.

    Args:
        address: Its address, behind the relay.
        relay: The relay.
        put: Puts a file there, into the folder of a run.
        has: Returns whether the run ``one`` has a file there.
    """

    def __init__(
        self, address: str, relay: Relay, put: Callable[[str, Path], None], has: Callable[[str], bool]
    ) -> None:
        self.address, self.relay = address, relay
        self.put, self.has = put, has


@contextlib.contextmanager
def sftp(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The files of this machine, by its own sshd.

    Args:
        folder: Holds the keys, and the runs in ``far``.
        patch: Sets the environment of the client.

    Raises:
        MissingError: There is no sshd here, or no paramiko.
    """
    if SSHD is None or find_spec("paramiko") is None:
        raise MissingError("there is no sshd here, or no paramiko")
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    for name in ("host", "home/.ssh/id_ed25519"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(keygen, check=True, stdin=subprocess.DEVNULL)
    port = _free_port()
    settings = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host'}",
        f"AuthorizedKeysFile {home / '.ssh' / 'id_ed25519.pub'}",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "Subsystem sftp internal-sftp",
    ]
    (folder / "sshd").write_text("\n".join(settings) + "\n")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    log = (folder / "log").open("wb")
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd")], stderr=log)
    relay = Relay(port, DELAY_S, JITTER_S)
    key = (folder / "host.pub").read_text().split()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{relay.port} {key[0]} {key[1]}\n")
    patch.setenv("HOME", str(home))
    patch.delenv("SSH_AUTH_SOCK", raising=False)
    _wait_for(port)
    there = folder / "far"

    def put(run: str, path: Path) -> None:
        (there / run).mkdir(parents=True, exist_ok=True)
        (there / run / ".part").write_bytes(path.read_bytes())
        (there / run / ".part").replace(there / run / path.name)

    def has(name: str) -> bool:
        return (there / "one" / name).exists()

    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    try:
        yield Place(f"sftp://{user}@127.0.0.1:{relay.port}{there}", relay, put, has)
    finally:
        relay.close()
        server.terminate()
        server.wait()
        log.close()


@contextlib.contextmanager
def s3(patch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A bucket of moto.

    Args:
        patch: Sets the environment of the client.

    Raises:
        MissingError: There is no s3fs here, or no moto.
    """
    if find_spec("s3fs") is None or find_spec("moto") is None:
        raise MissingError("there is no s3fs here, or no moto")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    relay = Relay(port, DELAY_S, JITTER_S)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{relay.port}",
    }.items():
        patch.setenv(name, value)
    near = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    near.create_bucket(Bucket="lab")

    def put(run: str, path: Path) -> None:
        near.put_object(Bucket="lab", Key=f"runs/{run}/{path.name}", Body=path.read_bytes())

    def has(name: str) -> bool:
        found = near.list_objects_v2(Bucket="lab", Prefix=f"runs/one/{name}")
        return bool(found["KeyCount"])

    try:
        yield Place("s3://lab/runs", relay, put, has)
    finally:
        relay.close()
        server.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not listen")

"""Runs behind real servers of ssh and of S3, far away and cut off for a minute.

They need sshd (openssh-server) with paramiko, and s3fs with moto (pip install 's3fs' 'moto[s3,server]').
"""

from __future__ import annotations

import math
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from relay import Relay

from msd_engine.events import Watched
from msd_engine.jobs.files.elsewhere import ask_elsewhere, watch_elsewhere
from msd_engine.runs.layout import MANIFEST, METRICS
from msd_engine.runs.log import read_log
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

SPEC = load_preset("ncsn-toy").replace("network.width", 16)
DELAY_S, JITTER_S = 0.1, 0.05
CUT_S = 60.0
SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")


class Place:
    """A place far away that holds a run.

    Attributes:
        address: Its address, behind the relay.
        relay: The relay.
    """

    def __init__(self, address: str, relay: Relay, put: Callable[[Path], None], has: Callable[[str], bool]) -> None:
        self.address, self.relay = address, relay
        self.put, self.has = put, has


@pytest.fixture
def sftp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The files of this machine, by its own sshd."""
    if SSHD is None or find_spec("paramiko") is None:
        pytest.skip("there is no sshd here, or no paramiko")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    for name in ("host", "home/.ssh/id_ed25519"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(keygen, check=True, stdin=subprocess.DEVNULL)
    port = free_port()
    settings = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {tmp_path / 'host'}",
        f"AuthorizedKeysFile {home / '.ssh' / 'id_ed25519.pub'}",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "Subsystem sftp internal-sftp",
    ]
    (tmp_path / "sshd").write_text("\n".join(settings) + "\n")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(tmp_path / "sshd")], stderr=log)
    relay = Relay(port, DELAY_S, JITTER_S)
    key = (tmp_path / "host.pub").read_text().split()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{relay.port} {key[0]} {key[1]}\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    wait_for(port)
    there = tmp_path / "far" / "one"

    def put(path: Path) -> None:
        there.mkdir(parents=True, exist_ok=True)
        (there / ".part").write_bytes(path.read_bytes())
        (there / ".part").replace(there / path.name)

    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    yield Place(f"sftp://{user}@127.0.0.1:{relay.port}{tmp_path}/far", relay, put, lambda name: (there / name).exists())
    relay.close()
    server.terminate()
    server.wait()
    log.close()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A bucket of moto."""
    for module in ("s3fs", "moto"):
        pytest.importorskip(module)
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
        monkeypatch.setenv(name, value)
    near = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    near.create_bucket(Bucket="lab")

    def put(path: Path) -> None:
        near.put_object(Bucket="lab", Key=f"runs/one/{path.name}", Body=path.read_bytes())

    def has(name: str) -> bool:
        found = near.list_objects_v2(Bucket="lab", Prefix=f"runs/one/{name}")
        return bool(found["KeyCount"])

    yield Place("s3://lab/runs", relay, put, has)
    relay.close()
    server.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not listen")


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"step": step, "loss": step / 7, "elapsed_s": 0.1 * step} for step in range(first, last + 1)]


@pytest.mark.parametrize("kind", ["sftp", "s3"])
def test_a_run_far_away_is_followed_over_a_cut_of_a_minute(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place: Place = request.getfixturevalue(kind)
    run = Run.create(tmp_path / "near" / "one", SPEC, device="cpu")
    written = 0

    def train(first: int, last: int) -> None:
        nonlocal written
        before = (run.folder / METRICS).stat().st_size if first > 1 else 0
        run.append_metrics(rows(first, last))
        written += (run.folder / METRICS).stat().st_size - before
        for name in (METRICS, MANIFEST):
            place.put(run.folder / name)

    train(1, 1000)
    job = watch_elsewhere(place.address, tmp_path / "here")
    told = (event for event in job if isinstance(event, Watched))
    seen = next(event for event in told if not math.isnan(event.age_s) and event.runs)
    copy = Path(seen.folder) / "one"
    steps = 1000
    for _ in range(10):
        train(steps + 1, steps + 1000)
        steps += 1000
        next(event for event in told if len(read_log(copy / METRICS).rows) == steps)
    # Of the curves only the new part was read, besides listings and the small files.
    assert place.relay.passed < 1.5 * written + 500_000
    place.relay.cut()
    cut_s = time.monotonic()
    train(steps + 1, steps + 1000)
    problem = next(event for event in told if event.problem)
    assert place.address in problem.problem
    ages = [problem.age_s]
    while time.monotonic() - cut_s < CUT_S:
        event = next(told)
        assert event.problem
        ages.append(event.age_s)
    assert ages == sorted(ages)
    assert ages[-1] > 0.9 * CUT_S
    place.relay.mend()
    back = next(event for event in told if not event.problem)
    assert back.age_s < ages[-1]
    found = read_log(copy / METRICS)
    assert [row["step"] for row in found.rows] == list(range(1, steps + 1001))
    assert found.damaged == 0
    job.close()  # type: ignore[attr-defined]
    list(ask_elsewhere(copy, "stop"))
    assert place.has("stop.request")

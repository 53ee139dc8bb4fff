"""Ray on this machine: who can reach its servers."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from msd_engine.launchers.launch import Resources, Task, launch

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    # Not imported here: Ray reads at its import how its servers know their users.
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
]

# Asks the server of a Ray cluster for its nodes, with or without the token.
_STRANGER = """
import sys
from ray._raylet import GcsClient
print(len(GcsClient(sys.argv[1]).get_all_node_info()))
"""


@pytest.fixture(autouse=True)
def paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))


def listening() -> dict[str, set[str]]:
    """Return the addresses at which this process and its descendants listen, by name of the process."""
    found: dict[str, set[str]] = {}
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            name, sockets = process.name(), process.net_connections()
        except psutil.NoSuchProcess:
            continue
        for socket in sockets:
            if socket.status == psutil.CONN_LISTEN:
                found.setdefault(name, set()).add(socket.laddr.ip)
    return found


def is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def seen_by_a_stranger(address: str, mode: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", _STRANGER, address]
    environment = os.environ | {"RAY_AUTH_MODE": mode}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_ray_of_this_machine_is_seen_by_nobody_else(tmp_path: Path) -> None:
    from msd_engine.launchers.on_ray import OnRay

    tasks = [Task(name, ("presets",), tmp_path / name) for name in ("a", "b")]
    told, sockets, known, unknown = [], [], None, None
    for name, state in launch(tasks, OnRay("", Resources())):
        told += [state] if name else []
        sockets.append(listening())
        if known is None:
            import ray

            address = ray.get_runtime_context().gcs_address
            known, unknown = (seen_by_a_stranger(address, mode) for mode in ("token", "disabled"))
    assert sorted(told) == ["done", "done", "started", "started"]
    names = {name for found in sockets for name in found}
    assert any("gcs_server" in name for name in names)
    assert any("raylet" in name for name in names)
    open_to_all = {
        (name, text) for found in sockets for name, texts in found.items() for text in texts if not is_loopback(text)
    }
    assert open_to_all == set()
    assert known is not None
    assert known.stdout.split() == ["1"]
    assert unknown is not None
    assert unknown.returncode != 0
    assert "token" in unknown.stderr

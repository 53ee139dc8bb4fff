"""Ray: who can reach its servers, and a machine that is lost."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from sockets import is_loopback, listening, open_to_others
from test_spread import table
from test_sweep import plan, points

from msd_engine.backend.errors import UserError
from msd_engine.events import ChildEnded, ChildStarted, Finished
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.launchers.launch import Resources, Task, launch
from msd_engine.launchers.on_ray import OnRay

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1800),
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


def seen_by_a_stranger(address: str, mode: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", _STRANGER, address]
    environment = os.environ | {"RAY_AUTH_MODE": mode}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)


def address_of_the_cluster() -> str:
    """Return the address of the Ray that a descendant of this process has started; empty if there is none yet."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            for word in process.cmdline():
                if word.startswith("--gcs-address="):
                    return word.removeprefix("--gcs-address=")
    return ""


def test_ray_of_this_machine_is_seen_by_nobody_else(tmp_path: Path) -> None:
    tasks = [Task(name, ("presets",), tmp_path / name) for name in ("a", "b")]
    told: list[str] = []
    sockets: set[tuple[str, str]] = set()
    asked: list[subprocess.CompletedProcess[str]] = []
    for name, state in launch(tasks, OnRay("", Resources(), tmp_path)):
        told += [state] if name else []
        sockets |= listening()
        if state == "done" and not asked:
            asked += [seen_by_a_stranger(address_of_the_cluster(), mode) for mode in ("token", "disabled")]
    assert sorted(told) == ["done", "done", "started", "started"]
    names = " ".join(name for name, _ in sockets)
    assert "gcs_server" in names
    assert "raylet" in names
    assert {found for found in sockets if not is_loopback(found[1])} == set()
    known, unknown = asked
    assert known.stdout.split() == ["1"]
    assert unknown.returncode != 0
    assert "token" in unknown.stderr
    # Closing waits until the driver and all servers of Ray have ended.
    assert address_of_the_cluster() == ""


@pytest.mark.parametrize(
    ("address", "cards", "part"), [("", 1000.0, "1000 GPU"), ("nowhere", 0.0, "at nowhere does not answer")]
)
def test_a_cluster_that_cannot_serve_is_told_in_a_sentence(
    address: str, cards: float, part: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=part):
        list(launch([Task("a", ("presets",), tmp_path / "a")], OnRay(address, Resources(1, cards), tmp_path)))
    assert not (tmp_path / "a").exists()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster on the loopback, without workers."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    from ray._private import ray_constants
    from ray.cluster_utils import Cluster

    monkeypatch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()


def test_a_machine_that_is_lost_loses_no_run(tmp_path: Path, cluster: Any) -> None:
    spec = plan(points(300, training__precision="float32"), ks=(1, 2), seeds=(0, 1, 2), modes=("same-sigma",))
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    *_, finished = sweep(spec, tmp_path / "one", device="cpu", threads=1)
    assert isinstance(finished, Finished)
    ended, again = 0, 0
    beyond: set[tuple[str, str]] = set()
    for event in sweep(spec, tmp_path / "two", device="cpu", threads=1, on=f"ray:{cluster.address}"):
        again += isinstance(event, ChildStarted)
        ended += isinstance(event, ChildEnded)
        if isinstance(event, ChildEnded) and ended == 1:
            beyond |= open_to_others()
            cluster.remove_node(nodes.pop(), allow_graceful=False)
    assert isinstance(event, Finished)
    # The run of the lost machine was begun once more.
    assert (ended, again) == (6, 7)
    assert beyond == set()
    assert table(tmp_path / "two") == table(tmp_path / "one")

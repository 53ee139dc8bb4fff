"""A Ray cluster: one of this machine alone, or one that runs already."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from msd_engine.launchers.launch import Resources, Task, carry_out

# At exactly this address the servers of Ray listen on the loopback alone; at another, on every address of the machine.
_LOOPBACK = "127.0.0.1"
# Unless clusters are off, Ray replaces 127.0.0.1 by an address that other machines see.
_CLUSTERS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
# On a busy machine the processes of Ray start slowly.
_PATIENCE = {"agent_register_timeout_ms": 120_000}
# Ray queues what it has no room for.
_SLOTS = 1_000_000
_LOST = -1


class OnRay:
    """Tasks of Ray, which are nothing but the commands.

    Args:
        address: Address of a cluster, such as ``auto`` or ``host:6379``; empty starts one that only this machine sees.
        resources: Needs of one command.
    """

    slots = _SLOTS

    def __init__(self, address: str, resources: Resources) -> None:
        self._address = address
        self._resources = resources
        self._remote: Any = None

    def start(self, task: Task) -> Any:
        """Queue a task."""
        if self._remote is None:
            self._remote = self._connected()
        return self._remote.remote(task.words, str(task.log))

    def code(self, handle: Any) -> int | None:
        """Return its exit code, None while it waits or runs."""
        import ray

        if not ray.wait([handle], timeout=0)[0]:
            return None
        try:
            return int(ray.get(handle))
        except ray.exceptions.RayError:
            return _LOST

    def stop(self, handle: Any) -> None:
        """Cancel it: its worker stops the command."""
        import ray

        ray.cancel(handle)

    def close(self, handles: Iterable[Any]) -> None:
        """Wait for the stopped ones, and leave the cluster."""
        import ray

        if self._remote is not None:
            if waiting := list(handles):
                ray.wait(waiting, num_returns=len(waiting), timeout=60)
            ray.shutdown()
            self._remote = None

    def _connected(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # Ray refuses whoever does not know the token in the user's folder, such as other users of this machine.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        beyond = bool(self._address) and self._address.rpartition(":")[0] not in (_LOOPBACK, "localhost")
        os.environ[_CLUSTERS] = str(int(beyond))
        import ray
        from ray._private import ray_constants

        # Ray reads the variable at its import, and this program may start Ray here and join a cluster later.
        ray_constants.ENABLE_RAY_CLUSTER = beyond
        if self._address:
            ray.init(address=self._address, log_to_driver=False)
        else:
            ray.init(_node_ip_address=_LOOPBACK, include_dashboard=False, log_to_driver=False, _system_config=_PATIENCE)
        needs = self._resources
        # Whatever is lost is repeated by `launch`.
        return ray.remote(num_cpus=needs.threads, num_gpus=needs.cards, max_retries=0)(carry_out)

"""A Ray cluster: one of this machine alone, or one that runs already.

Ray's import would hold up a window for seconds, and Ray aborts its process when the cluster is lost: so it gets one of
its own, the driver. Its input is a line of JSON for each command, ``[number, words, log]``. It writes a sentence, empty
if it could join the cluster, and ``[number, exit code]`` for each command that has ended. At the end of its input it
stops the commands and leaves.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from msd_engine.backend.errors import UserError
from msd_engine.launchers.launch import LOST, MANY, Command, Resources, Task, end

# At exactly this address the servers of Ray listen on the loopback alone; at another, on every address of the machine.
_LOOPBACK = "127.0.0.1"
# On a busy machine the processes of Ray start slowly.
_PATIENCE = {"agent_register_timeout_ms": 120_000}
_RULES = "A cluster must run there, of the same version of Ray and with the token of this computer, ~/.ray/auth_token."
_KNOCK_S, _SAVING_S, _LEAVING_S = 10.0, 60.0, 120.0


class OnRay:
    """Tasks of Ray, which are nothing but the commands.

    Args:
        address: Address of a cluster, such as ``auto`` or ``host:6379``; empty starts one that only this machine sees.
        resources: Needs of one command.
        folder: Folder of the file with Ray's own messages.
    """

    slots = MANY

    def __init__(self, address: str, resources: Resources, folder: Path) -> None:
        self._here = not address
        self._words = [sys.executable, "-m", __name__, address, str(resources.threads), str(resources.cards)]
        self._log = folder / "ray.txt"
        self._driver: subprocess.Popen[str] | None = None
        self._codes: list[int | None] = []
        self._joined, self._error = False, ""

    def start(self, task: Task) -> int:
        """Queue a task."""
        if self._driver is None:
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            with self._log.open("a") as log:
                self._driver = subprocess.Popen(self._words, stderr=log, start_new_session=True, **pipes)
            self._listener = threading.Thread(target=self._listen, args=(self._driver.stdout,), daemon=True)
            self._listener.start()
        self._codes.append(None)
        number = len(self._codes) - 1
        # If the driver has ended, `code` says so.
        with contextlib.suppress(OSError):
            print(json.dumps([number, task.words, str(task.log)]), file=self._driver.stdin, flush=True)
        return number

    def code(self, handle: int) -> int | None:
        """Return its exit code, None while it waits or runs.

        Raises:
            UserError: The cluster does not answer, or is lost.
        """
        if self._codes[handle] is None and not self._listener.is_alive():
            raise UserError(self._error or f"The Ray cluster is lost; {self._log} has its last words.")
        return self._codes[handle]

    def close(self, _handles: Iterable[int]) -> None:
        """Stop all tasks, wait for them, and leave the cluster."""
        if self._driver is not None:
            if not (self._here or self._joined):
                # Nothing runs yet, and a cluster that does not answer holds the driver for minutes.
                self._driver.kill()
            with contextlib.suppress(OSError):
                self._driver.stdin.close()  # type: ignore[union-attr]
            end(self._driver, _LEAVING_S)
            self._driver, self._joined = None, False

    def _listen(self, lines: Iterable[str]) -> None:
        for line in lines:
            match json.loads(line):
                case [number, code]:
                    self._codes[number] = code
                case sentence:
                    self._error, self._joined = sentence, True


def _drive(address: str, threads: int, cards: float) -> None:
    """Be the driver."""
    # Ray prints, too: only answers go where answers are read.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        begin = _join(address, threads, cards)
    except Exception as error:  # noqa: BLE001 - the user reads whatever keeps Ray from beginning
        said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        said = f"Ray at {address} does not answer: {said}. {_RULES}" if address else f"Ray does not start: {said}."
        print(json.dumps(said), file=answers)
        return
    import ray

    queued = []
    print(json.dumps(""), file=answers)
    for line in sys.stdin:
        number, words, log = json.loads(line)
        queued.append(begin(Command(words, log)))
        queued[-1].future().add_done_callback(
            lambda done, number=number: print([number, LOST if done.exception() else done.result()], file=answers)
        )
    for one in queued:
        ray.cancel(one)
    if queued:
        ray.wait(queued, num_returns=len(queued), timeout=_SAVING_S)
    ray.shutdown()


def _join(address: str, threads: int, cards: float) -> Any:
    """Start or join a cluster, and return the function that queues a command."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        # Ray itself would try for minutes.
        socket.create_connection((host, int(port)), _KNOCK_S).close()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray refuses whoever does not know the token in the user's folder, such as other users of this machine.
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    # Unless clusters are off, Ray replaces 127.0.0.1 by an address that other machines see.
    beyond = bool(address) and host not in (_LOOPBACK, "localhost")
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = str(int(beyond))
    ray: Any = import_module("ray")
    alone = {"_node_ip_address": _LOOPBACK, "include_dashboard": False, "_system_config": _PATIENCE}
    ray.init(log_to_driver=False, **({"address": address} if address else alone))
    for name, wanted in () if address else (("CPU", threads), ("GPU", cards)):
        if wanted > (there := ray.cluster_resources().get(name, 0.0)):
            raise ValueError(f"each run asks for {wanted:g} {name}, and this computer has {there:g}")
    # Whatever is lost is repeated by `launch`.
    return ray.remote(num_cpus=threads, num_gpus=cards, max_retries=0)(Command.__call__).remote


if __name__ == "__main__":
    _drive(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))

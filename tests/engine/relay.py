"""A relay on the loopback that delays what it passes on, and can be cut."""

from __future__ import annotations

import contextlib
import queue
import random
import socket
import threading
import time


class Relay:
    """Pass connections on to a port of this machine, each part later by a delay of its own.

    Args:
        port: The port of the server.
        delay_s: Delay of each part, in each direction.
        jitter_s: Largest addition to it.

    Attributes:
        port: The port of the relay.
        passed: Bytes that came from the server.
    """

    def __init__(self, port: int, delay_s: float, jitter_s: float) -> None:
        self._server = port
        self._delay_s, self._jitter_s = delay_s, jitter_s
        self._drawn = random.Random(0)
        self._is_cut = False
        self._passing = threading.Event()
        self._passing.set()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.passed = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Close all connections, and refuse new ones."""
        self._is_cut = True
        for one in self._open:
            _close(one)
        self._open = []

    def hold(self) -> None:
        """Pass nothing on, as if the cable were out; what is under way waits."""
        self._passing.clear()

    def mend(self) -> None:
        """Pass connections on again."""
        self._is_cut = False
        self._passing.set()

    def close(self) -> None:
        """End the relay."""
        self.cut()
        self._passing.set()
        _close(self._listener)

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                _close(near)
                continue
            far = socket.create_connection(("127.0.0.1", self._server))
            self._open += [near, far]
            threading.Thread(target=self._pass, args=(near, far), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        # What is under way does not hold up what follows it.
        under_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        arriving = threading.Thread(target=self._arrive, args=(under_way, one, other), daemon=True)
        arriving.start()
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                delay_s = self._delay_s + self._drawn.uniform(0.0, self._jitter_s)
                under_way.put((time.monotonic() + delay_s, data))
        under_way.put((0.0, b""))
        arriving.join()
        _close(one)
        _close(other)

    def _arrive(
        self, under_way: queue.SimpleQueue[tuple[float, bytes]], one: socket.socket, other: socket.socket
    ) -> None:
        with contextlib.suppress(OSError):
            while (part := under_way.get())[1]:
                due_s, data = part
                time.sleep(max(0.0, due_s - time.monotonic()))
                self._passing.wait()
                other.sendall(data)
                self.passed += len(data) if one.getpeername()[1] == self._server else 0


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

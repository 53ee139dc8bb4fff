"""Processes that train one network together, as torchrun starts them; rank 0 alone decides, reads and writes.

Every process knows the batch and all random numbers of a step, computes the gradient of its own rows, and receives the
sum of all gradients: so many processes do the step of a single one, up to rounding.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor

from msd_engine.backend.errors import UserError


class LostError(Exception):
    """A process of the group, or the torchrun that started it, has ended."""


class Ranks(Protocol):
    """What a training step needs of the group.

    Attributes:
        size: Number of processes.
    """

    size: int

    def rows(self, batch: int) -> range:
        """Return the rows of a batch that this process computes."""
        ...

    def sum(self, vector: Tensor) -> None:
        """Replace a vector (n,) by its sum over the processes, with the same bits in each.

        Raises:
            LostError: Another process has ended.
        """
        ...


class Group:
    """The group of this process; use `joined`.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
        here: Number of processes on this machine.
    """

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.here = int(os.environ.get("LOCAL_WORLD_SIZE", self.size))
        self._parent = os.getppid()
        self._steps = False

    def rows(self, batch: int) -> range:
        """Return the rows of a batch that this process computes.

        Raises:
            UserError: There are more processes than rows.
        """
        if batch < self.size:
            raise UserError(f"{self.size} processes need a batch of at least {self.size}, but it is {batch}.")
        return range(batch * self.rank // self.size, batch * (self.rank + 1) // self.size)

    def device(self, kind: str) -> torch.device:
        """Return the device of this process: the CPU, or a card for each process of this machine in turn.

        Args:
            kind: ``cpu`` or ``cuda``, as rank 0 has chosen.

        Raises:
            UserError: There is no such device, or it cannot be used by a group.
        """
        if kind == "cpu":
            return torch.device("cpu")
        if kind != "cuda" or not torch.cuda.is_available():
            raise UserError(f"Process {self.rank} has no {kind} to train on with others: give --device cpu.")
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(device)
        return device

    def sum(self, vector: Tensor) -> None:
        """Replace a vector (n,) by its sum over the processes, as `Ranks.sum`."""
        with _noticing():
            dist.all_reduce(vector)

    def tell(self, content: bytes) -> None:
        """Send bytes from rank 0 to the others; empty ones end the group.

        Raises:
            LostError: Another process has ended.
        """
        with _noticing():
            dist.broadcast(torch.tensor([len(content)]), 0)
            if content:
                dist.broadcast(torch.frombuffer(bytearray(content), dtype=torch.uint8), 0)

    def hear(self) -> bytes:
        """Receive the bytes that rank 0 tells.

        Raises:
            LostError: Another process has ended.
        """
        length = torch.zeros(1, dtype=torch.int64)
        with _noticing():
            dist.broadcast(length, 0)
            content = torch.zeros(int(length), dtype=torch.uint8)
            if len(content):
                dist.broadcast(content, 0)
        return content.numpy().tobytes()

    def step(self, elapsed_s: float = math.nan) -> float:
        """Begin a step together.

        Args:
            elapsed_s: On rank 0, the seconds of training so far; NaN ends the group.

        Returns:
            The seconds of rank 0.

        Raises:
            LostError: Another process has ended, or torchrun.
        """
        if os.getppid() != self._parent:
            raise LostError("torchrun has ended")
        self._steps = True
        seconds = torch.tensor([elapsed_s], dtype=torch.float64)
        with _noticing():
            dist.broadcast(seconds, 0)
        return float(seconds)

    def end(self) -> None:
        """Let the others end, on rank 0, whatever they wait for."""
        with contextlib.suppress(LostError):
            if self._steps:
                self._parent = os.getppid()
                self.step()
            else:
                self.tell(b"")


@contextlib.contextmanager
def joined() -> Iterator[Group]:
    """Join the processes that torchrun has started.

    Yields:
        The group: cards of one machine are joined by NCCL where each process has its own, everything else by Gloo.
    """
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    own_card = torch.cuda.is_available() and torch.cuda.device_count() >= here
    if str(here) == os.environ["WORLD_SIZE"] and sys.platform == "linux":
        # Nobody else needs to reach the processes of one machine.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("cpu:gloo,cuda:nccl" if own_card else "gloo")
    group = Group()
    try:
        yield group
    finally:
        if group.rank == 0:
            group.end()
        dist.destroy_process_group()


@contextlib.contextmanager
def _noticing() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise LostError(str(error).strip().partition("\n")[0]) from error

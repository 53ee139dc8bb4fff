"""Inputs and results of a step, transferred without blocking the host.

The host prepares steps ahead of the device by up to *delay* steps, so its buffers stay unchanged and losses unread for
that long; a CPU computes synchronously and has a delay of 0.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_DELAY = 8


def delay_of(device: torch.device) -> int:
    """Return the number of steps after which a loss is read."""
    return 0 if device.type == "cpu" else _DELAY


class Numbers:
    """Input numbers of a step.

    Args:
        batch: Data in one step.
        rates: Number of learning rates and the like.
        device: Device of the numbers.
        pinned: Use pinned memory, from which a card copies asynchronously.

    Attributes:
        whole: Step number and row numbers, with shape (1 + B,), int64.
        step: Step number, with shape (1,).
        rows: Row numbers of the data, with shape (B,).
        rates: Learning rates and the like, float32.
    """

    def __init__(self, batch: int, rates: int, device: torch.device | str, *, pinned: bool = False) -> None:
        self.whole = torch.zeros(1 + batch, dtype=torch.int64, device=device, pin_memory=pinned)
        self.step, self.rows = self.whole[:1], self.whole[1:]
        self.rates = torch.zeros(rates, device=device, pin_memory=pinned)

    def write(self, step: int, rows: Tensor, rates: Sequence[float]) -> None:
        """Set all numbers; `rows` has shape (B,), int64, on the CPU."""
        self.step.fill_(step)
        self.rows.copy_(rows)
        self.rates.copy_(torch.tensor(rates))


class Inputs:
    """Numbers of a step at a fixed address on the device.

    Args:
        batch: Data in one step.
        rates: Number of learning rates and the like.
        delay: Largest number of steps by which the host is ahead.
        device: Device of the training.

    Attributes:
        now: Numbers of the current step on the device.
    """

    def __init__(self, batch: int, rates: int, delay: int, device: torch.device) -> None:
        pinned = device.type == "cuda"
        self.now = Numbers(batch, rates, device)
        slots = 0 if device.type == "cpu" else delay + 1
        self._slots = [Numbers(batch, rates, "cpu", pinned=pinned) for _ in range(slots)]

    def fill(self, step: int, rows: Tensor, rates: Sequence[float]) -> None:
        """Send the numbers of a step without waiting; arguments as `Numbers.write`."""
        if not self._slots:
            self.now.write(step, rows, rates)
            return
        # The slot is free: its last step, `delay` + 1 steps ago, has been read.
        slot = self._slots[step % len(self._slots)]
        slot.write(step, rows, rates)
        self.now.whole.copy_(slot.whole, non_blocking=True)
        self.now.rates.copy_(slot.rates, non_blocking=True)


class Found(NamedTuple):
    """Results of a step.

    Attributes:
        step: Number of the step, from 0.
        loss: Its loss.
        norm: Norm of its gradient.
    """

    step: int
    loss: float
    norm: float


class Results:
    """Results of the last steps, on transfer to the host.

    Args:
        delay: Steps after which a result is read.
        device: Device of the training.
    """

    def __init__(self, delay: int, device: torch.device) -> None:
        self._delay = delay
        self._device = device
        # CUDA copies asynchronously and signals the end; elsewhere a copy stays on the device until it is read.
        self._slots = (
            [(torch.zeros(2, pin_memory=True), _event()) for _ in range(delay + 1)] if device.type == "cuda" else []
        )
        self._waiting: deque[tuple[int, Tensor]] = deque()

    def add(self, step: int, found: Tensor) -> None:
        """Queue the loss and norm of a step, with shape (2,), on the device, where they may still be computed."""
        if not self._slots:
            self._waiting.append((step, found.clone()))
            return
        kept, arrived = self._slots[step % len(self._slots)]
        kept.copy_(found, non_blocking=True)
        arrived.record(torch.cuda.current_stream(self._device))
        self._waiting.append((step, kept))

    def due(self) -> list[Found]:
        """Read results that are `delay` steps old, in order."""
        if len(self._waiting) <= self._delay:
            return []
        # Elsewhere every read synchronises with the device: read all at once.
        return self._read(len(self._waiting) - self._delay if self._slots else len(self._waiting))

    def all(self) -> list[Found]:
        """Read the remaining results in order; the host waits for the device."""
        return self._read(len(self._waiting))

    def clear(self) -> None:
        """Discard the remaining results."""
        self._waiting.clear()

    def _read(self, count: int) -> list[Found]:
        popped = [self._waiting.popleft() for _ in range(count)]
        if not popped:
            return []
        if self._slots:
            # Events of one stream complete in order.
            self._slots[popped[-1][0] % len(self._slots)][1].synchronize()
        values = torch.stack([found for _, found in popped]).tolist()
        return [Found(step, *pair) for (step, _), pair in zip(popped, values, strict=True)]


def _event() -> torch.cuda.Event:
    # Blocking events let the waiting thread sleep, which keeps the window responsive.
    event: torch.cuda.Event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    return event

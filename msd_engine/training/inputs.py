"""What goes to the device at each step, and the loss that comes back, without the host waiting for the device.

A card computes a step while the host prepares those that follow. So what the host writes stays untouched, and the
losses stay unread, for a number of steps, the *delay*; a CPU computes at once and has a delay of 0.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_DELAY = 8


def delay_of(device: torch.device) -> int:
    """Return after how many steps the loss of a step is read.

    Args:
        device: Where it is trained.
    """
    return 0 if device.type == "cpu" else _DELAY


class Numbers:
    """Numbers of a step.

    Args:
        batch: Data in one step.
        rates: How many numbers there are beside those of the data.
        device: Where they are.
        pinned: Whether a card may fetch them by itself.

    Attributes:
        whole: The number of the step and those of its data, with shape (1 + B,), int64.
        step: Number of the step, with shape (1,).
        rows: Which data it sees, with shape (B,).
        rates: Learning rates and the like, float32.
    """

    def __init__(self, batch: int, rates: int, device: torch.device | str, *, pinned: bool = False) -> None:
        self.whole = torch.zeros(1 + batch, dtype=torch.int64, device=device, pin_memory=pinned)
        self.step, self.rows = self.whole[:1], self.whole[1:]
        self.rates = torch.zeros(rates, device=device, pin_memory=pinned)

    def write(self, step: int, rows: Tensor, rates: Sequence[float]) -> None:
        """Set all numbers from the host.

        Args:
            step: Number of the step.
            rows: Which data it sees, with shape (B,), int64, on the CPU.
            rates: Learning rates and the like.
        """
        self.step.fill_(step)
        self.rows.copy_(rows)
        self.rates.copy_(torch.tensor(rates))


class Inputs:
    """Numbers of a step, always at the same place on the device.

    Args:
        batch: Data in one step.
        rates: How many numbers there are beside those of the data.
        delay: Steps by which the host may be ahead of the device.
        device: Where it is trained.

    Attributes:
        now: The numbers of the present step on the device.
    """

    def __init__(self, batch: int, rates: int, delay: int, device: torch.device) -> None:
        pinned = device.type == "cuda"
        self.now = Numbers(batch, rates, device)
        slots = 0 if device.type == "cpu" else delay + 1
        self._slots = [Numbers(batch, rates, "cpu", pinned=pinned) for _ in range(slots)]

    def fill(self, step: int, rows: Tensor, rates: Sequence[float]) -> None:
        """Send the numbers of a step; the host does not wait until they are there.

        Args:
            step: Number of the step.
            rows: Which data it sees, with shape (B,), int64, on the CPU.
            rates: Learning rates and the like.
        """
        if not self._slots:
            self.now.write(step, rows, rates)
            return
        # The step that had the slot before was `delay` + 1 steps ago, and its loss is read: the slot is free.
        slot = self._slots[step % len(self._slots)]
        slot.write(step, rows, rates)
        self.now.whole.copy_(slot.whole, non_blocking=True)
        self.now.rates.copy_(slot.rates, non_blocking=True)


class Found(NamedTuple):
    """What a step has found.

    Attributes:
        step: Number of the step, from 0.
        loss: Its loss.
        norm: Norm of its gradient.
    """

    step: int
    loss: float
    norm: float


class Results:
    """What the last steps have found, on its way to the host.

    Args:
        delay: Steps after which it is read.
        device: Where it is trained.
    """

    def __init__(self, delay: int, device: torch.device) -> None:
        self._delay = delay
        self._device = device
        # A card copies by itself and says when it is done; elsewhere a copy stays on the device until it is read.
        self._slots = (
            [(torch.zeros(2, pin_memory=True), _event()) for _ in range(delay + 1)] if device.type == "cuda" else []
        )
        self._waiting: deque[tuple[int, Tensor]] = deque()

    def add(self, step: int, found: Tensor) -> None:
        """Note what a step finds.

        Args:
            step: Number of the step.
            found: Loss and norm with shape (2,), on the device, which may be about to be computed, and to change.
        """
        if not self._slots:
            self._waiting.append((step, found.clone()))
            return
        kept, arrived = self._slots[step % len(self._slots)]
        kept.copy_(found, non_blocking=True)
        arrived.record(torch.cuda.current_stream(self._device))
        self._waiting.append((step, kept))

    def due(self) -> list[Found]:
        """Read what is `delay` steps old, in the order of the steps."""
        if len(self._waiting) <= self._delay:
            return []
        # Elsewhere every reading waits for all that the device was given: then all is read at once.
        return self._read(len(self._waiting) - self._delay if self._slots else len(self._waiting))

    def all(self) -> list[Found]:
        """Read what is left, in the order of the steps; the host waits for the device."""
        return self._read(len(self._waiting))

    def clear(self) -> None:
        """Forget what is left."""
        self._waiting.clear()

    def _read(self, count: int) -> list[Found]:
        taken = [self._waiting.popleft() for _ in range(count)]
        if not taken:
            return []
        if self._slots:
            # Events of one stream come in order: the last is enough.
            self._slots[taken[-1][0] % len(self._slots)][1].synchronize()
        values = torch.stack([found for _, found in taken]).tolist()
        return [Found(step, *pair) for (step, _), pair in zip(taken, values, strict=True)]


def _event() -> torch.cuda.Event:
    # One that lets the waiting thread sleep, so that the window goes on.
    event: torch.cuda.Event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    return event

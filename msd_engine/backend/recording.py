"""Work that repeats at every step, recorded once on a card and replayed in one launch.

Inputs that change from step to step are read from tensors at fixed addresses. Called or replayed, the same kernels
compute the same numbers in the same order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import torch

WARM_UP = 3
# Allow one recording at a time per process.
_RECORDING = threading.Lock()

Work = Callable[[], None]


class Graph(Protocol):
    """A recording of device operations."""

    def warm(self, work: Work) -> None:
        """Run the work as it will be recorded, to initialise what first calls create."""

    def record(self, work: Work) -> None:
        """Record the work without running it.

        Raises:
            RuntimeError: It cannot be recorded.
        """

    def replay(self) -> None:
        """Run the recorded work."""


class CudaGraph:
    """A recording on a CUDA card."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._graph = torch.cuda.CUDAGraph()

    def warm(self, work: Work) -> None:
        """Run the work on the recording stream."""
        present = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(present)
        with torch.cuda.stream(self._stream):
            work()
        present.wait_stream(self._stream)

    def record(self, work: Work) -> None:
        """Record the work; other threads may use the card meanwhile."""
        with (
            _RECORDING,
            # A failed recording does not restore the stream.
            torch.cuda.stream(torch.cuda.current_stream(self._device)),
            torch.cuda.graph(self._graph, stream=self._stream, capture_error_mode="thread_local"),
        ):
            work()

    def replay(self) -> None:
        """Run the recorded work on the current stream."""
        with torch.cuda.device(self._device):
            self._graph.replay()


class Repeated:
    """Work that is run many times.

    Args:
        work: The work.
        graph: Recording to use; None calls the work every time.

    Attributes:
        trouble: Why recording failed; empty if it did not.
    """

    def __init__(self, work: Work, graph: Graph | None) -> None:
        self.trouble = ""
        self._work = work
        self._graph = graph
        self._calls = 0

    def __call__(self) -> None:
        """Run the work once."""
        if self._graph is None:
            self._work()
            return
        self._calls += 1
        if self._calls <= WARM_UP:
            self._graph.warm(self._work)
            return
        if self._calls == WARM_UP + 1 and not self._recorded(self._graph):
            self._graph = None
            self._work()
            return
        self._graph.replay()

    def _recorded(self, graph: Graph) -> bool:
        try:
            graph.record(self._work)
        except RuntimeError as error:
            self.trouble = _reason(error)
            return False
        return True


def _reason(error: BaseException) -> str:
    """Return the first line of the first chained error: the end of a broken recording raises another."""
    while isinstance(error.__context__, RuntimeError):
        error = error.__context__
    return str(error).strip().partition("\n")[0] or type(error).__name__

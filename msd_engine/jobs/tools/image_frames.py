"""What the sampling job reports about chains of images: pictures, and a film of a few moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.events import Event, FilmFrame, ImageFrame
from msd_engine.events.pixels import to_grey
from msd_engine.jobs.tools.frames import shown
from msd_engine.samplers.twin import Segment
from msd_engine.samplers.walk import Moment

# Most moments and bytes of states in a film; if not even this many moments of all chains fit, only the first chains
# keep their states.
_FILM_FRAMES, _FILM_BYTES, _LEAST_FRAMES = 240, 120_000_000, 24


class Streams(Protocol):
    """Random numbers with a readable position."""

    def positions(self) -> NDArray[np.int64]:
        """Return number and draws of each chain's stream, with shape (N, 3)."""
        ...


def film_size(chains: int, chain_bytes: int) -> tuple[int, int]:
    """Return the number of chains with whole states in a film, and its number of moments.

    Args:
        chains: Number of chains.
        chain_bytes: Bytes of the state of one chain: all copies, and the further tensors of the dynamics.

    Returns:
        Chains and moments; all states stay within the bound if at least two moments of one chain do.
    """
    kept = max(1, min(chains, _FILM_BYTES // (_LEAST_FRAMES * chain_bytes)))
    return kept, max(2, min(_FILM_FRAMES, _FILM_BYTES // (kept * chain_bytes)))


class ImageFrames:
    """Report chains of images by pictures, and by a film of a few moments."""

    def __init__(
        self,
        total: int,
        y: Tensor,
        streams: Streams,
        first: int = 0,
        carried: int = 0,
        *,
        decode: Callable[[Tensor], Tensor] = lambda states: states,
    ) -> None:
        """Choose the moments of the film.

        Args:
            total: Last step of the job.
            y: First states of the chains, with shape (N, k, C, H, W).
            streams: Random numbers of every chain.
            first: First step of the job.
            carried: Number of further tensors of the dynamics, each as large as `y`.
            decode: Maps states to the coordinates of the data.
        """
        self._total = total
        self._decode = decode
        self._streams = streams
        self._where = streams.positions()
        self._chains, count = film_size(len(y), 4 * y[0].numel() * (1 + carried))
        steps = np.linspace(first, total, min(count, total - first + 1)).round().astype(int)
        self._film_steps = frozenset(steps.tolist())
        self._film: list[FilmFrame] = []

    def begin(self) -> Iterator[Event]:
        """Report nothing."""
        yield from ()

    def keep(self, moment: Moment | Segment) -> None:
        """Keep a frame of the film if it is due."""
        if moment.step in self._film_steps:
            self._film.append(
                FilmFrame(
                    step=moment.step,
                    level=moment.level,
                    sigma=moment.sigma,
                    x_hat=_bytes(self._decode(moment.posterior.mean)),
                    y=_bytes(self._decode(moment.y[:, 0])),
                    copies=_kept(self._decode(moment.y[: self._chains])),
                    streams=self._where[: self._chains],
                    carried=tuple(_kept(self._decode(part[: self._chains])) for part in moment.carried)
                    if isinstance(moment, Moment)
                    else (),
                )
            )
        if moment.step + 1 in self._film_steps:
            # A state is reported after the next step, when the stream is at the numbers of the next state.
            self._where = self._streams.positions()

    def due(self, moment: Moment | Segment) -> Iterator[Event]:
        """Report the frames of the film since the last report, and a picture of all chains."""
        film, self._film = self._film, []
        yield from film
        yield ImageFrame(
            step=moment.step,
            total=self._total,
            level=moment.level,
            sigma=moment.sigma,
            x_hat=shown(self._decode(moment.posterior.mean)),
            y=shown(self._decode(moment.y[:, 0])),
        )

    def end(self, moment: Moment | Segment) -> Iterator[Event]:
        """Report the rest of the film and the last picture."""
        yield from self.due(moment)


def _kept(states: Tensor) -> NDArray[np.float32]:
    """Return an exact copy of states as an array."""
    kept: NDArray[np.float32] = states.detach().to("cpu", torch.float32, copy=True).numpy()
    return kept


def _bytes(images: Tensor) -> NDArray[np.uint8]:
    """Return images from [-1, 1] as bytes; clip values outside; NaN is black."""
    grey: Tensor = to_grey(images.nan_to_num(nan=-1.0))
    return grey.to("cpu", torch.uint8).numpy()

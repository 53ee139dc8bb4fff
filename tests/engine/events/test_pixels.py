"""Bytes and data units are each other's inverse, by numpy and by torch."""

from __future__ import annotations

import numpy as np
import torch

from msd_engine.events.pixels import to_data, to_grey

EVERY = np.arange(256, dtype=np.uint8)
WILD = np.array([-np.inf, -7.0, -1.0, 0.0, 1.0, 3e38, np.inf], np.float32)


def test_every_byte_comes_back_by_numpy_and_by_torch() -> None:
    data = to_data(EVERY.astype(np.float32))
    assert data.dtype == np.float32
    assert (data[0], data[-1]) == (-1.0, 1.0)
    assert (to_grey(data) == EVERY).all()
    assert to_data(torch.from_numpy(EVERY)).numpy().tobytes() == data.tobytes()


def test_values_beyond_the_range_are_cut() -> None:
    assert to_grey(WILD).tolist() == to_grey(torch.from_numpy(WILD)).tolist() == [0, 0, 0, 128, 255, 255, 255]

"""The binary version of CIFAR-10 (A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009).

Each record is one byte of label and 3072 bytes of a 32x32 image: red, green and blue planes, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import read_bytes

TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILE = "test_batch.bin"

SHAPE = (3, 32, 32)
"""Shape of one image: channels, rows, columns."""

RECORD = 1 + 3 * 32 * 32
"""Bytes of one record: the label and the image."""

MAX_RECORDS = 10_000
"""Largest number of records in one batch."""

_EXPECTED = f"a batch of the binary CIFAR-10 (1 to {MAX_RECORDS} records of {RECORD} bytes)"


def read_batches(paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read and concatenate batches.

    Returns:
        Images, with shape (n, 3, 32, 32), and labels, with shape (n,).

    Raises:
        BadFile: A file is missing, cut or not such a batch.
    """
    records = [_read_batch(path) for path in paths]
    count = sum(len(batch) for batch in records)
    images = np.empty((count, *SHAPE), np.uint8)
    labels = np.empty(count, np.int64)
    start = 0
    while records:
        # Pop each batch, to free it after copying.
        batch = records.pop(0)
        stop = start + len(batch)
        labels[start:stop] = batch[:, 0]
        images[start:stop] = batch[:, 1:].reshape(-1, *SHAPE)
        start = stop
    return images, labels


def _read_batch(path: Path) -> NDArray[np.uint8]:
    data = read_bytes(path, _EXPECTED, limit=MAX_RECORDS * RECORD)
    if not data or len(data) % RECORD:
        raise BadFile(f"{path} has {len(data):,} bytes, not a whole number of records; expected {_EXPECTED}.")
    batch = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    if batch[:, 0].max() > 9:
        raise BadFile(f"{path} has a label above 9; expected {_EXPECTED}.")
    return batch

"""Small files in the real formats, for tests that must not need a data folder."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

from msd_engine.data.cifar import TEST_FILE, TRAIN_FILES
from msd_engine.data.images import IDX_FILES


def idx_bytes(values: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.astype(np.uint8).tobytes()


def write_idx_set(folder: Path, *, packed: bool = True, train: int = 7, test: int = 3, seed: int = 0) -> np.ndarray:
    """Write the four files of an MNIST-like set; return the train images."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    arrays = []
    for count in (train, test):
        arrays += [rng.integers(0, 256, (count, 28, 28)), rng.integers(0, 10, count)]
    for name, array in zip(IDX_FILES, arrays, strict=True):
        data = idx_bytes(array)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name).write_bytes(data)
    return arrays[0]


def cifar_bytes(records: int, seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, (records, 1))
    return np.concatenate([labels, rng.integers(0, 256, (records, 3072))], axis=1).astype(np.uint8).tobytes()


def write_cifar_set(folder: Path, *, batches: int = 2, records: int = 4) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate([*TRAIN_FILES[:batches], TEST_FILE]):
        (folder / name).write_bytes(cifar_bytes(records, seed))

"""Drawn chains of an unfinished search, in the cache folder: a search that was killed does not draw them again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import make_folder, reading, write_atomically
from msd_engine.backend.folders import cache_folder
from msd_engine.backend.tensors import pack_tensors, read_tensors
from msd_engine.metrics.features.network import FeatureBatch

_EXPECTED = "drawn chains of a search (safetensors)"


class Part(NamedTuple):
    """Neighbouring chains of one candidate.

    Attributes:
        batch: Features of their samples.
        lived: Whether each survived, with shape (n,), bool.
        pictures: The first samples with shape (m, C, H, W), float32; m may be less than n.
    """

    batch: FeatureBatch
    lived: Tensor
    pictures: Tensor


class KeptParts:
    """The drawn chains of one candidate on the disk."""

    def __init__(self, search: str, candidate: int) -> None:
        """Read nothing yet.

        Args:
            search: Digest of the search.
            candidate: Number of the candidate.
        """
        self._folder = _folder(search) / str(candidate)

    def read(self, first: int, count: int) -> Part | None:
        """Return chains by the number of the first one; None where they are not kept, or damaged."""
        path = self._path(first, count)
        if not path.exists():
            return None
        try:
            tensors, _ = read_tensors(path, _EXPECTED)
            with reading(path, _EXPECTED):
                part = Part(pictures=tensors.pop("pictures"), lived=tensors.pop("lived"), batch=FeatureBatch(**tensors))
        except BadFile:
            # They are drawn again.
            return None
        return part if len(part.batch) == len(part.lived) == count else None

    def write(self, first: int, part: Part) -> None:
        """Keep chains.

        Args:
            first: Number of the first one.
            part: The chains.

        Raises:
            UserError: The cache folder cannot be written.
        """
        tensors = {name: tensor for name, tensor in vars(part.batch).items() if tensor is not None}
        make_folder(self._folder)
        path = self._path(first, len(part.batch))
        write_atomically(path, pack_tensors(tensors | {"lived": part.lived, "pictures": part.pictures}, {}))

    def _path(self, first: int, count: int) -> Path:
        return self._folder / f"{first}-{count}.safetensors"


def forget_parts(search: str) -> None:
    """Remove the chains of a finished search."""
    shutil.rmtree(_folder(search), ignore_errors=True)


def _folder(search: str) -> Path:
    return cache_folder() / "tune" / search

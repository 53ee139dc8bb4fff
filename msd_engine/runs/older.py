"""What older versions wrote into a run and newer ones do not."""

from __future__ import annotations

from pathlib import Path

import safetensors
from torch import Tensor

from msd_engine.backend.files import reading

GENERATOR_STATE = "noise"
"""Name, in the training state, of the state of the generator that drew the training noise."""


def older_tensors(path: Path, expected: str) -> dict[str, Tensor]:
    """Return the tensors of a training state that only older versions write.

    Args:
        path: The training state of a run.
        expected: What it should be, for the sentence.

    Returns:
        The tensors by name; none where there is no such file.

    Raises:
        BadFile: It is damaged.
    """
    # Another thing of that name must not be opened: a named pipe would wait for ever.
    if not path.is_file():
        return {}
    with reading(path, expected), safetensors.safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys() if name == GENERATOR_STATE}  # noqa: SIM118

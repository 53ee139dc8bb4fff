"""Modules of compiled functions, imported in the background; a slower path of the same bits serves until then.

Importing one compiles it with numba, which takes seconds the first time on a machine and tenths of a second from the
cache afterwards.
"""

from __future__ import annotations

import importlib
import os
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs

_PATIENCE_S = 1.0


class CompiledModule:
    """A module that is imported by a thread of its own when it is first wanted.

    Args:
        name: Full name of the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._urgent = threading.Event()

    def get(self) -> Any:
        """Return the module; None while it is not ready. The first call starts to import it."""
        if self._module is None:
            self._start()
        return self._module

    def wait(self) -> Any:
        """Return the module as soon as it is ready.

        Raises:
            ImportError: It cannot be imported.
        """
        self._urgent.set()
        self._start().join()
        if self._module is None:
            raise ImportError(f"{self._name} could not be compiled.")
        return self._module

    def _start(self) -> threading.Thread:
        with self._lock:
            if self._thread is None:
                # No daemon: the compiler must not be cut off while the process ends.
                self._thread = threading.Thread(target=self._import, name=f"import {self._name}")
                self._thread.start()
            return self._thread

    def _import(self) -> None:
        # The first chains of a program that starts are drawn before the compiler takes the interpreter's lock.
        self._urgent.wait(_PATIENCE_S)
        self._module = importlib.import_module(self._name)


def options() -> dict[str, Any]:
    """Return how functions are compiled: without the interpreter's lock, kept in a cache where one can be written.

    Where a processor has registers of 512 bits they are used; by itself the compiler keeps to half of them.
    """
    import llvmlite.binding

    # Its settings are made from the environment when it is imported: mypy does not see them.
    config: Any = importlib.import_module("numba.core.config")
    features = llvmlite.binding.get_host_cpu_features()
    if features.get("avx512f") and not config.CPU_FEATURES:
        config.CPU_NAME = llvmlite.binding.get_host_cpu_name()
        config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"
    folders = (Path(__file__).parent, Path(platformdirs.user_cache_dir()))
    cache = any(os.access(folder, os.W_OK) for folder in folders)
    return {"nogil": True, "cache": cache, "error_model": "numpy"}


PHILOX = CompiledModule("msd_engine.backend.philox_numba")

"""Modules of compiled functions, made ready in the background; a slower path of the same bits serves until then.

The first time on a machine numba compiles them, which takes seconds. A process of its own does that with low priority
and keeps the machine code in a folder, from where it is read in tenths of a second; it ends with the program that
started it. Where nothing can be kept, or that process fails, the program compiles by itself, in a thread.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from msd_engine.backend.folders import cache_folder

KERNELS = ("msd_engine.backend.philox_numba", "msd_engine.samplers.twin_numba")
"""The modules that are compiled."""

SOURCES = (*KERNELS, "msd_engine.backend.compiled", "msd_engine.backend.philox", "msd_engine.samplers.exponential")
"""The modules that the machine code depends on: kernels contain functions and constants of others."""

_ROOT = Path(__file__).parents[2]
_COMPLETE = "complete"
_POLL_S = 0.1

SLOW_IMPORTS = threading.Lock()
"""Held by whoever imports a large library in the background: one after the other, so that the window is not kept from
its work by two of them."""

_filling = threading.Lock()


class CompiledModule:
    """A module that is imported by a thread of its own when it is first wanted.

    Args:
        name: Full name of the module, one of `KERNELS`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def get(self) -> Any:
        """Return the module; None while it is not ready. The first call starts to make it ready."""
        if self._module is None:
            self._start()
        return self._module

    @property
    def pending(self) -> bool:
        """Whether it is being made ready."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> Any:
        """Return the module as soon as it is ready.

        Raises:
            ImportError: It cannot be imported.
        """
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
        with _filling:
            _fill()
        with SLOW_IMPORTS:
            if _main_thread_runs():
                self._module = importlib.import_module(self._name)


PHILOX = CompiledModule("msd_engine.backend.philox_numba")


def is_kept() -> bool:
    """Return whether the machine code is kept, so that it need only be read."""
    folder = kept_in()
    return folder is not None and (folder / _COMPLETE).exists()


def options() -> dict[str, Any]:
    """Return how functions are compiled: without the interpreter's lock, kept where anything can be kept.

    Where a processor has registers of 512 bits they are used; by itself the compiler keeps to half of them.
    """
    import llvmlite.binding

    # Its settings are made from the environment when it is imported: mypy does not see them.
    config: Any = importlib.import_module("numba.core.config")
    features = llvmlite.binding.get_host_cpu_features()
    if features.get("avx512f") and not config.CPU_FEATURES:
        config.CPU_NAME = llvmlite.binding.get_host_cpu_name()
        config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"
    folder = kept_in()
    if folder is not None:
        config.CACHE_DIR = str(folder)
    return {"nogil": True, "cache": folder is not None, "error_model": "numpy"}


@functools.cache
def kept_in() -> Path | None:
    """Return the folder of the machine code for these sources and this processor: beside the sources or in the cache.

    Returns:
        The first of both that can be written to; None where neither can.
    """
    name = f"kernels-{key_of(_ROOT.joinpath(*source.split('.')).with_suffix('.py') for source in SOURCES)}"
    for place in (Path(__file__).parent / "__pycache__", cache_folder()):
        folder = place / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


def key_of(sources: Iterable[Path]) -> str:
    """Return a name for what is compiled from some sources, by this compiler for this processor.

    Args:
        sources: Files of Python.
    """
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features().flatten()
    system = f"{sys.platform} {platform.machine()}"
    words = (version("numba"), version("llvmlite"), platform.python_version(), system, features)
    digest = hashlib.sha256("\n".join(words).encode())
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _fill() -> None:
    """Have the modules compiled by another process where that was not done yet; wait, but not longer than the program.

    Whatever becomes of that process, the modules can be imported afterwards.
    """
    if is_kept() or kept_in() is None or not sys.executable:
        return
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            # Its end tells the other process that this one has ended, however.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        return
    with process:
        while process.poll() is None:
            if not _main_thread_runs():
                process.kill()
            time.sleep(_POLL_S)


def _main_thread_runs() -> bool:
    """Return whether the program goes on: at its end other threads are waited for."""
    return threading.main_thread().is_alive()


def _compile_all() -> None:
    """Compile all modules and keep them, for the process at the other end of the standard input."""
    threading.Thread(target=_end_with_the_other, daemon=True).start()
    psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else 10)
    for name in KERNELS:
        importlib.import_module(name)
    folder = kept_in()
    if folder is not None:
        (folder / _COMPLETE).touch()


def _end_with_the_other() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    _compile_all()

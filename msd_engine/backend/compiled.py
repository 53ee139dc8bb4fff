"""Compiled modules, prepared in the background; until they are ready, slower code computes the same bits.

On first use on a machine, a child process of low priority compiles them with numba, which takes seconds, and caches the
machine code, which later loads in tenths of a second; the child ends with its parent. Without a writable cache, or if
the child fails, a thread of this process compiles.
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
"""Compiled modules."""

SOURCES = (*KERNELS, "msd_engine.backend.compiled", "msd_engine.backend.philox", "msd_engine.samplers.exponential")
"""Modules on which the machine code depends: kernels inline functions and constants of others."""

_ROOT = Path(__file__).parents[2]
_COMPLETE = "complete"
_POLL_S = 0.1

SLOW_IMPORTS = threading.Lock()
"""Serialises background imports of large libraries, so that the window stays responsive."""

_compiling = threading.Lock()


class CompiledModule:
    """A module that a thread imports on first use.

    Args:
        name: Full name of the module, one of `KERNELS`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def get(self) -> Any:
        """Return the module, or None while it is not ready; the first call starts the import."""
        if self._module is None:
            self._start()
        return self._module

    @property
    def pending(self) -> bool:
        """Whether the import is running."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> Any:
        """Return the module once it is ready.

        Raises:
            ImportError: The import failed.
        """
        self._start().join()
        if self._module is None:
            raise ImportError(f"{self._name} could not be compiled.")
        return self._module

    def _start(self) -> threading.Thread:
        with self._lock:
            if self._thread is None:
                # Not a daemon: the compiler must not be interrupted at exit.
                self._thread = threading.Thread(target=self._import, name=f"import {self._name}")
                self._thread.start()
            return self._thread

    def _import(self) -> None:
        with _compiling:
            _compile_in_child()
        with SLOW_IMPORTS:
            if _main_thread_runs():
                self._module = importlib.import_module(self._name)


PHILOX = CompiledModule("msd_engine.backend.philox_numba")


def is_kept() -> bool:
    """Return whether the machine code is cached."""
    folder = kept_in()
    return folder is not None and (folder / _COMPLETE).exists()


def options() -> dict[str, Any]:
    """Return options of numba's ``njit``: no GIL, caching if possible; also enable 512-bit registers if available."""
    import llvmlite.binding

    # numba sets its options from the environment at import: mypy does not know them.
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
    """Return the cache folder for these sources and this processor, or None if none is writable.

    It lies beside the sources, or else in the user's cache.
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
    """Return a hash of source files, compiler versions and processor."""
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features().flatten()
    system = f"{sys.platform} {platform.machine()}"
    versions = (version("numba"), version("llvmlite"), platform.python_version(), system, features)
    digest = hashlib.sha256("\n".join(versions).encode())
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _compile_in_child() -> None:
    """Compile the modules in a child process unless they are cached; wait for it while the program runs.

    Whether or not it succeeds, the modules can be imported afterwards.
    """
    if is_kept() or kept_in() is None or not sys.executable:
        return
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            # The child ends when this pipe closes, even if this process is killed.
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
    """Return whether the program is still running rather than waiting for other threads at exit."""
    return threading.main_thread().is_alive()


def _compile_all() -> None:
    """Compile and cache all modules; the entry point of the child process."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else 10)
    for name in KERNELS:
        importlib.import_module(name)
    folder = kept_in()
    if folder is not None:
        (folder / _COMPLETE).touch()


def _exit_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    _compile_all()

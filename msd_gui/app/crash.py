"""Unexpected errors: shown in the window, which stays open."""

from __future__ import annotations

import platform
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from types import TracebackType


def install(show: Callable[[str, str], None]) -> Callable[[], None]:
    """Send uncaught errors of the GUI thread to `show`.

    Args:
        show: Called with one sentence and the details to copy.

    Returns:
        A function that restores the previous hook.
    """
    former = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        former(kind, error, trace)
        if issubclass(kind, Exception):
            details = "".join(traceback.format_exception(kind, error, trace))
            show(f"Something went wrong in the window: {kind.__name__}: {error}", details)

    sys.excepthook = hook

    def restore() -> None:
        if sys.excepthook is hook:
            sys.excepthook = former

    return restore


def report(text: str, details: str) -> str:
    """Return the text of a bug report: the sentence, the details and the versions of the parts."""
    names = ("msd-gui", "torch", "PySide6-Essentials", "pyqtgraph", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{text}\n\n{details}\n\nPython {platform.python_version()} on {platform.platform()}\n{versions}\n"

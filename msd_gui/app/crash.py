"""Shows unexpected errors in the window instead of losing them, and keeps the program up."""

from __future__ import annotations

import platform
import sys
import threading
import traceback
from collections.abc import Callable
from importlib.metadata import version
from types import TracebackType

from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.events.errors import NO_MEMORY, is_out_of_memory


class _Relay(QObject):
    """Carries what went wrong in any thread to the screen's."""

    caught = Signal(str, str)

    def __init__(self, show: Callable[[str, str], None]) -> None:
        super().__init__()
        self._show = show
        self.caught.connect(self._on_caught)

    @Slot(str, str)
    def _on_caught(self, text: str, details: str) -> None:
        self._show(text, details)


def install(show: Callable[[str, str], None]) -> Callable[[], None]:
    """Send uncaught errors of all threads to `show`.

    Args:
        show: Takes one sentence and the details to copy; called in the thread that called this function.

    Returns:
        A function that puts the former hooks back.
    """
    former, former_of_threads = sys.excepthook, threading.excepthook
    relay = _Relay(show)

    def tell(where: str, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if issubclass(kind, Exception) and error is not None:
            details = "".join(traceback.format_exception(kind, error, trace))
            text = f"Something went wrong {where}: {kind.__name__}: {error}"
            relay.caught.emit(NO_MEMORY if is_out_of_memory(error) else text, details)

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        former(kind, error, trace)
        tell("in the window", kind, error, trace)

    def hook_of_threads(failure: threading.ExceptHookArgs) -> None:
        former_of_threads(failure)
        tell("behind the window", failure.exc_type, failure.exc_value, failure.exc_traceback)

    sys.excepthook, threading.excepthook = hook, hook_of_threads

    def restore() -> None:
        if sys.excepthook is hook:
            sys.excepthook = former
        if threading.excepthook is hook_of_threads:
            threading.excepthook = former_of_threads

    return restore


def report(text: str, details: str) -> str:
    """Return what a user may copy into a bug report: the sentence, the details and the versions of the parts."""
    names = ("msd-gui", "torch", "PySide6-Essentials", "pyqtgraph", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{text}\n\n{details}\n\nPython {platform.python_version()} on {platform.platform()}\n{versions}\n"

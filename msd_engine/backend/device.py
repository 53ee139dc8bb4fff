"""Choice of the computing device, its deterministic settings, and error messages for its failures."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Hashable

import torch

from msd_engine.backend.errors import NO_MEMORY, UserError, is_out_of_memory

# cuBLAS reads this at its first call; with this workspace products are deterministic.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

_VARIABLE = "MSD_DEVICE"
_WITHOUT_FLOAT64 = frozenset({"mps"})
# Prefixes of errors of a card that is lost, or whose driver is too old for this torch.
_DEVICE_LOST = ("CUDA error", "CUDA driver", "cuDNN error", "cuBLAS", "Found no NVIDIA driver", "MPS backend")


def choose_device(name: str = "auto") -> torch.device:
    """Choose the computing device.

    Args:
        name: ``auto`` for the best one present (cuda, then mps, then cpu), or the name of a device such as ``cpu``,
            ``cuda`` or ``cuda:1``. The environment variable MSD_DEVICE, if set, overrides ``auto``.

    Raises:
        UserError: This machine has no such device.
    """
    requested = (os.environ.get(_VARIABLE, "").strip() or "auto") if name == "auto" else name
    if requested == "auto":
        return _deterministic(torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu"))
    try:
        device = torch.device(requested)
    except RuntimeError:
        raise UserError(f"There is no device called {requested!r}: use auto, cpu, cuda or mps.") from None
    if not _is_present(device):
        raise UserError(f"The device {requested!r} is not available on this machine{_hint(device)}: use auto or cpu.")
    return _deterministic(device)


_quicker: dict[Hashable, torch.device] = {}


def quicker_device(name: str, work: Hashable, seconds: Callable[[torch.device], float]) -> torch.device:
    """Measure whether the accelerator or the CPU is faster for work that may be too small for the accelerator.

    Args:
        name: As in `choose_device`; a named device is used without measuring.
        work: Kind and size of the work, measured once per process.
        seconds: Runs a sample of the work on a device and returns its duration.

    Returns:
        The faster device.
    """
    device = choose_device(name)
    if device.type == "cpu" or name != "auto" or os.environ.get(_VARIABLE, "").strip():
        return device
    if work not in _quicker:
        cpu = torch.device("cpu")
        _quicker[work] = min(device, cpu, key=seconds)
    return _quicker[work]


def wait_for(device: torch.device) -> None:
    """Wait until a device has finished its queued work, for timing."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def failure_of_device(error: BaseException) -> str:
    """Return a message with a remedy if an exception of torch is the fault of a device, else an empty string."""
    first = str(error).strip().partition("\n")[0]
    if is_out_of_memory(error):
        return NO_MEMORY
    lost = isinstance(error, getattr(torch, "AcceleratorError", ())) or first.startswith(_DEVICE_LOST)
    if isinstance(error, RuntimeError) and lost:
        return (
            f"The graphics card has stopped responding ({first[:200]}): start the program again, or compute on the "
            "CPU (device cpu). Saved files are kept."
        )
    return ""


def describe_device(device: torch.device) -> str:
    """Describe a device for the status bar and the run's manifest, such as ``cpu (x86_64, 2 threads)``."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"
    return f"{device} ({platform.machine()})"


def kind_of(description: str) -> str:
    """Return the kind of device, such as ``cuda``, in a description by `describe_device`."""
    return description.split()[0].split(":")[0]


def widest_float(device: torch.device) -> torch.dtype:
    """Return the most precise floating dtype of a device: float64, or float32 where that is missing."""
    return torch.float32 if device.type in _WITHOUT_FLOAT64 else torch.float64


def _deterministic(device: torch.device) -> torch.device:
    """Make results of a CUDA card deterministic, with full float32 precision."""
    if device.type == "cuda":
        # Warn only: the one operation without a deterministic form (a cumulative sum) serves random choices.
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False
    return device


def _hint(device: torch.device) -> str:
    """Return the reason in brackets why a CUDA card is unavailable; empty if unknown."""
    if device.type != "cuda":
        return ""
    if torch.version.cuda is None and torch.version.hip is None:
        return " (this torch was built for the CPU alone: install one with CUDA)"
    return " (no card found, or its driver is too old: update the driver)" if not torch.cuda.is_available() else ""


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def _is_present(device: torch.device) -> bool:
    match device.type:
        case "cpu":
            return not device.index
        case "cuda":
            return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
        case "mps":
            return _has_mps() and not device.index
        case _:
            return False

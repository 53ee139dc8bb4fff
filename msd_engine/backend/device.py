"""The one place where the computing device is chosen, made repeatable and, where it fails, spoken for."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Hashable

import torch

from msd_engine.backend.errors import NO_MEMORY, UserError, is_out_of_memory

# Read by cuBLAS at its first call: with this much room of its own a product has the same bits every time.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

_VARIABLE = "MSD_DEVICE"
_WITHOUT_FLOAT64 = frozenset({"mps"})
# How the errors of a card begin that is lost, or whose driver is too old for this torch.
_LOST = ("CUDA error", "CUDA driver", "cuDNN error", "cuBLAS", "Found no NVIDIA driver", "MPS backend")


def choose_device(name: str = "auto") -> torch.device:
    """Choose the device that computes.

    Args:
        name: ``auto`` for the best one present (cuda, then mps, then cpu), or the name of a device such as ``cpu``,
            ``cuda`` or ``cuda:1``. The environment variable MSD_DEVICE, where set, overrides ``auto``.

    Returns:
        The device.

    Raises:
        UserError: There is no such device on this machine.
    """
    wanted = (os.environ.get(_VARIABLE, "").strip() or "auto") if name == "auto" else name
    if wanted == "auto":
        return _repeatable(torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu"))
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise UserError(f"There is no device called {wanted!r}: use auto, cpu, cuda or mps.") from None
    if not _is_present(device):
        raise UserError(f"The device {wanted!r} is not available on this machine{_why(device)}: use auto or cpu.")
    return _repeatable(device)


_quicker: dict[Hashable, torch.device] = {}


def quicker_device(name: str, work: Hashable, seconds: Callable[[torch.device], float]) -> torch.device:
    """Choose between the accelerator and the CPU for work that may be too small for the accelerator, by measuring.

    Args:
        name: As of `choose_device`; where it names a device, or there is no accelerator, nothing is measured.
        work: What is done and how large it is; it is measured once in a process.
        seconds: Does a little of the work on a device, ready to be timed, and returns how long it took.

    Returns:
        The device that took less time.
    """
    device = choose_device(name)
    if device.type == "cpu" or name != "auto" or os.environ.get(_VARIABLE, "").strip():
        return device
    if work not in _quicker:
        cpu = torch.device("cpu")
        _quicker[work] = min(device, cpu, key=seconds)
    return _quicker[work]


def wait_for(device: torch.device) -> None:
    """Wait until a device has done all that it was given, so that it can be timed."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def failure_of_device(error: BaseException) -> str:
    """Return one sentence with a remedy where an exception is the fault of a device; empty for all others.

    Args:
        error: What torch has raised.
    """
    first = str(error).strip().partition("\n")[0]
    if is_out_of_memory(error):
        return NO_MEMORY
    lost = isinstance(error, getattr(torch, "AcceleratorError", ())) or first.startswith(_LOST)
    if isinstance(error, RuntimeError) and lost:
        return (
            f"The graphics card does not answer any more ({first[:200]}): start the program again, or compute on the "
            "CPU (device cpu). What was saved is kept."
        )
    return ""


def describe_device(device: torch.device) -> str:
    """Describe a device in words for the status bar and the run's manifest.

    Args:
        device: A device that `choose_device` has given.

    Returns:
        Its kind and name, such as ``cpu (x86_64, 2 threads)``.
    """
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"
    return f"{device} ({platform.machine()})"


def kind_of(description: str) -> str:
    """Return the kind of device that a text of `describe_device` is about, such as ``cuda``."""
    return description.split()[0].split(":")[0]


def widest_float(device: torch.device) -> torch.dtype:
    """Return the floating dtype with the most digits that a device has: float64, or float32 where there is none.

    Args:
        device: The device.
    """
    return torch.float32 if device.type in _WITHOUT_FLOAT64 else torch.float64


def _repeatable(device: torch.device) -> torch.device:
    """Let a CUDA card give the same bits every time, and float32 all of its digits."""
    if device.type == "cuda":
        # Warned of and not refused: what has no repeatable form here (a running sum of shares) only chooses at random.
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False
    return device


def _why(device: torch.device) -> str:
    """Return what hinders a card that the machine may have, in brackets; empty where nothing is known."""
    if device.type != "cuda":
        return ""
    if torch.version.cuda is None and torch.version.hip is None:
        return " (this torch was built for the CPU alone: install one with CUDA)"
    return " (torch sees no card, or its driver is too old: update the driver)" if not torch.cuda.is_available() else ""


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

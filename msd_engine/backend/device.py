"""The one place where the computing device is chosen."""

from __future__ import annotations

import os
import platform

import torch

from msd_engine.backend.errors import UserError

_VARIABLE = "MSD_DEVICE"
_ALL_THREADS = torch.get_num_threads()
_WITHOUT_FLOAT64 = frozenset({"mps"})


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
    asked = (os.environ.get(_VARIABLE, "").strip() or "auto") if name == "auto" else name
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    try:
        device = torch.device(asked)
    except RuntimeError:
        raise UserError(f"There is no device called {asked!r}: use auto, cpu, cuda or mps.") from None
    if not _is_present(device):
        raise UserError(f"The device {asked!r} is not available on this machine: use auto or cpu.")
    return device


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


def widest_float(device: torch.device) -> torch.dtype:
    """Return the floating dtype with the most digits that a device has: float64, or float32 where there is none.

    Args:
        device: The device.
    """
    return torch.float32 if device.type in _WITHOUT_FLOAT64 else torch.float64


def use_threads(count: int = 0) -> None:
    """Set how many threads of the CPU the calling thread computes with.

    Each thread that computes in parallel brings a pool of helpers of its own, and as soon as all pools together are
    larger than the machine, OpenMP puts every waiting helper to sleep: small networks then train three to four times
    slower. So of several threads that compute at the same time only one may have a pool.

    Args:
        count: Number of threads; 0 for all that torch would use.
    """
    torch.set_num_threads(count or _ALL_THREADS)


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

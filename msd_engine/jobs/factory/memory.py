"""Check before a job starts whether there is enough memory for it.

The checks use a lower bound of the needed memory, so that they refuse no job that would have worked. A job that needs
more memory than there is ends by an exception of the device, which becomes a `Failed` event.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import psutil
import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.specs import ExperimentSpec

# States of all chains in memory at once: copies, noise, scores, the next copies, and those in events.
_STATES = 5
_FLOAT = 4
# Gradients are as large as the weights; weights and moments of the optimiser are allocated already.
_GRADIENTS = 1
# Every machine that runs the program has this much free: asking would take longer than a short job.
_SMALL = 2**20
# No network keeps this many numbers per number of its input: with room for them, skip the measurement.
_MOST_BY_NUMBER = 1000
_CGROUP = Path("/sys/fs/cgroup")


def check_sampling(spec: ExperimentSpec, device: torch.device) -> None:
    """Raise an error if there is not enough memory for the chains.

    Args:
        spec: The experiment; its data, its chains and its number of copies are read.
        device: Where the chains are to be computed.

    Raises:
        UserError: There is not enough; the message gives the number of chains that fit.
    """
    one = _STATES * _FLOAT * spec.training.k * math.prod(spec.data.shape)
    if one * spec.sampling.chains <= _SMALL:
        return
    _check(one, spec.sampling.chains, 0, device, f"chains of {spec.training.k} copies (sampling.chains)")


def check_training(spec: ExperimentSpec, denoiser: LearnedDenoiser, device: torch.device) -> None:
    """Raise an error if there is not enough memory for a batch.

    Args:
        spec: The experiment; its data, its batch, its precision and its numbers of copies are read.
        denoiser: The denoiser that is to be trained, on the device.
        device: Where it is trained.

    Raises:
        UserError: There is not enough; the message gives the batch that fits.
    """
    k = max(spec.training_ks)
    numbers = spec.training.batch * k * math.prod(spec.data.shape)
    if numbers * _FLOAT * _MOST_BY_NUMBER < free_bytes(device):
        return
    y = torch.zeros((1, k, *spec.data.shape), device=device)
    one = _kept_for_backward(lambda: denoiser.estimate(y, torch.ones(1, device=device)), denoiser)
    if spec.training.precision != "float32":
        # A later check finds whether half as many bytes suffice.
        one //= 2
    gradients = _GRADIENTS * sum(value.numel() * value.element_size() for value in denoiser.parameters())
    _check(one, spec.training.batch, gradients, device, "data in a batch (training.batch)")


def free_bytes(device: torch.device) -> float:
    """Return the free memory in bytes; infinite if unknown.

    Args:
        device: Where it computes.
    """
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return float(torch.cuda.mem_get_info(device)[0] + unused)
    if device.type != "cpu":
        return math.inf
    of_machine = float(psutil.virtual_memory().available + psutil.swap_memory().free)
    return min(of_machine, _left_to_process(), _left_to_group())


def _check(one: int, count: int, fixed: int, device: torch.device, what: str) -> None:
    needed, free = one * count + fixed, free_bytes(device)
    if needed <= free:
        return
    room = max(0, int((free - fixed) // one))
    remedy = f"take at most {room:,}" if room else "take a smaller network or fewer copies"
    raise UserError(
        f"There is not enough memory for {count:,} {what}: at least {_size(needed)} are needed and {_size(free)} are "
        f"free on {device.type}; {remedy}."
    )


def _kept_for_backward(work: Callable[[], Tensor], denoiser: LearnedDenoiser) -> int:
    """Return the bytes that a computation keeps for its gradients, without those of the weights."""
    weights = {value.untyped_storage().data_ptr() for value in (*denoiser.parameters(), *denoiser.buffers())}
    kept: dict[int, int] = {}
    # Keep until the end: freed memory may be allocated again at the same address.
    held: list[Tensor] = []

    def keep(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(value)
        return value

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        held.append(work())
    return sum(kept.values())


def _left_to_process() -> float:
    """Return the bytes left by a limit on the address space of this process."""
    try:
        import resource
    except ImportError:
        # Windows has none.
        return math.inf
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return math.inf if most == resource.RLIM_INFINITY else float(most - psutil.Process().memory_info().vms)


def _left_to_group() -> float:
    """Return the bytes left by the control group of this process, such as a container's."""
    try:
        most = (_CGROUP / "memory.max").read_text("ascii").strip()
        used = int((_CGROUP / "memory.current").read_text("ascii"))
        lines = (line.split() for line in (_CGROUP / "memory.stat").read_text("ascii").splitlines())
        # Cached files count as used but are freed when needed.
        given_up = sum(int(count) for name, count in lines if name in ("inactive_file", "active_file"))
        return math.inf if most == "max" else float(int(most) - used + given_up)
    except (OSError, ValueError):
        return math.inf


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{max(count, 0) / 2**20:.0f} MiB"

"""Whether there is memory for what a job is to do, asked before it begins.

What is asked for is the least that a job is sure to need, so that nothing is refused that would have worked. What needs
more than there is, in spite of that, ends by the device's own exception, which jobs tell in one sentence.
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

# States of all chains that are held at once: copies, noise, scores, the next copies, and what is told of them.
_STATES = 5
_FLOAT = 4
# Gradients are as large as the weights; those and the moments of the optimiser are there already.
_GRADIENTS = 1
# No network keeps so many numbers for each number of its input: where there is room for them, nothing is measured.
_MOST_BY_NUMBER = 1000
_CGROUP = Path("/sys/fs/cgroup")


def check_sampling(spec: ExperimentSpec, device: torch.device) -> None:
    """Refuse chains for which there is not enough memory.

    Args:
        spec: The experiment; its data, its chains and its number of copies are read.
        device: Where the chains are to be computed.

    Raises:
        UserError: There is not enough; the sentence says how many chains there is room for.
    """
    one = _STATES * _FLOAT * spec.training.k * math.prod(spec.data.shape)
    _check(one, spec.sampling.chains, 0, device, f"chains of {spec.training.k} copies (sampling.chains)")


def check_training(spec: ExperimentSpec, denoiser: LearnedDenoiser, device: torch.device) -> None:
    """Refuse a batch for which there is not enough memory.

    Args:
        spec: The experiment; its data, its batch, its precision and its numbers of copies are read.
        denoiser: The denoiser that is to be trained, on the device.
        device: Where it is trained.

    Raises:
        UserError: There is not enough; the sentence says how large a batch there is room for.
    """
    k = max(spec.training_ks)
    numbers = spec.training.batch * k * math.prod(spec.data.shape)
    if numbers * _FLOAT * _MOST_BY_NUMBER < free_bytes(device):
        return
    y = torch.zeros((1, k, *spec.data.shape), device=device)
    one = _kept_for_backward(lambda: denoiser.estimate(y, torch.ones(1, device=device)), denoiser)
    if spec.training.precision != "float32":
        # Whether half as many bytes serve is found out later.
        one //= 2
    gradients = _GRADIENTS * sum(value.numel() * value.element_size() for value in denoiser.parameters())
    _check(one, spec.training.batch, gradients, device, "data in a batch (training.batch)")


def free_bytes(device: torch.device) -> float:
    """Return how much memory a job may still take; infinite where that cannot be told.

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
    """Return the bytes that a computation keeps until its gradients are known, without those of the weights."""
    weights = {value.untyped_storage().data_ptr() for value in (*denoiser.parameters(), *denoiser.buffers())}
    kept: dict[int, int] = {}
    # Held until the end: freed memory may be given out anew, at the same address.
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
    """Return what a limit on the address space of this process leaves to it."""
    try:
        import resource
    except ImportError:
        # There is none on Windows.
        return math.inf
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return math.inf if most == resource.RLIM_INFINITY else float(most - psutil.Process().memory_info().vms)


def _left_to_group() -> float:
    """Return what the control group that this process runs in, such as a container's, leaves to it."""
    try:
        most = (_CGROUP / "memory.max").read_text("ascii").strip()
        used = int((_CGROUP / "memory.current").read_text("ascii"))
        lines = (line.split() for line in (_CGROUP / "memory.stat").read_text("ascii").splitlines())
        # Pages of files count as used and are given up when they are needed.
        given_up = sum(int(count) for name, count in lines if name in ("inactive_file", "active_file"))
        return math.inf if most == "max" else float(int(most) - used + given_up)
    except (OSError, ValueError):
        return math.inf


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{max(count, 0) / 2**20:.0f} MiB"

"""Which arithmetic the network trains in: float32, or bfloat16 autocast where that is measured to be faster."""

from __future__ import annotations

import time

import torch

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.specs import ExperimentSpec, UNetSpec
from msd_engine.training.trial import Trial

_DATA = 32
_ROUNDS = 3
# Only a clear gain counts: the choice, and with it the bits of a training, should be the same the next time.
_GAIN = 1.15


def choose_bfloat16(spec: ExperimentSpec, denoiser: LearnedDenoiser, device: torch.device) -> tuple[bool, str]:
    """Choose the arithmetic of a training.

    Args:
        spec: The experiment; `training.precision` may decide at once.
        denoiser: The denoiser that will be trained; it is left as it is.
        device: Where it will be trained.

    Returns:
        Whether to use bfloat16, and one sentence on why.
    """
    precision = spec.training.precision
    if precision != "auto":
        return precision == "bfloat16", f"The network computes in {precision}, as asked."
    if not isinstance(spec.network, UNetSpec):
        return False, "The network computes in float32: small networks of points are not faster in bfloat16."
    if device.type == "cuda":
        chosen = torch.cuda.is_bf16_supported(including_emulation=False)
        return chosen, f"The network computes in {'bfloat16' if chosen else 'float32'}, which suits this GPU."
    if device.type != "cpu":
        return False, "The network computes in float32 on this device."
    ratio = _measure(denoiser, min(_DATA, spec.training.batch))
    if ratio > _GAIN:
        return True, f"The network computes in bfloat16: measured {ratio:.1f} times as fast as float32 here."
    return False, f"The network computes in float32: bfloat16 was measured {ratio:.2f} times as fast here."


def _measure(denoiser: LearnedDenoiser, count: int) -> float:
    """Return the time of a training step in float32 over that in bfloat16."""
    trial = Trial(denoiser, count)
    best = {True: float("inf"), False: float("inf")}
    # Taken in turns, so that another program's load falls on both; the first round only warms up.
    for number in range(_ROUNDS):
        for chosen in best:
            trial.denoiser.mixed = chosen
            seconds = _seconds(trial)
            if number:
                best[chosen] = min(best[chosen], seconds)
    return best[False] / best[True]


def _seconds(trial: Trial) -> float:
    start = time.perf_counter()
    trial()
    return time.perf_counter() - start

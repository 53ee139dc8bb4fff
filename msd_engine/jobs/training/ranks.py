"""A training by several processes: what rank 0 tells the others, and what these do."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import safetensors.torch
import torch

from msd_engine.backend.tensors import pack_tensors
from msd_engine.backend.threads import fixed_threads, use_threads
from msd_engine.jobs.factory.memory import check_training
from msd_engine.jobs.factory.training import Training, training
from msd_engine.jobs.pictures.own import with_digest
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec
from msd_engine.training.group import Group
from msd_engine.training.trainer import DivergedError, Trainer

_OTHER_NUMBER = "It was trained by {} before: the steps that follow are the same up to rounding, not to the bit."


def threads_of(group: Group | None, threads: int) -> int:
    """Return the number of threads of this process, 0 to choose by the load; processes of one machine share its cores.

    Args:
        group: The processes that train together; None for this one alone.
        threads: The number given by the user; 0 if there is none.
    """
    if group is None or fixed_threads(threads):
        return threads
    use_threads()
    return max(1, torch.get_num_threads() // group.here)


def parts_of(
    spec: ExperimentSpec, group: Group | None, *, data_dir: Path | None, device: torch.device, delay: int | None = None
) -> Training:
    """Build the parts of this process, whose batch must fit into its memory.

    Args:
        spec: The experiment. Rank 0 tells it to the others.
        group: The processes that train together; None for this one alone.
        data_dir: The data folder.
        device: Where this process computes.
        delay: Number of steps after which losses are read; None chooses by the device.

    Raises:
        UserError: Data are missing, or there is too little memory.
        LostError: Another process has ended.
    """
    own = spec.replace("training.batch", len(group.rows(spec.training.batch))) if group else spec
    if group and group.rank == 0:
        group.tell(json.dumps({"spec": spec.to_json(), "device": device.type}).encode())
    parts = training(spec, data_dir=data_dir, device=device, delay=delay, group=group)
    check_training(own, parts.trainer.denoiser, device)
    return parts


def join_at(run: Run, trainer: Trainer, group: Group | None) -> str:
    """Give the others the state to begin from, note their number in the run, and return a sentence on it or none."""
    size = group.size if group else 1
    before = run.note_processes(trainer.step, size)
    if group:
        group.tell(pack_tensors(trainer.state(), {}))
    shared = f"Each step is computed by {_processes(size)}, each with its part of the batch. " if group else ""
    return (shared + (_OTHER_NUMBER.format(_processes(before)) if before not in (0, size) else "")).strip()


def assist(group: Group, *, data_dir: Path | None, threads: int) -> None:
    """Train with rank 0 until it ends the group; read and write nothing but the data.

    Raises:
        UserError: Data are missing here, or the device.
        LostError: Another process has ended.
    """
    told = group.hear()
    if not told:
        return
    plan = json.loads(told)
    device = group.device(plan["device"])
    use_threads(threads_of(group, threads))
    spec = ExperimentSpec.from_json(plan["spec"])
    for _ in with_digest(spec, trained=True):
        pass
    trainer = parts_of(spec, group, data_dir=data_dir, device=device).trainer
    state = group.hear()
    if not state:
        return
    trainer.load(safetensors.torch.load(state))
    while (elapsed_s := group.step()) == elapsed_s:
        # Rank 0 finds the same loss, and ends the group.
        with contextlib.suppress(DivergedError):
            trainer.advance(elapsed_s)


def _processes(number: int) -> str:
    return f"{number} process{'' if number == 1 else 'es'}"

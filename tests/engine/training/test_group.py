"""A batch shared by several processes: each computes its rows, and all do the step of one process, up to rounding."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from msd_engine.jobs.factory.training import training
from msd_engine.specs import ExperimentSpec, load_preset
from msd_engine.training.trainer import DivergedError, Trainer

CPU = torch.device("cpu")
POINTS = load_preset("ncsn-toy").replace_all({"network.width": 16, "training.k": 2, "training.batch": 30})
DIGITS = load_preset("digits-30s").replace_all(
    {
        "network.width": 8,
        "network.embedding": 16,
        "training.k": 2,
        "training.batch": 10,
        "training.seconds": 0.0,
        "training.flips": True,
        "training.optimiser": "adam",
        "training.precision": "float32",
    }
)


class Threads:
    """Ranks that are threads of this process, each of which sees only its own rows."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = threading.Barrier(size, timeout=60)
        self.vectors: list[Tensor] = [torch.zeros(0)] * size


class Rank:
    def __init__(self, number: int, threads: Threads) -> None:
        self.size, self._number, self._threads = threads.size, number, threads

    def rows(self, batch: int) -> range:
        return range(batch * self._number // self.size, batch * (self._number + 1) // self.size)

    def sum(self, vector: Tensor) -> None:
        self._threads.vectors[self._number] = vector.clone()
        self._threads.barrier.wait()
        vector.copy_(torch.stack(self._threads.vectors).sum(0))
        self._threads.barrier.wait()


def trainers(spec: ExperimentSpec, size: int) -> list[Trainer]:
    """Return the trainer of each rank."""
    threads = Threads(size)
    groups = [Rank(number, threads) if size > 1 else None for number in range(size)]
    return [training(spec, data_dir=Path("nowhere"), device=CPU, group=group).trainer for group in groups]


def together(work: Callable[[Trainer], object], ranks: list[Trainer]) -> None:
    """Do work on each rank at the same time."""
    workers = [threading.Thread(target=work, args=(trainer,)) for trainer in ranks]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def trained(spec: ExperimentSpec, size: int, steps: int) -> list[tuple[Trainer, list[float]]]:
    """Return the trainer of each rank after some steps, with its losses."""
    ranks = trainers(spec, size)
    losses: dict[int, list[float]] = {}

    def work(trainer: Trainer) -> None:
        losses[id(trainer)] = [done.loss for _ in range(steps) for done in trainer.advance(0.0)]

    together(work, ranks)
    return [(trainer, losses[id(trainer)]) for trainer in ranks]


@pytest.mark.parametrize("spec", [POINTS, DIGITS], ids=["points", "images"])
@pytest.mark.parametrize("size", [2, 3])
def test_several_processes_do_the_steps_of_one(spec: ExperimentSpec, size: int) -> None:
    steps = 12
    ((alone, losses),) = trained(spec, 1, steps)
    ranks = trained(spec, size, steps)
    for trainer, theirs in ranks:
        assert theirs == pytest.approx(losses, rel=1e-5)
        assert theirs == ranks[0][1]
        for name, value in alone.state().items():
            same = trainer.state()[name]
            assert torch.allclose(same.double(), value.double(), rtol=0, atol=1e-5), name
            assert torch.equal(same, ranks[0][0].state()[name]), name


def test_muon_differs_by_the_rounding_of_its_bfloat16() -> None:
    spec = DIGITS.replace("training.optimiser", "muon")
    ((_, alone),) = trained(spec, 1, 12)
    shared = trained(spec, 2, 12)
    assert shared[0][1] == shared[1][1]
    assert shared[0][1] == pytest.approx(alone, rel=1e-2)
    assert shared[0][1][0] == pytest.approx(alone[0], rel=1e-6)


def test_gradients_of_unequal_parts_are_weighted_by_their_rows() -> None:
    # Three ranks of ten rows: 3, 3 and 4. Equal weights would differ already at the first loss.
    spec = POINTS.replace("training.batch", 10)
    ((_, (alone,)),) = trained(spec, 1, 1)
    assert trained(spec, 3, 1)[0][1] == pytest.approx([alone], rel=1e-6)
    parts = [Rank(number, Threads(3)).rows(10) for number in range(3)]
    assert [len(part) for part in parts] == [3, 3, 4]
    assert [row for part in parts for row in part] == list(range(10))


def test_a_loss_of_one_process_that_is_not_finite_stops_all() -> None:
    ranks = trainers(POINTS, 2)
    take, stopped = ranks[1]._source.take, []

    def work(trainer: Trainer) -> None:
        trainer.advance(0.0)
        before = {name: value.clone() for name, value in trainer.state().items()}
        if trainer is ranks[1]:
            trainer._source.take = lambda rows, step: take(rows, step) * float("nan")  # type: ignore[method-assign]
        try:
            trainer.advance(0.0)
        except DivergedError:
            stopped.append(all(torch.equal(value, before[name]) for name, value in trainer.state().items()))

    together(work, ranks)
    assert stopped == [True, True]

"""Whether a network can denoise what an experiment asks for: the one answer, for all who ask."""

from __future__ import annotations

from typing import Literal

from msd_engine.specs.data import ImagesSpec
from msd_engine.specs.experiment import ExperimentSpec

Misfit = Literal["shape", "k", "data"]

NETWORK_FIELDS = ("data", "network", "noise.s", "training.k", "training.form")
"""What a network is made from: a training with another of these makes another network."""


def misfit(trained: ExperimentSpec, wanted: ExperimentSpec) -> Misfit | None:
    """Return why a network cannot denoise what an experiment asks for.

    A network takes as many copies as it was trained with. (One whose fusion is the mean sees ȳ alone, and would serve
    any k at an equal σ/√k: this is the place that would let it.)

    Args:
        trained: What it was trained with.
        wanted: The experiment.

    Returns:
        ``shape``: its data have another shape. ``k``: it takes another number of copies. ``data``: it has learned other
        data of the same shape, so that it computes, but not what is asked for. None where it fits.
    """
    if trained.data.shape != wanted.data.shape:
        return "shape"
    if trained.training.k != wanted.training.k:
        return "k"
    return None if same_data(trained, wanted) else "data"


def same_data(trained: ExperimentSpec, wanted: ExperimentSpec) -> bool:
    """Return whether two experiments are about the same data: the same set of images, or an equal mixture."""
    ours, theirs = trained.data, wanted.data
    if isinstance(ours, ImagesSpec) and isinstance(theirs, ImagesSpec):
        return ours.name == theirs.name
    return ours == theirs


def same_network(trained: ExperimentSpec, wanted: ExperimentSpec) -> bool:
    """Return whether a training of each of two experiments is about the same network, so that one can go on."""
    return all(trained.get(path) == wanted.get(path) for path in NETWORK_FIELDS)

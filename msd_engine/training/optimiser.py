"""The optimiser: Adam for all weights, or Muon for the hidden ones and Adam for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.specs import TrainingSpec
from msd_engine.training.adam import MOMENTS, Adam
from msd_engine.training.flat import Flat
from msd_engine.training.muon import Muon


class Optimiser:
    """The optimiser of a denoiser's weights.

    Args:
        denoiser: The denoiser; its weights are moved into one vector per kind of optimiser.
        spec: Kind and largest rates.

    Attributes:
        parts: The weights, one part per kind of optimiser.
    """

    def __init__(self, denoiser: LearnedDenoiser, spec: TrainingSpec) -> None:
        self._spec = spec
        ids = {id(weight) for weight in _hidden_weights(denoiser)} if spec.optimiser == "muon" else set()
        names = dict(denoiser.named_parameters())
        hidden = [name for name, weight in names.items() if id(weight) in ids]
        rest = [name for name in names if name not in hidden]
        # Names in the state use the number of the parameter.
        self._numbers = {name: number for number, name in enumerate(names)}
        self._adam = Adam(Flat(denoiser, rest))
        self._muon = Muon(Flat(denoiser, hidden)) if hidden else None
        self.parts = [self._adam.part] if self._muon is None else [self._adam.part, self._muon.part]
        weights = dict(denoiser.named_parameters())
        self._parameters = [weights[name] for part in self.parts for name in part.names]

    def rates(self, rate: float) -> tuple[float, float]:
        """Return the learning rates of Adam and of Muon, which keep their ratio, for Adam's rate."""
        return rate, self._spec.muon_rate * rate / self._spec.learning_rate

    def gradients(self, objective: Tensor) -> list[Tensor]:
        """Return the gradient of an objective with shape (), one vector for each part of the weights."""
        found = iter(torch.autograd.grad(objective, self._parameters))
        return [part.join([next(found) for _ in part.names]) for part in self.parts]

    def step(self, gradients: Sequence[Tensor], adam_rate: Tensor, muon_rate: Tensor, good: Tensor) -> None:
        """Update the weights.

        Args:
            gradients: Result of `gradients`; overwritten.
            adam_rate: Learning rate of Adam with shape (), on the device.
            muon_rate: Learning rate of Muon with shape (), on the device.
            good: 1 to update, 0 to change nothing; with shape (), on the device.
        """
        self._adam.step(gradients[0], adam_rate, good)
        if self._muon is not None:
            self._muon.step(gradients[1], muon_rate, good)

    def state(self) -> dict[str, Tensor]:
        """Return the state by name; the tensors may be live ones, not copies."""
        return {name: live.flatten(1) if name.startswith("muon.") else live for name, live in self._live()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Load the result of `state`; other names are ignored."""
        for name, live in self._live():
            live.copy_(tensors[name].view(live.shape))

    def _live(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the live tensors of the state by name, with the shapes of the weights; the step count repeatedly."""
        for name in self._adam.part.names:
            for moment in MOMENTS:
                value = self._adam.moments[moment]
                live = value if moment == "step" else self._adam.part.view(value, name)
                yield f"adam.{self._numbers[name]}.{moment}", live
        if self._muon is not None:
            for name in self._muon.part.names:
                yield f"muon.{self._numbers[name]}", self._muon.part.view(self._muon.momentum, name)


def clip(gradients: Sequence[Tensor], largest: float) -> Tensor:
    """Scale a gradient, given in parts, in place to at most a norm `largest`; 0 does not scale.

    Returns:
        The norm before, with shape (), on the device.
    """
    norms = [torch.linalg.vector_norm(part) for part in gradients]
    norm: Tensor = norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms))
    if largest:
        scale = (largest / (norm + 1e-6)).clamp(max=1.0)
        for part in gradients:
            part.mul_(scale)
    return norm


def _hidden_weights(denoiser: LearnedDenoiser) -> list[Tensor]:
    weights = getattr(denoiser.net, "hidden_weights", None)
    assert callable(weights), "Networks must define hidden_weights."
    return list(weights())

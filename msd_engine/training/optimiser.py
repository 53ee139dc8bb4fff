"""The optimiser: Adam for all weights, or Muon for the hidden ones and Adam for the rest.

Muon (Jordan et al. 2024, as in torch.optim.Muon) replaces the momentum of a weight matrix by the nearest matrix with
orthonormal rows or columns. A convolution counts as a matrix with one row for each filter.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from msd_engine.backend.errors import UserError
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.specs import TrainingSpec

_ADAM = ("exp_avg", "exp_avg_sq", "step")
_MUON = "momentum_buffer"


class Optimiser:
    """Changes the weights of a denoiser.

    Args:
        denoiser: What is trained.
        spec: Kind and largest rates.

    Raises:
        UserError: This torch has no Muon.
    """

    def __init__(self, denoiser: LearnedDenoiser, spec: TrainingSpec) -> None:
        self.parameters = list(denoiser.parameters())
        self._spec = spec
        hidden = {id(weight) for weight in _hidden_weights(denoiser)} if spec.optimiser == "muon" else set()
        adam = [weight for weight in self.parameters if id(weight) not in hidden]
        # The step count of a fused Adam lives beside the weights.
        self._fused = self.parameters[0].device.type in ("cpu", "cuda")
        self._adam = torch.optim.Adam(adam, lr=spec.learning_rate, fused=self._fused)
        # Muon takes matrices only: these share their memory with the weights.
        self._matrices = {
            number: (weight, nn.Parameter(weight.detach().flatten(1)))
            for number, weight in enumerate(self.parameters)
            if id(weight) in hidden
        }
        self._muon = _muon([matrix for _, matrix in self._matrices.values()], spec.muon_rate) if hidden else None

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the next step: Adam's own; Muon's falls in the same proportion."""
        self._adam.param_groups[0]["lr"] = rate
        if self._muon is not None:
            self._muon.param_groups[0]["lr"] = self._spec.muon_rate * rate / self._spec.learning_rate

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for weight in self.parameters:
            weight.grad = None

    def step(self) -> None:
        """Change the weights by one step along the gradients that they hold."""
        self._adam.step()
        if self._muon is not None:
            for weight, matrix in self._matrices.values():
                matrix.grad = None if weight.grad is None else weight.grad.flatten(1)
            self._muon.step()

    def state(self) -> dict[str, Tensor]:
        """Return all that later steps depend on, by name; the tensors are the live ones, not copies."""
        tensors: dict[str, Tensor] = {}
        for number, weight in enumerate(self.parameters):
            if self._muon is not None and number in self._matrices:
                matrix = self._matrices[number][1]
                tensors[f"muon.{number}"] = self._muon.state[matrix].get(_MUON, torch.zeros_like(matrix))
                continue
            moments = self._adam.state[weight]
            for name in _ADAM:
                blank = torch.zeros(()) if name == "step" else torch.zeros_like(weight)
                tensors[f"adam.{number}.{name}"] = moments.get(name, blank)
        return tensors

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up a state that `state` has given.

        Args:
            tensors: The state by name; other names are passed over.
        """
        for number, weight in enumerate(self.parameters):
            if self._muon is not None and number in self._matrices:
                matrix = self._matrices[number][1]
                self._muon.state[matrix] = {_MUON: tensors[f"muon.{number}"].to(matrix.device).clone()}
                continue
            self._adam.state[weight] = {
                name: tensors[f"adam.{number}.{name}"]
                .to(weight.device if name != "step" or self._fused else "cpu")
                .clone()
                for name in _ADAM
            }


def _hidden_weights(denoiser: LearnedDenoiser) -> list[nn.Parameter]:
    weights = getattr(denoiser.net, "hidden_weights", None)
    assert callable(weights), "Networks say which of their weights are hidden."
    return list(weights())


def _muon(matrices: list[nn.Parameter], rate: float) -> torch.optim.Optimizer:
    if not hasattr(torch.optim, "Muon"):
        raise UserError(
            f"This torch ({torch.__version__}) has no Muon: install torch 2.9 or newer, or set training.optimiser "
            "to adam."
        )
    return torch.optim.Muon(matrices, lr=rate, weight_decay=0.0)

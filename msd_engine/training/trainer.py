"""One optimiser step of the k-sample denoiser, and all that a later step depends on."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.noise.copies import copies
from msd_engine.noise.laws import draw_sigma
from msd_engine.objectives.mse import squared_error, weight
from msd_engine.specs import ExperimentSpec
from msd_engine.training.averaging import WeightAverage
from msd_engine.training.optimiser import Optimiser
from msd_engine.training.schedule import learning_rate, spent
from msd_engine.training.source import Source


class DivergedError(UserError):
    """The loss or its gradient is no longer a number."""


class Trainer:
    """Trains a denoiser by the report's mean squared error, with weight averaging.

    Args:
        spec: The experiment.
        denoiser: The denoiser to train.
        averaged: Another of the same build, which will hold the averaged weights.
        source: Where the data come from.
        noise: Source of σ and of the noise of the copies.
    """

    def __init__(
        self,
        spec: ExperimentSpec,
        denoiser: LearnedDenoiser,
        averaged: LearnedDenoiser,
        source: Source,
        noise: torch.Generator,
    ) -> None:
        self.step = 0
        self.denoiser = denoiser
        self.averaged = averaged
        self._spec = spec
        self._source = source
        self._noise = noise
        self._optimiser = Optimiser(denoiser, spec.training)
        self._average = WeightAverage(denoiser, averaged, spec.training.averaging)
        averaged.mixed = denoiser.mixed

    def spent(self, elapsed_s: float) -> float:
        """Return the share of the budget that is spent, 1 or more at its end.

        Args:
            elapsed_s: Seconds of training so far.
        """
        return spent(self._spec.training, self.step, elapsed_s)

    def advance(self, elapsed_s: float) -> float:
        """Do one step.

        Args:
            elapsed_s: Seconds of training so far, for the schedule.

        Returns:
            The report's loss ‖x̂ − x‖², summed over the datum and averaged over the batch.

        Raises:
            DivergedError: The loss or its gradient is not finite; the weights are those before the step.
        """
        training, denoiser = self._spec.training, self.denoiser
        rate = learning_rate(training, self.step, self.spent(elapsed_s))
        self._optimiser.set_rate(rate)
        x = self._source.batch(self.step)
        sigma = draw_sigma(self._spec.noise, training.k, len(x), self._noise)
        y = copies(x, sigma, training.k, self._noise)
        error = squared_error(denoiser.estimate(y, sigma), x)
        # Divided by the dimension, so that one clipping norm suits points and images.
        objective = (error * weight(denoiser.form, sigma, training.k, denoiser.sigma_data)).mean() / x[0].numel()
        loss = float(error.detach().mean())
        if not math.isfinite(loss):
            raise DivergedError(self._sentence("loss"))
        self._optimiser.zero_grad()
        torch.autograd.backward(objective)
        self._clip(training.clip_norm or math.inf)
        self._optimiser.step()
        self._average.update(self.step)
        self.step += 1
        return loss

    def state(self) -> dict[str, Tensor]:
        """Return all that later steps depend on, by name; the tensors are the live ones, not copies."""
        tensors = {f"denoiser.{name}": value for name, value in self.denoiser.state_dict().items()}
        tensors |= {f"averaged.{name}": value for name, value in self.averaged.state_dict().items()}
        tensors |= self._optimiser.state()
        tensors["noise"] = self._noise.get_state()
        tensors["step"] = torch.tensor(self.step)
        return tensors

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take up a state that `state` has given.

        Args:
            tensors: The state by name.
        """
        for prefix, module in (("denoiser.", self.denoiser), ("averaged.", self.averaged)):
            part = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
            module.load_state_dict(part)
        self._optimiser.load(tensors)
        self._noise.set_state(tensors["noise"].cpu())
        self.step = int(tensors["step"])

    def _clip(self, norm: float) -> None:
        try:
            torch.nn.utils.clip_grad_norm_(self._optimiser.parameters, norm, error_if_nonfinite=True, foreach=True)
        except RuntimeError as error:
            raise DivergedError(self._sentence("gradient")) from error

    def _sentence(self, what: str) -> str:
        return (
            f"Training stopped at step {self.step}: the {what} is no longer a finite number. The last checkpoint is "
            "kept; try a smaller learning rate, or float32 as training.precision."
        )

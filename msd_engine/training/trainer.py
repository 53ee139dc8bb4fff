"""One optimiser step of the k-sample denoiser, and the complete training state."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.backend.recording import Graph, Repeated
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.noise.copies import copies
from msd_engine.noise.laws import draw_sigma, law_of_numbers
from msd_engine.objectives.objective import ExactScore, Given, Objective
from msd_engine.specs import ExperimentSpec
from msd_engine.training.averaging import WeightAverage, decay_at
from msd_engine.training.chance import Chance, Step
from msd_engine.training.group import Ranks
from msd_engine.training.inputs import Found, Inputs, Results
from msd_engine.training.optimiser import Optimiser, clip
from msd_engine.training.schedule import learning_rate, spent
from msd_engine.training.source import Source

AVERAGED = "averaged."
"""How the names of the averaged weights begin in the state of a training."""


class Done(NamedTuple):
    """A step with known loss.

    Attributes:
        step: Steps done, including it.
        loss: The objective's reported loss, such as ‖x̂ − x‖², summed over the datum and averaged over the batch.
    """

    step: int
    loss: float


class DivergedError(UserError):
    """The loss or its gradient is not finite.

    Attributes:
        done: Earlier steps whose losses have become known since the last report.
    """

    done: Sequence[Done] = ()


class Trainer:
    """Trains a denoiser by an objective, with weight averaging.

    The device performs whole steps without the host: random numbers, update and averaging. After a non-finite loss or
    gradient it changes nothing, at that step and all later ones.

    Args:
        spec: The experiment.
        denoiser: The denoiser to train.
        averaged: A second denoiser of the same structure for the averaged weights.
        source: Source of the data.
        objective: The objective to minimise.
        exact: The exact score of the data, for objectives that use it; None for images.
        delay: Steps after which the host reads a loss. It changes no numbers.
        group: The processes that share each batch; None for this one alone.
        new_graph: Makes the recording of a step, one for each number of copies; used only with a delay. It changes no
            numbers.
    """

    def __init__(
        self,
        spec: ExperimentSpec,
        denoiser: LearnedDenoiser,
        averaged: LearnedDenoiser,
        source: Source,
        objective: Objective,
        *,
        exact: ExactScore | None = None,
        delay: int = 0,
        group: Ranks | None = None,
        new_graph: Callable[[], Graph] | None = None,
    ) -> None:
        device, batch = denoiser.sigma_data.device, spec.training.batch
        self.step = 0
        self.denoiser = denoiser
        self.averaged = averaged
        self._spec = spec
        self._source = source
        self._objective = objective
        self._exact = exact
        self._delay = delay
        self._optimiser = Optimiser(denoiser, spec.training)
        self._average = WeightAverage(denoiser, self._optimiser.parts, averaged)
        self._group = group
        self._part = group.rows(batch) if group else range(batch)
        self._chance = Chance(spec.training.seed, batch, device, self._part)
        self._inputs = Inputs(len(self._part), 3, delay, device)
        self._results = Results(delay, device)
        self._found = torch.zeros(2, device=device)
        self._good = torch.ones((), device=device)
        self._law = spec.law
        self._works = {
            k: Repeated(partial(self._compute, k), new_graph() if new_graph is not None and delay else None)
            for k in spec.training_ks
        }
        averaged.mixed = denoiser.mixed

    def pop_trouble(self) -> str:
        """Return once why the device cannot record a step; otherwise an empty string."""
        troubles = [work.trouble for work in self._works.values() if work.trouble]
        for work in self._works.values():
            work.trouble = ""
        return next(iter(troubles), "")

    def spent(self, elapsed_s: float) -> float:
        """Return the used share of the budget after some seconds of training; 1 or more at its end."""
        return spent(self._spec.training, self.step, elapsed_s)

    def advance(self, elapsed_s: float) -> list[Done]:
        """Do one step.

        Args:
            elapsed_s: Seconds of training so far, for the schedule.

        Returns:
            The steps whose losses have become known, in order: without a delay this one.

        Raises:
            DivergedError: The loss or its gradient is not finite; weights, moments and `step` are those before it.
        """
        training = self._spec.training
        rates = self._optimiser.rates(learning_rate(training, self.step, self.spent(elapsed_s)))
        share = 1.0 - decay_at(self.step, training.averaging)
        rows = self._source.rows(self.step)[self._part.start : self._part.stop]
        self._inputs.fill(self.step, rows, (*rates, share))
        # In turn, so that every k has equal shares and the step alone says which one is next.
        ks = tuple(self._works)
        self._works[ks[self.step % len(ks)]]()
        self._results.add(self.step, self._found)
        self.step += 1
        return self._checked(self._results.due())

    def drain(self) -> list[Done]:
        """Wait for the device and return the steps whose losses have become known, in order.

        Raises:
            DivergedError: As `advance`.
        """
        return self._checked(self._results.all())

    def state(self) -> dict[str, Tensor]:
        """Return the complete state by name; the tensors may be live ones, not copies."""
        tensors = {f"denoiser.{name}": value for name, value in self.denoiser.state_dict().items()}
        tensors |= {f"{AVERAGED}{name}": value for name, value in self.averaged.state_dict().items()}
        tensors |= self._optimiser.state()
        tensors["step"] = torch.tensor(self.step)
        return tensors

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Load the result of `state`."""
        for prefix, module in (("denoiser.", self.denoiser), (AVERAGED, self.averaged)):
            part = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
            module.load_state_dict(part)
        self._optimiser.load(tensors)
        self._good.fill_(1.0)
        self.step = int(tensors["step"])

    def _compute(self, k: int) -> None:
        """Do the device's part of a step with k copies, whose varying inputs are in `_inputs`."""
        training, denoiser = self._spec.training, self.denoiser
        # The CPU's generator needs an int; a device reads the tensor when it draws.
        now = self._inputs.now
        step: Step = now.step if self._delay else self.step
        x = self._source.take(now.rows, step)
        numbers = self._chance.sigma(law_of_numbers(self._law), step)
        sigma = draw_sigma(self._law, k, numbers)
        y = copies(x, sigma, self._chance.noise((k, *x.shape[1:]), step))
        given = Given(partial(self._chance.extra, step=step), self._exact)
        losses = self._objective.loss(denoiser, x, y, sigma, given)
        # Divide by the dimension, so that one clipping norm suits points and images.
        dimension = math.prod(x.shape[1:])
        gradients = self._optimiser.gradients(losses.descended.mean() / dimension)
        reported = losses.reported.detach().mean()
        if self._group is not None:
            gradients, reported = self._over_all(self._group, gradients, reported)
        norm = clip(gradients, training.clip_norm)
        self._found.copy_(torch.stack((reported, norm)))
        # 0 times an infinite number is NaN.
        self._good.mul_((self._found * 0.0 == 0.0).all())
        adam_rate, muon_rate, share = now.rates.unbind()
        self._optimiser.step(gradients, adam_rate, muon_rate, self._good)
        self._average.update(share * self._good)

    def _over_all(self, group: Ranks, gradients: list[Tensor], reported: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return gradient and loss of the whole batch from those of this process's rows."""
        joint = torch.cat((*gradients, reported.view(1))).mul_(len(self._part) / self._spec.training.batch)
        group.sum(joint)
        ends = list(itertools.accumulate(map(len, gradients)))
        return [joint[start:end] for start, end in zip([0, *ends], ends, strict=False)], joint[-1]

    def _checked(self, found: Iterable[Found]) -> list[Done]:
        done: list[Done] = []
        for step, loss, norm in found:
            if not (math.isfinite(loss) and math.isfinite(norm)):
                # The device has skipped the later steps.
                self._results.clear()
                self.step = step
                error = DivergedError(_divergence(step, "gradient" if math.isfinite(loss) else "loss"))
                error.done = done
                raise error
            done.append(Done(step + 1, loss))
        return done


def _divergence(step: int, what: str) -> str:
    return (
        f"Training stopped at step {step}: the {what} is no longer a finite number. The last checkpoint is kept; try a "
        "smaller learning rate, or float32 as training.precision."
    )

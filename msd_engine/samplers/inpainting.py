"""Chains that keep known pixels: any dynamics, with the known part of all copies replaced after each step.

With K the known pixels and x_K their values, every copy is given there what a noisy copy of the known picture has,

    y_iK ← x_K + σ₊ n_i,    n_i ~ N(0, I) fresh,

at the noise σ₊ that the next step meets, and the denoiser's estimate is set to x̂_K = x_K. This is the replacement of
Song et al. 2021 (arXiv:2011.13456, §5 and appendix I.2), for k copies; that T steps at one noise let the rest settle
to the known part is what RePaint (Lugmayr et al. 2022, arXiv:2201.09865) does by going up and down. It is not the
exact conditional: at a noise σ the unknown part follows p(y_U given y_K) with y_K drawn from x_K alone, which forgets
what of x_K the noise hides, and becomes exact as σ falls to 0. Where pixels are independent it is exact at any noise.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Noise, Posterior, tweedie
from msd_engine.samplers.descent import Dynamics, Stage


class KnownPixels:
    """A picture of which some pixels are known.

    Attributes:
        x: The picture with shape (*event); only its known values matter.
        known: Truth values that broadcast over `x`, true where a pixel is known.
    """

    def __init__(self, x: Tensor, known: Tensor) -> None:
        """Keep both.

        Args:
            x: The picture with shape (*event), on the device of the chains.
            known: Truth values that broadcast over `x`, on the same device.
        """
        self.x = x
        self.known = known

    def put_into(self, y: Tensor, sigma: float, n: Tensor) -> Tensor:
        """Return copies whose known part is a noisy copy of the known picture.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy.
            n: Standard normal numbers with shape (B, k, *event).

        Returns:
            The copies with the same shape.
        """
        return torch.where(self.known, self.x + sigma * n, y)


class KnownDenoiser:
    """A denoiser that knows some pixels of x: its estimate is x_K there."""

    def __init__(self, denoiser: Any, pixels: KnownPixels) -> None:
        """Keep both."""
        self.denoiser = denoiser
        self.pixels = pixels

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the posterior with the known pixels put into its mean.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy, a number or a tensor with shape (B,).

        Returns:
            Mean with shape (B, *event) and the score that belongs to it.
        """
        mean = torch.where(self.pixels.known, self.pixels.x, self.denoiser(y, sigma).mean)
        return Posterior(mean, lambda: tweedie(mean, y, sigma))

    def draw(self, y: Tensor, sigma: float, noise: Noise) -> Tensor:
        """Draw x from the posterior and put the known pixels into it; for denoisers that can draw.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy.
            noise: Gives the random numbers.

        Returns:
            x with shape (B, *event).
        """
        drawn: Tensor = self.denoiser.draw(y, sigma, noise)
        return torch.where(self.pixels.known, self.pixels.x, drawn)


class Inpainting:
    """Any dynamics, after each step of which the known pixels are put back."""

    def __init__(self, dynamics: Dynamics, pixels: KnownPixels) -> None:
        """Keep both.

        Args:
            dynamics: Moves the chains; its state is a named tuple with the copies `y`.
            pixels: What is known.
        """
        self.dynamics = dynamics
        self.pixels = pixels

    def init(self, y: Tensor) -> Any:
        """Return the state that begins at the copies `y` with shape (B, k, *event)."""
        return self.dynamics.init(y)

    def step(self, state: Any, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[Any, Any]:
        """Take a step and put the known pixels back.

        Args:
            state: Where the chains are.
            denoiser: Gives x̂ of the copies.
            stage: The noise before and after the step.
            noise: Gives the random numbers: those of the dynamics first, then those of the known pixels.

        Returns:
            The next state, and what the step has found out.
        """
        after, info = self.dynamics.step(state, denoiser, stage, noise)
        return after._replace(y=self.pixels.put_into(after.y, stage.next_sigma, noise.normal())), info

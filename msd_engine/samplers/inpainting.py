"""Inpainting with any dynamics: the known part of all copies is replaced after each step.

With K the known pixels and x_K their values, every copy becomes there a noisy copy of the known picture,

    y_iK ← x_K + σ₊ n_i,    n_i ~ N(0, I) fresh,

at the noise σ₊ that the denoiser gets at the next step, and the denoiser's estimate becomes x̂_K = x_K. This is the
replacement method of Song et al. 2021 (arXiv:2011.13456, §5 and appendix I.2), for k copies; T steps at one noise
harmonise the unknown part with the known one, as RePaint (Lugmayr et al. 2022, arXiv:2201.09865) does by going up and
down. It is not the exact conditional: at noise σ the unknown part follows p(y_U given y_K) with y_K drawn from x_K
alone, which ignores the part of x_K hidden by the noise; it becomes exact as σ → 0, and is exact at any noise for
independent pixels. Noise that is not white is coloured in the picture, where the pixels are known.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Noise, Posterior, tweedie
from msd_engine.noise.space import Isotropic, Space
from msd_engine.samplers.descent import Dynamics, Stage


class KnownPixels:
    """A picture with some known pixels.

    Args:
        x: The picture with shape (*event), on the device of the chains; only its known values matter.
        known: Boolean mask that broadcasts over `x`, true at known pixels, on the same device.
        space: Coordinates of the chains, in which their noise is white; None for those of the picture.
    """

    def __init__(self, x: Tensor, known: Tensor, space: Space | None = None) -> None:
        self.x, self.known, self._space = x, known, space or Isotropic()

    def put_into(self, y: Tensor, sigma: float, n: Tensor) -> Tensor:
        """Return copies y (B, k, *event) with the known part x_K + σ n, for standard normal n of the same shape."""
        return self._held(y, self.x + sigma * self._space.decode(n))

    def hold(self, x: Tensor) -> Tensor:
        """Return estimates or draws x (B, *event) with the known part x_K."""
        return self._held(x, self.x)

    def _held(self, encoded: Tensor, pictures: Tensor) -> Tensor:
        return self._space.encode(torch.where(self.known, pictures, self._space.decode(encoded)))


class KnownDenoiser:
    """A `PosteriorSampler` whose estimate and draws equal x_K at known pixels."""

    def __init__(self, denoiser: Any, pixels: KnownPixels) -> None:
        self.denoiser = denoiser
        self.pixels = pixels

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the posterior with x̂_K = x_K, and its score."""
        mean = self.pixels.hold(self.denoiser(y, sigma).mean)
        return Posterior(mean, lambda: tweedie(mean, y, sigma))

    def draw(self, y: Tensor, sigma: float, noise: Noise) -> Tensor:
        """Draw x from the posterior and set x_K, for denoisers that can draw."""
        return self.pixels.hold(self.denoiser.draw(y, sigma, noise))


class Inpainting:
    """Dynamics that reset the known pixels after each step of given dynamics."""

    def __init__(self, dynamics: Dynamics, pixels: KnownPixels) -> None:
        self.dynamics = dynamics
        self.pixels = pixels

    def init(self, y: Tensor) -> Any:
        """Return the initial state for copies `y` with shape (B, k, *event)."""
        return self.dynamics.init(y)

    def step(self, state: Any, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[Any, Any]:
        """Make a step and reset the known pixels, whose random numbers follow those of the dynamics."""
        after, info = self.dynamics.step(state, denoiser, stage, noise)
        return after._replace(y=self.pixels.put_into(after.y, stage.next_noise, noise.normal())), info

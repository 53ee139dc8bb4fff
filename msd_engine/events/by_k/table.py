"""The error of a denoiser by k and σ_eff, beside the least possible one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event


@dataclass(frozen=True, eq=False)
class ErrorsByK(Event):
    """Squared errors E‖x̂ − x‖² so far, where the noise is white.

    The exact error depends on σ_eff = σ/√k alone (theory §3, fact 1). The exact x̂ is the posterior mean, so the error
    of any other denoiser is larger by exactly its mean squared distance from it, here the gap.

    Attributes:
        sigma_eff: Noises of ȳ, rising, with shape (n,).
        exact: Exact errors, with shape (n,); NaN before the measurement.
        exact_error: Their standard errors over the draws, with shape (n,).
        ks: Numbers of copies of the network; none without a network.
        gap: E‖x̂ − x̂*‖² of the network by k and noise, with shape (len(ks), n); NaN before the measurement.
        gap_error: Standard errors of the gap, with the same shape.
    """

    keep: ClassVar[str] = "latest"
    sigma_eff: NDArray[np.float64]
    exact: NDArray[np.float64]
    exact_error: NDArray[np.float64]
    ks: tuple[int, ...]
    gap: NDArray[np.float64]
    gap_error: NDArray[np.float64]

    @property
    def learned(self) -> NDArray[np.float64]:
        """Errors of the network by k and noise, with shape (len(ks), n)."""
        return self.exact + self.gap

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return all numbers as columns with shape (n,) by name."""
        found = {"σ_eff": self.sigma_eff, "exact": self.exact, "exact, standard error": self.exact_error}
        for k, learned, gap, error in zip(self.ks, self.learned, self.gap, self.gap_error, strict=True):
            found |= {f"k = {k}": learned, f"k = {k}, gap": gap, f"k = {k}, standard error of the gap": error}
        return found

    @property
    def excess(self) -> NDArray[np.float64]:
        """The gap over the exact error by k and noise, with shape (len(ks), n)."""
        return self.gap / self.exact

    @property
    def text(self) -> str:
        """One sentence: where the network is farthest from the exact x̂; empty before a measurement of one."""
        if np.isnan(self.excess).all():
            return ""
        number, at = np.unravel_index(np.nanargmax(self.excess), self.excess.shape)
        where = f"k = {self.ks[number]}, σ_eff = {self.sigma_eff[at]:.2g}"
        return f"The network's error is at most {100 * self.excess[number, at]:.2g} % above the exact one: {where}."

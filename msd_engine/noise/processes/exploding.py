"""The process whose variance explodes, dx = sᵗ dw: α = 1, σ = std(t) (`noise.sde`)."""

from __future__ import annotations

from dataclasses import dataclass

from msd_engine.noise.process import Process, Time
from msd_engine.noise.sde import std, time
from msd_engine.specs import NoiseSpec


@dataclass(frozen=True)
class Exploding(Process):
    """The report's process.

    Attributes:
        s: Base, more than 1.
    """

    s: float

    def __call__(self, t: Time) -> tuple[float, Time]:
        """Return 1 and std(t)."""
        return 1.0, std(t, self.s)

    def time(self, noise: Time) -> Time:
        """Return the time of a noise in closed form; beyond 1 where the noise is larger than std(1)."""
        return time(noise, self.s)


def process(spec: NoiseSpec) -> Process:
    """Return the process with the base of a spec."""
    return Exploding(spec.s)

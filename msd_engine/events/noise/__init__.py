"""Events about the noise itself, and about white and coloured noise compared."""

from msd_engine.events.noise.comparison import (
    NOISE_TITLES,
    Noise,
    NoiseCurve,
    NoiseMoment,
    NoiseRow,
    NoiseSamples,
    NoiseTable,
    Spread,
)
from msd_engine.events.noise.forward import Forward, NoiseDraws, NoiseSide, Spectrum
from msd_engine.events.noise.likelihood import Likelihood

__all__ = [
    "NOISE_TITLES",
    "Forward",
    "Likelihood",
    "Noise",
    "NoiseCurve",
    "NoiseDraws",
    "NoiseMoment",
    "NoiseRow",
    "NoiseSamples",
    "NoiseSide",
    "NoiseTable",
    "Spectrum",
    "Spread",
]

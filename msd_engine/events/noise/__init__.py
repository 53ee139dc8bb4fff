"""Events about the noise itself."""

from msd_engine.events.noise.forward import Forward, NoiseDraws, NoiseSide, Spectrum

__all__ = ["Forward", "NoiseDraws", "NoiseSide", "Spectrum"]

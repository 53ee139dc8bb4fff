"""The engine of the multi-sample denoiser laboratory: specs go down, events come up. No Qt."""

__version__ = "0.1.0"

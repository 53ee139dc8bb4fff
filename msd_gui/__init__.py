"""The desktop program of the multi-sample denoiser laboratory."""

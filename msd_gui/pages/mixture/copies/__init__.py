"""The error of the denoiser by the number of copies."""

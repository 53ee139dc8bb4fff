"""Learning a denoiser: one step, the loop and weight averaging."""

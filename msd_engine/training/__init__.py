"""Training of a denoiser: data source, optimiser step and weight averaging."""

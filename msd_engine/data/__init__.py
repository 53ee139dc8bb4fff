"""Where data come from: Gaussian mixtures and real images."""

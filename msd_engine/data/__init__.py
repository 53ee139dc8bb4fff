"""Data: Gaussian mixtures and real images."""

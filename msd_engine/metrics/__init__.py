"""Figures of merit: denoising errors and the health of chains."""

"""Measured and predicted behaviour of chains and ladders."""

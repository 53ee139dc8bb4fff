"""Dynamics that draw new data, one per file, and the walk that drives them."""

"""Covariances of the noise of one copy, one per file: the coordinates in which the noise is white."""

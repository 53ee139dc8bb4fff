"""Covariances of the noise of one copy, one per file, each as the space in which it is white."""

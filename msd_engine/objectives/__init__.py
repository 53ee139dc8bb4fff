"""Scalar losses."""

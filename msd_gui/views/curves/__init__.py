"""Curves, bars and bands."""

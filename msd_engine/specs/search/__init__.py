"""Specs of searches over settings."""

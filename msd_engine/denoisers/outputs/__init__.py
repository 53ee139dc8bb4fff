"""Meanings of a network's output, one per file."""

"""Palette and icons."""

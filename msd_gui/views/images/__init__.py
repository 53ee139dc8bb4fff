"""Grids, strips and films of images, and drawing on an image."""

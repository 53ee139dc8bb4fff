"""Errors of denoisers on held-out draws, and the comparison of numbers of copies."""

"""Errors of denoisers by the number of copies."""

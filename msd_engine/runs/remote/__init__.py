"""Runs that lie elsewhere: copies of them, and requests to their trainings."""

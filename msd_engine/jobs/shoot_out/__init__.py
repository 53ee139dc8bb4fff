"""The shoot-out of samplers with equal numbers of evaluations."""

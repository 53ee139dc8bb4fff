"""The shoot-out of samplers: a window beside the mixture page."""

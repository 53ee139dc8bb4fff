"""Feature networks for judging images."""

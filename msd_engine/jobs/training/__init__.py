"""Jobs that train a network, or repeat the measurements of a saved training."""

"""Jobs that search for the best chain of a network."""

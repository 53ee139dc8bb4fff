"""Commands for chains and scores in the plane."""

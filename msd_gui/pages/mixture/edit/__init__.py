"""Data of the mixture page that are edited in its plane."""

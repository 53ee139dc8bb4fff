"""Pages: controllers that see specs and events only."""

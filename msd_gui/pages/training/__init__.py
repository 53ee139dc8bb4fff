"""Training beside the chains of a page."""

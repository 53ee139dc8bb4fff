"""A network in training beside the chains of a page."""

"""Quality of the samples of a page."""

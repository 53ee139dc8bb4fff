"""How good the samples of a page are."""
